"""The system's Chromium, driven by Playwright, which downloads none."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = ("--no-sandbox", "--disable-dev-shm-usage")
"""Root has no sandbox, and a container's shared memory is small."""


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""

    def __init__(self) -> None:
        super().__init__("there is no Chromium: `make browser` installs it or says the command")


@contextmanager
def open_browser() -> Generator[Browser]:
    """Start a browser without a window; it has ended when the block is left. Raises NoBrowserError."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise NoBrowserError
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def open_page(page: Page, address: str) -> None:
    """Go to the page and wait until it can be used."""
    page.goto(address)
    page.locator("body[data-ready]").wait_for()
