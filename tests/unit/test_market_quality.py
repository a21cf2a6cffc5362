"""Verdicts, treatments and permits: what may be proposed at all."""

from __future__ import annotations

from dataclasses import replace

from schemas.events import (
    DataKind,
    MatchState,
    Verdict,
)
from synergy.market import Code
from tests.market.plants import (
    BRICK,
    GOOD_ASH,
    HIGH_LOI_ASH,
    MARCH,
    MIX,
    POWER,
    TONNE,
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


def test_a_percentage_that_none_can_be_says_nothing() -> None:
    broken = analysis(loi=-999.0, so3=-0.1, moisture=9999.0)
    ash = supply("power", "fly_ash", 100, properties=broken)
    match = only(matches(started(POWER, MIX, ash, need("mix", "portland_cement", 800)).solve()))
    assert match.verdict is Verdict.UNKNOWN
    values = {margin.property: margin.value for margin in match.margins}
    assert (values["loi"], values["so3"]) == (None, -0.1)


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
    match = only(matches(events))
    assert match.use == "fly_ash_brick"
    (told,) = [reason for reason in match.reasons if reason.code == Code.LIMIT_FAILED]
    assert (told.subject, told.value, told.limit) == ("loi", 7.0, 6.0)
    assert told.text == "fly_ash_ready_mix"
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


def test_a_use_without_limits_says_so() -> None:
    road = facts("road", "4210", (40.0, -80.7))
    market = started(
        POWER, road, supply("power", "bottom_ash", 100), need("road", "crushed_stone", 800)
    )
    match = only(matches(market.solve()))
    assert (match.verdict, match.margins) == (Verdict.MEETS, ())
    assert Code.NO_LIMITS in codes(match.reasons)


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


def test_low_grade_heat_is_not_offered_to_a_district_network_without_a_heat_pump() -> None:
    place = (39.90, -80.79)
    network = facts("network", "3530", place)
    heat = supply("power", "waste_heat", 5, unit="KJO", properties=analysis(temperature=35.0))
    wanted = need("network", "boiler_heat", 5_000, unit="KJO")
    heat = replace(heat, firm_per_day=4_000_000_000, interruptible_per_day=1_000_000_000)
    events = started(POWER, network, heat, wanted).solve()
    assert matches(events) == []
    assert Code.LIMIT_FAILED in codes(reasons_of(events, "power", "waste_heat"))
