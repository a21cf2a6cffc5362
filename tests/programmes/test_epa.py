"""EPA hourly stack data: quirks of the rows, derived flows, check values."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pytest

from producers.programmes import shipped_folder
from producers.programmes.epa import (
    EASTERN_STANDARD_TIME,
    DerivedFlow,
    StackHour,
    StackStream,
    derive_flows,
    parse_stack_hours,
)
from producers.programmes.files import read_lines
from producers.programmes.tables import Analyses
from producers.reading import Reading
from schemas.events import DataKind, Quality
from synergy.derive.coefficients import Coefficients

HEADER = (
    "station,unit,date,hour,so2_lb,share_in_operation,gross_load_mw,heat_input_mmbtu,"
    "heat_input_flag,so2_flag"
)
OHIO = shipped_folder() / "ohio_valley"


def one_hour(row: str) -> StackHour:
    (hour,) = parse_stack_hours([HEADER, row])
    return hour


def flow_of(row: str, material: str, coefficients: Coefficients) -> DerivedFlow:
    flows = {flow.material: flow for flow in derive_flows(one_hour(row), coefficients)}
    return flows[material]


def year_of(unit: str) -> list[StackHour]:
    return list(parse_stack_hours(read_lines(OHIO / f"epa_hourly_2007_{unit}.csv.gz")))


@pytest.fixture(scope="module")
def mitchell_year(coefficients: Coefficients) -> list[Reading]:
    stream = StackStream(year_of("mitchell_1"), {"3948": "wv_mitchell"}, coefficients, Analyses({}))
    start = datetime(2007, 1, 1, tzinfo=EASTERN_STANDARD_TIME)
    return list(stream.readings(start, start + timedelta(days=365)))


def tonnes_by_month(readings: list[Reading], material: str) -> dict[int, float]:
    grams: Counter[int] = Counter()
    for reading in readings:
        if reading.material == material:
            month = reading.period_start.astimezone(EASTERN_STANDARD_TIME).month
            grams[month] += reading.quantity
    return {month: total / 1_000_000 for month, total in grams.items()}


def test_minus_nine_is_no_value() -> None:
    hour = one_hour("3948,1,070131,5,-9,0,-9,-9,,")
    assert (hour.so2, hour.load, hour.heat_input) == (None, None, None)
    assert not hour.running


def test_unit_names_stay_text() -> None:
    assert one_hour("3945,01,070301,0,1,1,50,500,1,2").unit == "01"


def test_hours_are_local_standard_time() -> None:
    start = one_hour("3948,2,070311,2,1,1,700,6000,1,2").start
    assert start.isoformat() == "2007-03-11T02:00:00-05:00"


def test_the_day_of_the_clock_change_has_24_hours_for_every_unit(tour: list[Reading]) -> None:
    day = datetime(2007, 3, 11, tzinfo=EASTERN_STANDARD_TIME)
    hours: dict[str, set[datetime]] = defaultdict(set)
    for reading in tour:
        if day <= reading.period_start < day + timedelta(days=1) and reading.source[:4] == "epa/":
            hours[reading.source].add(reading.period_start)
    assert len(hours) == 33
    assert {len(starts) for starts in hours.values()} == {24}


def test_every_unit_has_a_reading_for_every_hour_of_march(tour: list[Reading]) -> None:
    ash = Counter(reading.source for reading in tour if reading.material == "fly_ash")
    assert len(ash) == 33
    assert set(ash.values()) == {744}


def test_a_unit_that_is_off_makes_nothing_and_says_so(coefficients: Coefficients) -> None:
    flow = flow_of("3948,2,070301,0,-9,0,-9,-9,,", "fly_ash", coefficients)
    assert (flow.quantity, flow.quality, flow.flags) == (0, Quality.ESTIMATED, ("unit_off",))


@pytest.mark.parametrize("material", ["fly_ash", "bottom_ash", "fgd_gypsum", "waste_heat"])
def test_a_running_hour_without_a_value_is_bad_and_never_zero_supply(
    material: str, coefficients: Coefficients
) -> None:
    flow = flow_of("3948,2,070301,0,-9,1,700,-9,1,2", material, coefficients)
    assert flow.quality is Quality.BAD
    assert "no_value" in flow.flags


def test_gypsum_needs_so2_but_ash_does_not(coefficients: Coefficients) -> None:
    row = "3948,2,070301,0,-9,1,700,6000,1,2"
    assert flow_of(row, "fgd_gypsum", coefficients).quality is Quality.BAD
    assert flow_of(row, "fly_ash", coefficients).quality is Quality.ESTIMATED


def test_a_partial_hour_is_counted_once(coefficients: Coefficients) -> None:
    whole = flow_of("3948,2,070301,0,200,1,700,6000,1,2", "fly_ash", coefficients)
    part = flow_of("3948,2,070301,0,200,.65,700,6000,1,2", "fly_ash", coefficients)
    assert part.quantity == whole.quantity  # the heat input already is that of the hour
    assert part.flags == ("partial_hour",)
    heat = flow_of("3948,2,070301,0,200,.5,700,6000,1,2", "waste_heat", coefficients)
    assert heat.quantity == round((6000 * 0.293071 - 350) * 3_600_000)


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        ("6264,1,070301,0,9,1,1300,10000,3,2", frozenset({"substitute"})),
        ("6264,1,070301,0,9,1,1300,10000,4,2", frozenset({"substitute"})),
        ("6264,1,070301,0,9,1,1300,10000,1,2", frozenset[str]()),
        ("6264,1,070401,0,9,1,1273,19516,1,2", frozenset({"implausible_heat_rate", "substitute"})),
        ("6264,1,070301,0,9,1,0,500,1,2", frozenset({"no_load"})),
    ],
)
def test_substitute_data_is_flagged(
    row: str, flags: frozenset[str], coefficients: Coefficients
) -> None:
    assert set(flow_of(row, "fly_ash", coefficients).flags) == flags


def test_substitute_so2_taints_the_gypsum_alone(coefficients: Coefficients) -> None:
    row = "6264,1,070301,0,9,1,1300,10000,1,3"
    assert "substitute" in flow_of(row, "fgd_gypsum", coefficients).flags
    assert "substitute" not in flow_of(row, "fly_ash", coefficients).flags


def test_more_so2_than_coal_gives_no_gypsum_and_a_flag(coefficients: Coefficients) -> None:
    flow = flow_of("3948,1,070428,1,54120.2,1,1,12000,3,2", "fgd_gypsum", coefficients)
    assert flow.quantity == 0
    assert {"clamped_at_zero", "substitute", "implausible_heat_rate"} <= set(flow.flags)


def test_mitchell_1_makes_the_gypsum_of_the_check_values(mitchell_year: list[Reading]) -> None:
    tonnes = tonnes_by_month(mitchell_year, "fgd_gypsum")
    assert tonnes.get(1, 0.0) == 0
    assert {month: round(tonnes[month]) for month in (5, 7, 10, 12)} == {
        5: 5304,
        7: 8111,
        10: 8818,
        12: 6790,
    }


def test_mitchell_1_has_no_gypsum_series_before_its_scrubber(mitchell_year: list[Reading]) -> None:
    gypsum = [reading for reading in mitchell_year if reading.material == "fgd_gypsum"]
    assert gypsum[0].period_start.isoformat() == "2007-04-27T00:00:00-05:00"
    first = next(reading for reading in gypsum if reading.quantity)
    assert first.period_start.date().isoformat() == "2007-05-01"


def test_u_of_mitchell_1_is_what_its_january_measured(coefficients: Coefficients) -> None:
    january = [hour for hour in year_of("mitchell_1") if hour.start.month == 1 and hour.running]
    so2 = sum(hour.so2 or 0 for hour in january)
    heat = sum(hour.heat_input or 0 for hour in january)
    at = datetime(2007, 5, 1, tzinfo=EASTERN_STANDARD_TIME)
    assert so2 / heat == pytest.approx(
        coefficients.value("so2_uncontrolled", "3948/1", at), abs=5e-4
    )


def test_mitchell_2_matches_the_published_means_of_march(tour: list[Reading]) -> None:
    unit = [reading for reading in tour if reading.source == "epa/3948/2"]
    gypsum = [reading.quantity for reading in unit if reading.material == "fgd_gypsum"]
    heat = [reading.quantity for reading in unit if reading.material == "waste_heat"]
    assert sum(gypsum) / len(gypsum) / 1e6 == pytest.approx(11.2, abs=0.05)
    assert sum(heat) / len(heat) / 3.6e6 == pytest.approx(1219, abs=1)


def test_a_lime_scrubber_makes_no_gypsum(tour: list[Reading]) -> None:
    makers = {reading.source.split("/")[1] for reading in tour if reading.material == "fgd_gypsum"}
    assert makers == {"3944", "3948", "3954", "6264"}


def test_cyclone_boilers_send_less_ash_to_the_filter(tour: list[Reading]) -> None:
    def share(station: str) -> float:
        grams: Counter[str] = Counter()
        for reading in tour:
            if reading.source.startswith(f"epa/{station}/"):
                grams[reading.material] += reading.quantity
        return grams["fly_ash"] / (grams["fly_ash"] + grams["bottom_ash"])

    assert share("3947") == pytest.approx(0.3)
    assert share("3935") == pytest.approx(0.8)


def test_every_derived_reading_names_its_formula_and_is_an_estimate(tour: list[Reading]) -> None:
    derived = [reading for reading in tour if reading.source.startswith("epa/")]
    assert len(derived) > 70_000
    assert {reading.data_kind for reading in derived} == {DataKind.ESTIMATED}
    assert {reading.formula for reading in derived} == {
        "fly_ash_from_heat_input",
        "bottom_ash_from_heat_input",
        "fgd_gypsum_from_so2",
        "waste_heat",
    }


def test_whole_months_without_a_running_hour_are_still_heard(tour: list[Reading]) -> None:
    totals: Counter[str] = Counter()
    for reading in tour:
        if reading.material == "fly_ash":
            totals[reading.source] += reading.quantity
    silent = {source for source, total in totals.items() if total == 0}
    assert {"epa/3943/1", "epa/3945/7", "epa/3948/1"} <= silent
