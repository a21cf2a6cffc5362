"""Refreshes `docs/screenshots`: `python -m docs.screenshots`, or `make screenshots`.

A demonstration is started on a folder of its own; the pictures are taken when its scripted actors have brought a
delivery to its end. `python -m docs.screenshots http://127.0.0.1:8080` takes them from one that runs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Browser, Page

from bench.browser import open_browser, open_page
from bench.foundation import say, take_free_ports
from bench.running_stack import RunningStack, running_stack

FOLDER: Final = Path(__file__).parent / "screenshots"
SETTLE_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its file, the address after the store's, and the window."""

    name: str
    address: str
    width: int
    height: int


def pictures(transaction_match: str, facility: str) -> Sequence[Picture]:
    """Return what is taken: the page in both languages, on a telephone, and the page of one facility."""
    return (
        Picture("page.png", f"?lang=en#/match/{transaction_match}", 1440, 900),
        Picture("page-zh.png", "?lang=zh-CN#/?programme=hebei_anhui", 1440, 900),
        Picture("page-narrow.png", f"?lang=en#/match/{transaction_match}", 360, 780),
        Picture("facility.png", f"?lang=en#/facility/{facility}", 1440, 900),
    )


def take(browser: Browser, address: str, picture: Picture) -> None:
    """Take one picture."""
    context = browser.new_context(viewport={"width": picture.width, "height": picture.height})
    page = context.new_page()
    open_page(page, f"{address}/{picture.address}")
    _settle(page)
    file = FOLDER / picture.name
    page.screenshot(path=file, animations="disabled")
    context.close()
    say(f"{file.name}: {file.stat().st_size // 1024} KB")


def _settle(page: Page) -> None:
    """Let chart and map come; a narrow page shows the match that the address names."""
    page.wait_for_timeout(SETTLE_MS)
    detail = page.locator("#detail")
    if detail.is_visible():
        detail.evaluate("element => element.scrollIntoView()")


def take_all(address: str) -> None:
    """Take every picture of a store that runs."""
    with httpx.Client(base_url=address, trust_env=False) as store:
        transactions = store.get("/api/v1/transactions").json()["transactions"]
        match, giver = transactions[0]["match"], transactions[0]["giver_id"]
    FOLDER.mkdir(exist_ok=True)
    with open_browser() as browser:
        for picture in pictures(match, giver):
            take(browser, address, picture)


def _played(stack: RunningStack) -> bool:
    funnel = stack.get("/api/v1/funnel")
    return bool(funnel.get("completed") and funnel.get("received_in_part"))


def main() -> None:
    """Take the pictures."""
    if len(sys.argv) > 1:
        take_all(sys.argv[1].rstrip("/"))
        return
    with tempfile.TemporaryDirectory(prefix="synergy-screenshots-") as folder:
        take_free_ports(Path(folder))
        with running_stack(Path(folder)) as stack:
            stack.wait("a delivery that is completed, and one in part", lambda: _played(stack))
            take_all(stack.settings.store.address)


if __name__ == "__main__":
    main()
