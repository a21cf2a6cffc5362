"""The page on the real stack: an answer given in the browser goes through Kafka and market and comes back by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bench.browser import open_browser, open_page
from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.test_lifecycle import proposed

pytestmark = pytest.mark.kafka


def test_a_match_is_accepted_on_the_page_and_the_flows_come_from_the_ledger(
    pipeline: Pipeline,
) -> None:
    match = proposed(pipeline, "paged", "page")
    address = pipeline.stack.settings.store.address
    flows = pipeline.store.get(f"/api/v1/matches/{match['id']}/flows")
    assert [len(flows[side]) > 0 for side in ("giver", "receiver")] == [True, True]
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        open_page(page, f"{address}/#/match/{match['id']}?programme=paged")
        head = page.locator("#detail .panel-head")
        expect(page.locator("#detail .sides")).to_contain_text("Plant page-power", timeout=10_000)
        page.get_by_label("Your name").fill("Ann")
        page.get_by_role("button", name="Accept as receiver").click()
        expect(head).to_contain_text("accepted by receiver", timeout=10_000)
        page.get_by_role("button", name="Accept as giver").click()
        expect(head).to_contain_text("agreed", timeout=10_000)
        expect(page.locator("#transactions tbody tr")).to_have_count(1, timeout=10_000)
