"""What people do on the page, done in a browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from schemas.events import AlertState, MatchState
from tests.browser.conftest import NARROW, WIDE, Visit
from tests.market.plants import GOOD_ASH, HIGH_LOI_ASH, MARCH, facts, need, supply

WIDTHS = {"wide": WIDE, "narrow": NARROW}


def signed_in(page: Page) -> Page:
    page.get_by_label("Your name").fill("Ann Operator")
    return page


def assert_usable(page: Page) -> None:
    """Nothing runs off the side, and axe has nothing to say."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def rows(page: Page) -> Locator:
    """The rows of the list that is shown."""
    return page.get_by_role("listbox").get_by_role("option")


def test_accepting_as_giver_and_receiver_makes_an_agreement_that_the_page_shows(
    visit: Visit,
) -> None:
    page = signed_in(visit.open())
    panel = page.locator("#detail")
    expect(panel.locator(".panel-head")).to_contain_text("proposed")
    page.get_by_role("button", name="Accept as giver").click()
    expect(panel.get_by_role("status")).to_contain_text("Accepted for the giver.")
    expect(panel.locator(".panel-head")).to_contain_text("accepted by giver")
    page.get_by_role("button", name="Accept as receiver").click()
    expect(panel.locator(".panel-head")).to_contain_text("agreed")
    row = page.locator("#transactions tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Mitchell power station → Wheeling ready-mix")
    states = {match.state for match in visit.stand.desk.views.matches.values()}
    assert MatchState.AGREED in states
    assert visit.troubles == []


def test_declining_needs_a_reason_and_takes_the_match_off_the_list(visit: Visit) -> None:
    page = signed_in(visit.open())
    expect(page.get_by_role("tab", name="Matches")).to_contain_text("5")
    page.get_by_role("button", name="Decline as receiver").click()
    expect(page.get_by_label("Why is it declined?")).to_be_focused()
    page.keyboard.type("we have our own ash")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .panel-head")).to_contain_text("declined")
    declined = [
        m for m in visit.stand.desk.views.matches.values() if m.state is MatchState.DECLINED
    ]
    assert [reason.text for match in declined for reason in match.reasons] == [
        "we have our own ash"
    ]
    page.mouse.move(0, 0)
    expect(rows(page).first).not_to_contain_text("Wheeling ready-mix")


def test_an_answer_to_a_revision_that_is_gone_is_refused_with_what_is_possible(
    visit: Visit,
) -> None:
    page = signed_in(visit.open())
    page.route(
        "**/api/v1/commands",
        lambda route: route.continue_(
            post_data=re.sub(r'"revision":\d+', '"revision":99', route.request.post_data or "")
        ),
    )
    page.get_by_role("button", name="Accept as giver").click()
    outcome = page.locator("#detail").get_by_role("status")
    expect(outcome).to_contain_text("It has changed since")
    expect(outcome).to_contain_text("Possible now: accept, decline, withdraw.")


def test_nobody_decides_without_a_name(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Accept as giver").click()
    expect(page.get_by_label("Your name")).to_be_focused()
    expect(page.locator("#detail").get_by_role("status")).to_contain_text("Type your name")
    assert {m.state for m in visit.stand.desk.views.matches.values()} == {MatchState.PROPOSED}


def test_what_changes_arrives_without_a_reload(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#connection")).to_have_text("Live")
    as_of = MARCH + timedelta(hours=5)
    visit.stand.tick(5)
    visit.stand.feed(
        facts("pilot", "2395", (39.99, -80.72), name="Pilot blocks"),
        need("pilot", "portland_cement", 900, as_of=as_of),
        supply("mitchell", "fly_ash", 1337, properties=GOOD_ASH, as_of=as_of),
    )
    expect(page.locator("#alerts")).to_contain_text("A new match for")
    expect(rows(page).filter(has_text="Pilot blocks").first).to_be_visible()
    expect(page.locator("#programmes")).to_contain_text("05:00")
    expect(page.locator(".key-giver")).to_contain_text("1,337 t")
    assert visit.troubles == []


def test_a_broken_stream_goes_on_where_it_broke_off(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator("#connection")).to_have_text("Live")
    page.locator("#map svg").wait_for()  # the map is what is read last
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if "/api/v1/" in request.url else None
    )
    with page.expect_request(lambda request: "/api/v1/stream" in request.url):
        visit.stand.drop_streams()
        visit.stand.tick(9)
    expect(page.locator("#programmes")).to_contain_text("09:00")
    expect(page.locator("#connection")).to_have_text("Live")
    assert len([url for url in asked if "/stream" in url]) == 1
    assert [url for url in asked if "/stream" not in url] == []  # nothing had to be read again


def test_an_alert_is_acknowledged_where_it_stands(visit: Visit) -> None:
    page = signed_in(visit.open())
    first = page.locator(".alert").first
    first.get_by_role("button", name=re.compile("^Acknowledge")).click()
    expect(first).to_contain_text("acknowledged")
    expect(first).to_contain_text("Ann Operator")
    states = [alert.state for alert in visit.stand.desk.views.alerts.values()]
    assert states.count(AlertState.ACKNOWLEDGED) == 1


def test_the_unmatched_and_why_are_one_click_away(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("tab", name="Unmatched").click()
    row = rows(page).first
    expect(row).to_contain_text("Ohio county roads")
    expect(row).to_contain_text("Nobody in the programme offers or needs")
    row.click()
    expect(page.locator("#detail h2")).to_contain_text("Why there is no match: Ohio county roads")


def test_lists_are_filtered_and_the_address_can_be_sent_on(visit: Visit) -> None:
    page = visit.open()
    page.get_by_label("Material").select_option(label="FGD gypsum")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("tab", name="Matches")).to_contain_text("1")
    page.goto("about:blank")
    page.goto(visit.stand.address + "#/?park=Riverside")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Moundsville wallboard")
    visit.foreign.clear()


def test_the_way_to_an_acceptance_needs_no_mouse(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the chosen match")).to_be_focused()
    page.get_by_label("Your name").focus()
    page.keyboard.type("Ann")
    page.get_by_role("listbox", name="Matches").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    second = rows(page).nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(page.locator("#detail .sides")).to_contain_text("Kammer power station")
    accept = page.get_by_role("button", name="Accept as giver")
    for _ in range(12):
        page.keyboard.press("Tab")
        if accept.evaluate("element => element === document.activeElement"):
            break
    assert accept.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#detail .panel-head")).to_contain_text("accepted by giver")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_is_whole_in_both_languages_and_at_both_widths(
    visit: Visit, width: str, language: str
) -> None:
    visit.page.set_viewport_size(WIDTHS[width])
    page = visit.open(f"?lang={language}")
    rows(page).first.click()
    title = {"en": "By-product synergy", "zh-CN": "副产物协同"}[language]
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("#detail .sides")).to_contain_text(
        {"en": "Giver", "zh-CN": "供应方"}[language]
    )
    expect(page.locator("#map svg")).to_be_visible()
    assert_usable(page)
    page.get_by_role("tab").nth(1).click()
    rows(page).first.click()
    assert_usable(page)
    visit.open(f"?lang={language}#/facility/mitchell")
    expect(page.locator(".facility-matches a").first).to_be_visible()
    assert_usable(page)
    assert visit.troubles == []


def test_a_language_once_chosen_stays(visit: Visit) -> None:
    page = visit.open("?lang=zh-CN")
    visit.open()
    expect(page.get_by_role("heading", level=1)).to_have_text("副产物协同")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("By-product synergy")


def test_every_kind_of_data_is_told_apart_in_words(visit: Visit) -> None:
    page = visit.open()
    expect(rows(page).filter(has_text="SIMULATED")).to_have_count(2)
    expect(rows(page).filter(has_text="assumed")).to_have_count(1)
    badges = page.locator(".row").evaluate_all(
        "rows => rows.map(row => row.querySelectorAll('.kind').length)"
    )
    assert badges
    assert set(badges) == {1}


def test_a_match_says_for_which_other_use_its_material_failed(visit: Visit) -> None:
    page = visit.open()
    visit.stand.feed(
        facts("amos", "3510", (40.02, -80.72), name="Amos power station"),
        facts("brick", "2392", (40.03, -80.71), name="Bellaire brick"),
        supply("amos", "fly_ash", 500, properties=HIGH_LOI_ASH),
        need("brick", "clay", 400),
    )
    rows(page).filter(has_text="Bellaire brick").click()
    failed = page.locator("#detail .reasons li").filter(has_text="quality fails")
    concrete = failed.filter(has_text="ready-mix concrete")
    expect(concrete).to_contain_text("loss on ignition is 7 %")
    expect(concrete).to_contain_text("at most 6 %")
    assert Axe().run(page).violations_count == 0


def test_a_facility_has_a_page_of_its_own_that_leads_back_to_its_matches(visit: Visit) -> None:
    page = visit.open()
    page.locator("#detail").get_by_role("link", name="Wheeling ready-mix").click()
    facility = page.locator("#facility")
    expect(facility.get_by_role("heading", name="Wheeling ready-mix")).to_be_focused()
    expect(facility).to_contain_text("A sample, not a real plant")
    expect(facility.locator(".facility-positions")).to_contain_text("800 t")
    expect(facility.locator(".facility-positions")).to_contain_text("replay")
    expect(facility.locator(".facility-matches")).to_contain_text("Mitchell power station")
    assert Axe().run(page).violations_count == 0
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size(WIDE)
    facility.get_by_role("link", name="Mitchell power station").click()
    expect(page.locator("#detail .sides")).to_contain_text("Wheeling ready-mix")
    assert visit.troubles == []


def test_a_facility_s_page_follows_what_becomes_of_its_need(visit: Visit) -> None:
    page = visit.open("#/facility/road")
    expect(page.locator(".facility-matches")).to_contain_text("No match: needs Lime")
    visit.stand.feed(
        facts("kiln", "2394", (40.11, -80.74), name="Kiln of Martins Ferry"),
        supply("kiln", "cement_kiln_dust", 200),
    )
    expect(page.locator(".facility-matches")).to_contain_text("Kiln of Martins Ferry")
