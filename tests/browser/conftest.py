"""The page in a real browser, against the real application with the real market in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from bench.browser import open_browser, open_page
from tests.browser.stand import Stand, open_stand

WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=360, height=740)


@dataclass
class Visit:
    """One open page, and what went wrong on it: errors, refused contents, requests to elsewhere."""

    page: Page
    stand: Stand
    troubles: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])

    def open(self, address: str = "") -> Page:
        """Go to the page and wait until it can be used."""
        open_page(self.page, self.stand.address + address)
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: while Playwright is open no other event loop can run in this thread."""
    with open_browser() as opened:
        yield opened


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with open_stand(tmp_path) as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, stand: Stand) -> Iterator[Visit]:
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(10_000)
    made = Visit(page, stand)
    page.on("pageerror", lambda error: made.troubles.append(str(error)))
    page.on(
        "console",
        lambda message: made.troubles.append(message.text) if message.type == "error" else None,
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(stand.address) else made.foreign.append(request.url)
        ),
    )
    yield made
    context.close()
    assert made.foreign == []
