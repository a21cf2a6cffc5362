"""Staleness, chapters, validity, ticks and the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from schemas.events import (
    MatchState,
    Unmatched,
)
from synergy.catalogue.catalogue import index_of
from synergy.catalogue.model import Validity
from synergy.market import Code, MarketState
from tests.market.plants import (
    BOARD,
    CATALOGUE,
    GOOD_ASH,
    KILN,
    MARCH,
    MIX,
    POLICY,
    POWER,
    TONNE,
    Market,
    analysis,
    codes,
    days,
    facts,
    matches,
    need,
    only,
    reasons_of,
    started,
    supply,
)


def test_the_limit_of_a_blend_that_begins_to_hold_takes_a_proposal_back() -> None:
    blend = CATALOGUE.blends["kiln_clay"]
    begins = Validity(start=(MARCH + days(2)).date())
    later = replace(blend, limits=tuple(replace(one, validity=begins) for one in blend.limits))
    blends = {**CATALOGUE.blends, blend.id: later}
    index = index_of(
        CATALOGUE.materials,
        CATALOGUE.uses,
        CATALOGUE.industries,
        (CATALOGUE.coefficients, CATALOGUE.markets, blends.values()),
    )
    catalogue = replace(CATALOGUE, blends=MappingProxyType(blends), index=index)
    market = Market(MarketState(catalogue, POLICY)).tick(MARCH)
    mud = supply("mud", "red_mud", 300, properties=analysis(na2o=7.0, moisture=25.0))
    market.feed(KILN, facts("mud", "2420", (39.70, -80.90)), mud, need("kiln", "clay", 500))
    assert only(matches(market.solve())).state is MatchState.PROPOSED
    market.tick(MARCH + days(3))
    assert only(matches(market.solve())).state is MatchState.WITHDRAWN


def test_stale_supply_withdraws_and_news_revives_with_a_new_proposal() -> None:
    ash = supply("power", "fly_ash", 100, properties=GOOD_ASH)
    market = started(POWER, MIX, ash, need("mix", "portland_cement", 800))
    first = only(matches(market.solve()))
    market.feed(replace(ash, stale=True))
    events = market.solve()
    withdrawn = only(matches(events))
    assert (withdrawn.id, withdrawn.state) == (first.id, MatchState.WITHDRAWN)
    assert codes(withdrawn.reasons) == [Code.STALE]
    assert codes(reasons_of(events, "power", "fly_ash")) == [Code.STALE]
    market.feed(ash)
    events = market.solve()
    assert only(matches(events)).state is MatchState.PROPOSED
    assert {item.resolved for item in events if isinstance(item, Unmatched)} == {True}


def test_a_unit_without_data_in_the_chapter_gives_nothing_and_is_not_called_stale() -> None:
    ash = supply("power", "fly_ash", 100, flags=("no_data_in_chapter",), stale=True)
    market = started(POWER, MIX, ash, need("mix", "portland_cement", 800))
    events = market.solve()
    assert matches(events) == []
    assert codes(reasons_of(events, "power", "fly_ash")) == [Code.NO_DATA_IN_CHAPTER]


def test_a_scrubber_that_starts_brings_a_match_in_the_next_solve() -> None:
    dry = analysis(purity=96.0, moisture=9.0, chloride=0.01)
    market = started(
        POWER,
        BOARD,
        supply("power", "fgd_gypsum", 0, properties=dry),
        need("board", "mined_gypsum", 1200),
    )
    assert matches(market.solve()) == []
    market.feed(supply("power", "fgd_gypsum", 171, properties=dry))
    match = only(matches(market.solve()))
    assert match.use == "fgd_gypsum_wallboard"
    assert match.quantity_per_day == 171 * TONNE


def test_a_facility_that_does_not_operate_yet_takes_part_from_its_first_day() -> None:
    late = replace(BOARD, valid_from=datetime(2007, 4, 27, tzinfo=UTC))
    gypsum = supply(
        "power", "fgd_gypsum", 100, properties=analysis(purity=96, moisture=9, chloride=0.01)
    )
    market = started(POWER, late, gypsum, need("board", "mined_gypsum", 500))
    events = market.solve()
    assert matches(events) == []
    assert codes(reasons_of(events, "board", "mined_gypsum")) == [Code.NOT_OPERATING]
    market.tick(datetime(2007, 4, 27, 1, tzinfo=UTC))
    assert only(matches(market.solve())).receiver == "board"


def test_a_facility_that_has_closed_is_withdrawn() -> None:
    closing = replace(MIX, valid_to=MARCH + days(2))
    market = started(
        POWER,
        closing,
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    market.solve()
    market.tick(MARCH + days(2))
    gone = only(matches(market.solve()))
    assert gone.state is MatchState.WITHDRAWN
    assert codes(gone.reasons) == [Code.NOT_OPERATING]


def test_prices_are_those_of_the_programmes_time() -> None:
    for time, year in ((MARCH, 2007), (datetime(2024, 7, 1, tzinfo=UTC), 2020)):
        market = Market().tick(time)
        market.feed(
            POWER, MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
        )
        assert only(matches(market.solve())).price_year == year


def test_a_facility_that_leaves_takes_its_matches_along() -> None:
    market = started(
        POWER, MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
    )
    market.solve()
    market.feed(replace(MIX, removed=True))
    gone = only(matches(market.solve()))
    assert gone.state is MatchState.WITHDRAWN
    assert codes(gone.reasons) == [Code.FACILITY_UNKNOWN]
    assert not [key for key in market.parts if b'"mix"' in key and b'"pair"' not in key]


def test_a_position_before_its_facts_waits_for_them() -> None:
    market = started(MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800))
    events = market.solve()
    assert codes(reasons_of(events, "power", "fly_ash")) == [Code.FACILITY_UNKNOWN]
    market.feed(POWER)
    assert only(matches(market.solve())).giver == "power"


def test_nothing_is_solved_before_the_programmes_time_is_known() -> None:
    market = Market().feed(
        POWER, MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
    )
    assert market.state.job() is None
    market.state.clock(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e6))
    assert market.state.job() is None, "2007 is not live in 2026"
    market.tick(MARCH)
    assert market.state.job() is not None


def test_a_live_programme_takes_the_clock() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    market = Market().feed(
        POWER,
        MIX,
        supply("power", "fly_ash", 100, as_of=now - timedelta(minutes=3)),
        need("mix", "portland_cement", 800, as_of=now - timedelta(days=1)),
    )
    market.state.clock(int(now.timestamp()) * 1_000_000)
    match = only(matches(market.solve()))
    assert match.programme_time == now
    market.state.clock(int(now.timestamp()) * 1_000_000 + 1_000_000)
    assert market.state.job() is None
    assert market.state.take_parts() == {}


def test_a_tick_that_changes_nothing_writes_nothing() -> None:
    market = started(POWER, MIX, supply("power", "fly_ash", 100))
    market.solve()
    market.tick(MARCH)
    assert market.state.take_parts() == {}
    assert market.state.take_events() == ()


def test_time_within_a_day_and_days_without_a_boundary_solve_nothing() -> None:
    market = started(
        POWER, MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
    )
    market.solve()
    for passed in (0.5, 1, 2, 40):
        market.tick(MARCH + days(passed))
        assert market.state.job() is None
    market.tick(datetime(2015, 1, 2, tzinfo=UTC))
    assert only(matches(market.solve())).price_year == 2020
