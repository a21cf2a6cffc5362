"""What the market proposes, revises and withdraws, and what it says about the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from schemas.events import (
    DataKind,
    FacilityFacts,
    MatchState,
    Position,
    Provenance,
    Unmatched,
    Verdict,
)
from synergy.market import Code
from tests.market.plants import (
    GOOD_ASH,
    HIGH_LOI_ASH,
    MARCH,
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
    supply,
)

POWER = facts("power", "3510", (39.90, -80.80))
OTHER_POWER = facts("power2", "3510", (39.85, -80.85))
MIX = facts("mix", "2395", (40.00, -80.70))
BRICK = facts("brick", "2392", (40.10, -80.75))
KILN = facts("kiln", "2394", (39.60, -80.90))
BOARD = facts("board", "2395", (39.83, -80.82))


def started(*inputs: FacilityFacts | Position) -> Market:
    return Market().tick(MARCH).feed(*inputs)


def test_good_ash_meets_ready_mix() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    match = only(matches(market.solve()), giver="power", receiver="mix")
    assert match.use == "fly_ash_ready_mix"
    assert match.verdict is Verdict.MEETS
    assert match.state is MatchState.PROPOSED
    assert match.quantity_per_day == 100 * TONNE
    assert (match.firm_per_day, match.interruptible_per_day) == (80 * TONNE, 20 * TONNE)
    assert match.gain_giver == match.gain_receiver > 0
    assert match.price_low < match.price_high
    assert match.market.startswith("fly_ash@")
    assert match.data_kind is DataKind.ESTIMATED


def test_ash_at_7_percent_loi_fails_ready_mix_and_goes_to_brick() -> None:
    market = started(
        POWER,
        MIX,
        BRICK,
        supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH),
        need("mix", "portland_cement", 800),
        need("brick", "clay", 500),
    )
    events = market.solve()
    assert only(matches(events)).use == "fly_ash_brick"
    failed = reasons_of(events, "mix", "portland_cement")[0]
    assert (failed.code, failed.subject) == (Code.LIMIT_FAILED, "loi")
    assert (failed.value, failed.limit, failed.unit) == (7.0, 6.0, "%")


def test_failing_ash_says_which_limit_and_which_treatment_would_help() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH),
        need("mix", "portland_cement", 800),
    )
    events = market.solve()
    assert matches(events) == []
    reasons = reasons_of(events, "power", "fly_ash")
    failed = next(reason for reason in reasons if reason.code == Code.LIMIT_FAILED)
    assert (failed.subject, failed.value, failed.limit) == ("loi", 7.0, 6.0)
    assert failed.text == "fly_ash_ready_mix"
    assert Code.TREATMENT_WOULD_HELP in codes(reasons)


def test_a_treatment_unit_at_the_receiver_mends_what_fails() -> None:
    mix = replace(MIX, permits=("treatment:carbon_separation",))
    market = started(
        POWER,
        mix,
        supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH),
        need("mix", "portland_cement", 800),
    )
    match = only(matches(market.solve()))
    assert match.treatment == "carbon_separation"
    assert match.verdict is Verdict.MEETS
    assert next(margin for margin in match.margins if margin.property == "loi").value == 3.0
    assert any(part.name == "treatment" and part.base < 0 for part in match.value)


def test_untested_ash_is_conditional_on_a_sample() -> None:
    market = started(
        POWER, MIX, supply("power", "fly_ash", 100), need("mix", "portland_cement", 800)
    )
    match = only(matches(market.solve()))
    assert match.verdict is Verdict.UNKNOWN
    needed = [reason.subject for reason in match.reasons if reason.code == Code.SAMPLE_NEEDED]
    assert needed == ["loi", "so3", "moisture"]


def test_an_expired_or_future_analysis_says_nothing() -> None:
    expired = tuple(replace(item, valid_until=MARCH) for item in HIGH_LOI_ASH)
    future = tuple(replace(item, sampled_at=MARCH + days(1)) for item in HIGH_LOI_ASH)
    for properties in (expired, future):
        market = started(
            POWER,
            MIX,
            supply("power", "fly_ash", 100, properties=properties),
            need("mix", "portland_cement", 800),
        )
        assert only(matches(market.solve())).verdict is Verdict.UNKNOWN


def test_a_new_analysis_withdraws_the_match_with_the_broken_limit() -> None:
    market = started(
        POWER,
        MIX,
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    first = only(matches(market.solve()))
    market.feed(supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH))
    second = only(matches(market.solve()))
    assert (second.id, second.revision, second.state) == (first.id, 2, MatchState.WITHDRAWN)
    assert second.reasons[0].code == Code.LIMIT_FAILED
    market.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    third = only(matches(market.solve()))
    assert third.id != first.id
    assert (third.revision, third.state) == (1, MatchState.PROPOSED)


def test_hazardous_dust_needs_the_permit_of_its_code() -> None:
    mill, smelter = facts("mill", "2410", (40.0, -80.6)), facts("zinc", "2420", (40.3, -80.4))
    dust = supply("mill", "eaf_dust", 40, properties=analysis(zinc=22.0))
    wanted = need("zinc", "zinc_concentrate", 200)
    market = started(mill, smelter, dust, wanted)
    events = market.solve()
    assert matches(events) == []
    assert Code.PERMIT_MISSING in codes(reasons_of(events, "mill", "eaf_dust"))
    assert Code.PERMIT_MISSING in codes(reasons_of(events, "zinc", "zinc_concentrate"))
    market.feed(replace(smelter, permits=("hazardous:10 02 07",)))
    match = only(matches(market.solve()))
    assert match.use == "eaf_dust_waelz"
    assert Code.PERMIT_HELD in codes(match.reasons)


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


def test_a_change_inside_the_deadband_makes_nothing_dirty() -> None:
    ash = supply("power", "fly_ash", 100, properties=GOOD_ASH)
    market = started(POWER, MIX, ash, need("mix", "portland_cement", 800))
    market.solve()
    market.feed(supply("power", "fly_ash", 100.5, properties=GOOD_ASH))
    assert market.state.job() is None
    market.feed(supply("power", "fly_ash", 101.5, properties=GOOD_ASH))
    match = only(matches(market.solve()))
    assert (match.revision, match.quantity_per_day) == (2, 101_500_000)


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


def test_low_grade_heat_is_not_offered_to_a_district_network_without_a_heat_pump() -> None:
    place = (39.90, -80.79)
    network = facts("network", "3530", place)
    heat = supply("power", "waste_heat", 5, unit="KJO", properties=analysis(temperature=35.0))
    wanted = need("network", "boiler_heat", 5_000, unit="KJO")
    heat = replace(heat, firm_per_day=4_000_000_000, interruptible_per_day=1_000_000_000)
    events = started(POWER, network, heat, wanted).solve()
    assert matches(events) == []
    assert Code.LIMIT_FAILED in codes(reasons_of(events, "power", "waste_heat"))


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
