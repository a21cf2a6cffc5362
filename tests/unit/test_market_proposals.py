"""What the market proposes and revises, and what it says about the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from schemas.events import (
    DataKind,
    MatchState,
    Provenance,
)
from synergy.market import Code
from tests.market.plants import (
    BRICK,
    GOOD_ASH,
    KILN,
    MARCH,
    MIX,
    OTHER_POWER,
    POWER,
    TONNE,
    Market,
    codes,
    facts,
    matches,
    need,
    only,
    reasons_of,
    started,
    supply,
)


def test_a_change_inside_the_deadband_makes_nothing_dirty() -> None:
    ash = supply("power", "fly_ash", 100, properties=GOOD_ASH)
    market = started(POWER, MIX, ash, need("mix", "portland_cement", 800))
    market.solve()
    market.feed(supply("power", "fly_ash", 100.5, properties=GOOD_ASH))
    assert market.state.job() is None
    market.feed(supply("power", "fly_ash", 101.5, properties=GOOD_ASH))
    match = only(matches(market.solve()))
    assert (match.revision, match.quantity_per_day) == (2, 101_500_000)


def test_without_a_counterpart_no_quantity_makes_anything_dirty_until_a_need_appears() -> None:
    market = started(POWER, MIX, supply("power", "fly_ash", 100, properties=GOOD_ASH))
    market.solve()
    market.feed(supply("power", "fly_ash", 300, properties=GOOD_ASH))
    assert market.state.job() is None
    market.feed(need("mix", "portland_cement", 800))
    assert only(matches(market.solve())).quantity_per_day > 100 * TONNE


def test_small_steps_add_up_until_they_count() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    market.solve()
    for tonnes in (100.4, 100.8):
        market.feed(supply("power", "fly_ash", tonnes, properties=GOOD_ASH))
        assert market.state.job() is None
    market.feed(supply("power", "fly_ash", 101.2, properties=GOOD_ASH))
    assert market.state.job() is not None


def test_the_deadband_never_promises_more_than_there_is() -> None:
    market = started(
        POWER,
        MIX,
        BRICK,
        supply("power", "fly_ash", 200, properties=GOOD_ASH),
        need("mix", "portland_cement", 400),
        need("brick", "clay", 1000),
    )
    market.solve()
    # Half a per cent less makes nothing dirty; but once it is solved, old quantities don't fit.
    market.feed(supply("power", "fly_ash", 199.0, properties=GOOD_ASH))
    assert market.state.job() is None
    market.tick(MARCH, chapter="solved again")
    assert len(matches(market.solve())) > 0
    assert sum(match.quantity_per_day for match in market.open()) <= 199 * TONNE


def test_in_china_the_statutory_tax_is_a_part_with_its_own_source() -> None:
    place = {"programme": "ohio", "country": "CN"}
    power = facts("luohe", "3510", (32.68371, 117.075306), **place)
    kiln = facts("shunyue", "2394", (32.612065, 116.828634), **place)
    market = Market().tick(datetime(2024, 7, 25, tzinfo=UTC))
    market.feed(
        power,
        kiln,
        supply("luohe", "fly_ash", 1000, data_kind=DataKind.SIMULATED),
        need("shunyue", "clinker", 4000),
    )
    match = only(matches(market.solve()))
    tax = next(part for part in match.value if "Environmental Protection Tax Law" in part.source)
    assert tax.base == Decimal(25) * match.quantity_per_day / TONNE
    assert tax.data_kind is DataKind.MEASURED
    assert match.currency == "CNY"
    assert match.data_kind is DataKind.SIMULATED
    assert {part.name for part in match.value} >= {"carbon", "haul", "avoided_purchase"}


def test_no_fixed_radius_but_the_haul_decides() -> None:
    far = facts("far", "4210", (41.9, -80.8))
    market = started(
        POWER,
        far,
        supply("power", "bottom_ash", 100),
        need("far", "crushed_stone", 1000),
    )
    events = market.solve()
    assert matches(events) == []
    reason = next(
        item for item in reasons_of(events, "power", "bottom_ash") if item.code == Code.TOO_FAR
    )
    assert reason.value is not None
    assert reason.limit is not None
    assert reason.value > reason.limit > 100
    near = replace(far, latitude=40.2)
    market.feed(near)
    match = only(matches(market.solve()))
    assert match.distance_km < reason.limit


def test_reuse_can_cost_carbon_and_then_says_so() -> None:
    far = facts("far", "4210", (41.0, -80.8))
    market = started(
        POWER, far, supply("power", "bottom_ash", 100), need("far", "crushed_stone", 1000)
    )
    near_co2 = only(
        matches(
            started(
                POWER,
                replace(far, latitude=40.0),
                supply("power", "bottom_ash", 100),
                need("far", "crushed_stone", 1000),
            ).solve()
        )
    ).co2e_kg_per_day
    events = matches(market.solve())
    assert near_co2 > 0
    assert only(events).co2e_kg_per_day == pytest.approx(
        100 * (8.8 + 22.3 - 0.1125 * only(events).distance_km)
    )


def test_same_facility_blocked_and_other_programmes_do_not_deal() -> None:
    own = need("power", "portland_cement", 800)
    market = started(
        replace(POWER, industry="2395"), supply("power", "fly_ash", 100, properties=GOOD_ASH), own
    )
    assert matches(market.solve()) == []
    for giver, taker in (
        (replace(POWER, blocked=("mix",)), MIX),
        (POWER, replace(MIX, blocked=("power",))),
    ):
        market = started(
            giver, taker, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
        )
        events = market.solve()
        assert matches(events) == []
        assert Code.BLOCKED in codes(reasons_of(events, "power", "fly_ash"))
    market = started(POWER, supply("power", "fly_ash", 100))
    market.feed(
        replace(MIX, programme="hebei"),
        replace(need("mix", "portland_cement", 800), programme="hebei"),
    )
    assert matches(market.solve()) == []


def test_a_want_for_the_by_product_itself_is_served_without_share_cap() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 300, properties=GOOD_ASH),
        need("mix", "fly_ash", 250),
    )
    match = only(matches(market.solve()))
    assert (match.need, match.quantity_per_day) == ("fly_ash", 250 * TONNE)


def test_share_cap_limits_the_blend_exactly() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 1000, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    match = only(matches(market.solve()))
    ash = match.quantity_per_day
    cement = 800 * TONNE - ash * 9 // 10
    assert ash / (ash + cement) == pytest.approx(0.25, abs=1e-8)
    assert ash * 4 <= ash + cement + 4
    assert Code.BINDING_SHARE_CAP in codes(match.reasons)


def test_a_lot_below_its_least_is_not_proposed() -> None:
    market = started(POWER, MIX, supply("power", "fly_ash", 4), need("mix", "portland_cement", 800))
    events = market.solve()
    assert matches(events) == []
    reasons = reasons_of(events, "power", "fly_ash")
    assert codes(reasons)[0] == Code.BELOW_LOT


def test_who_gets_nothing_hears_that_others_got_it() -> None:
    market = started(
        POWER,
        OTHER_POWER,
        MIX,
        supply("power", "fly_ash", 500, properties=GOOD_ASH),
        supply("power2", "fly_ash", 500, properties=GOOD_ASH),
        need("mix", "portland_cement", 100),
    )
    events = market.solve()
    match = only(matches(events))
    other = "power2" if match.giver == "power" else "power"
    reason = reasons_of(events, other, "fly_ash")[0]
    assert (reason.code, reason.subject) == (Code.TAKEN_BY_OTHERS, "mix")
    assert Code.ALTERNATIVE_GIVER in codes(match.reasons)


def test_a_material_without_use_and_an_industry_without_use_are_said() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "portland_cement", 10),
        need("mix", "clay", 10),
    )
    events = market.solve()
    assert codes(reasons_of(events, "power", "portland_cement")) == [Code.NO_USE_KNOWN]
    reason = reasons_of(events, "mix", "clay")[0]
    assert (reason.code, reason.subject) == (Code.NO_USE_KNOWN, "2395")


def test_reasons_are_said_once_and_again_when_they_change() -> None:
    market = started(POWER, supply("power", "fly_ash", 100))
    assert codes(reasons_of(market.solve(), "power", "fly_ash")) == [Code.NO_COUNTERPART] * 4
    market.tick(MARCH, chapter="solved again")
    assert market.state.job() is not None
    assert market.solve() == []
    market.feed(supply("power", "fly_ash", 100, stale=True))
    assert codes(reasons_of(market.solve(), "power", "fly_ash")) == [Code.STALE]


def test_flags_short_history_and_samples_are_shown_with_the_match() -> None:
    market = started(
        replace(POWER, provenance=Provenance.SAMPLE),
        MIX,
        supply("power", "fly_ash", 100, flags=("substitute",), days_seen=3),
        need("mix", "portland_cement", 800),
    )
    found = codes(only(matches(market.solve())).reasons)
    assert {Code.FLAGGED, Code.SHORT_HISTORY, Code.SAMPLE_FACILITY} <= set(found)


def test_a_plan_is_the_need_where_there_is_one() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 1000),
        need("mix", "portland_cement", 10, plan_per_day=400 * TONNE),
    )
    assert only(matches(market.solve())).quantity_per_day > 90 * TONNE


def test_sources_are_the_coordinates_of_both_positions_and_readings() -> None:
    market = started(
        POWER, MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
    )
    match = only(matches(market.solve()))
    assert (match.supply_position.offset, match.need_position.offset) == (3, 4)
    assert [place.topic for place in match.sources] == ["synergy.availability.v1"] * 2


def test_solving_the_same_again_changes_nothing() -> None:
    market = started(
        POWER,
        OTHER_POWER,
        MIX,
        BRICK,
        KILN,
        supply("power", "fly_ash", 330, properties=GOOD_ASH),
        supply("power2", "fly_ash", 170),
        need("mix", "portland_cement", 400),
        need("brick", "clay", 300),
        need("kiln", "clay", 200),
        need("kiln", "clinker", 200),
    )
    assert len(matches(market.solve())) > 3
    market.tick(MARCH, chapter="solved again")
    assert market.state.job() is not None
    assert market.solve() == []


def test_an_open_proposal_stays_when_another_is_hardly_better() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 500),
    )
    first = only(matches(market.solve()))
    nearer = facts("mix2", "2395", (39.996, -80.703))
    market.feed(nearer, need("mix2", "portland_cement", 500))
    assert matches(market.solve()) == []
    assert [match.id for match in market.open()] == [first.id]
    next_door = replace(nearer, latitude=39.901, longitude=-80.80)
    market.feed(next_door)
    events = matches(market.solve())
    assert only(events, receiver="mix2").state is MatchState.PROPOSED
    assert codes(only(events, receiver="mix").reasons) == [Code.REALLOCATED]
