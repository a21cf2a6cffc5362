"""The arithmetic of value, quality, distance and the solver, each on its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from schemas.events import DataKind, Relation, ValueSide, Verdict
from synergy.catalogue import Treatment, Use
from synergy.market.candidates import reach_km
from synergy.market.distance import great_circle_km
from synergy.market.parts import UnreadablePart, pack, unpack
from synergy.market.program import SCALE, Program, Row, RowKind, Solver
from synergy.market.programme import Head
from synergy.market.quality import assess, limits_at, valid_values
from synergy.market.value import Lookup, Terms, terms_of, worth
from tests.market.plants import CATALOGUE, analysis

US = Lookup(CATALOGUE, "US", "US", date(2007, 3, 10))
READY_MIX = CATALOGUE.uses["fly_ash_ready_mix"]


def terms(use: str, lookup: Lookup = US, treatment: Treatment | None = None) -> Terms:
    found = terms_of(lookup, CATALOGUE.uses[use], treatment)
    assert found is not None
    return found


def test_the_parts_of_a_day_add_up_to_the_gains_of_both_sides() -> None:
    value = worth(terms("fly_ash_raw_feed"), Decimal(100), Decimal(50))
    base = {(part.side, part.name): part.base for part in value.parts}
    # 100 t: disposal 10 USD/t, clay 12 USD/t, haul 3 USD/t and 0.11 USD/t-km over 50 km.
    assert base == {
        (ValueSide.GIVER, "avoided_disposal"): Decimal("1000.0000"),
        (ValueSide.GIVER, "haul"): Decimal("-850.0000"),
        (ValueSide.RECEIVER, "avoided_purchase"): Decimal("1200.0000"),
    }
    assert value.gain_giver + value.gain_receiver == sum(base.values())
    assert (value.price_low, value.price_high) == (Decimal("-1.5000"), Decimal("12.0000"))
    assert value.gain_low < value.gain_giver + value.gain_receiver < value.gain_high
    assert value.gain_low == sum(part.low for part in value.parts)


def test_both_gain_the_same_at_the_middle_price() -> None:
    value = worth(terms("fly_ash_raw_feed"), Decimal(100), Decimal(50))
    middle = (value.price_low + value.price_high) / 2
    assert (middle - value.price_low) * 100 == value.gain_giver
    assert (value.price_high - middle) * 100 == value.gain_receiver


def test_the_reach_is_where_the_gain_ends() -> None:
    found = terms("fly_ash_raw_feed")
    assert reach_km(found) == pytest.approx((10 + 12 - 3) / 0.11)
    at_reach = worth(found, Decimal(1), Decimal(str(round(reach_km(found), 6))))
    assert abs(at_reach.gain_giver) < Decimal("0.001")


def test_a_present_sale_is_forgone_instead_of_disposal_avoided() -> None:
    names = {rate.name for rate in terms("scrap_melt_feed").rates}
    assert "present_outlet" in names
    assert "avoided_disposal" not in names


def test_treatment_at_the_giver_makes_less_to_haul_and_at_the_receiver_less_to_use() -> None:
    weathering = CATALOGUE.treatments["weathering"]
    found = terms("steel_slag_road", treatment=weathering)
    assert found.delivered == weathering.yield_ratio
    haul = next(rate for rate in found.rates if rate.name == "haul")
    plain = next(rate for rate in terms("steel_slag_road").rates if rate.name == "haul")
    assert haul.per_km.base == plain.per_km.base * weathering.yield_ratio
    grinding = CATALOGUE.treatments["grinding"]
    ground = terms("bf_slag_cement", treatment=grinding)
    cost = next(rate for rate in ground.rates if rate.name == "treatment")
    assert (cost.side, cost.fixed.base) == (ValueSide.RECEIVER, Decimal(-12))
    assert cost.data_kind is DataKind.ASSUMED


def test_carbon_is_shared_and_not_part_of_the_price() -> None:
    china = Lookup(CATALOGUE, "CN", "CN", date(2024, 7, 25))
    before = Lookup(CATALOGUE, "CN", "CN", date(2021, 7, 15))
    with_price, without = terms("fly_ash_ready_mix", china), terms("fly_ash_ready_mix", before)
    carbon = [rate for rate in with_price.rates if rate.name == "carbon"]
    assert [rate.side for rate in carbon] == [ValueSide.SHARED]
    assert not [rate for rate in without.rates if rate.name == "carbon"]
    assert with_price.cash() == without.cash()
    assert with_price.total()[0] > with_price.cash()[0]
    saved = (Decimal("0.9") * 953 + Decimal("22.3")) * 75 / 1000
    assert carbon[0].fixed.base == saved


def test_without_prices_there_are_no_terms() -> None:
    nowhere = Lookup(CATALOGUE, "FR", "FR", date(2024, 1, 1))
    assert terms_of(nowhere, READY_MIX, None) is None
    across = Lookup(CATALOGUE, "CN", "US", date(2024, 1, 1))
    assert terms_of(across, READY_MIX, None) is None


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"loi": 6.0, "so3": 5.0, "moisture": 3.0}, Verdict.MEETS),
        ({"loi": 6.01, "so3": 5.0, "moisture": 3.0}, Verdict.FAILS),
        ({"loi": 3.0, "so3": 1.0}, Verdict.UNKNOWN),
        ({"loi": 7.0}, Verdict.FAILS),
        ({}, Verdict.UNKNOWN),
    ],
)
def test_verdicts_at_and_beyond_the_limits(values: dict[str, float], verdict: Verdict) -> None:
    limits = limits_at(READY_MIX, "US", datetime(2007, 3, 1, tzinfo=UTC))
    assert assess(READY_MIX, limits, values, None).verdict is verdict


def test_a_limit_of_the_country_beats_the_general_one_and_others_do_not_hold() -> None:
    at = datetime(2024, 3, 1, tzinfo=UTC)
    use = CATALOGUE.uses["fly_ash_blended_cement"]

    def loi(country: str) -> list[float]:
        return [lim.limit for lim in limits_at(use, country, at) if lim.property == "loi"]

    assert (loi("US"), loi("CN"), loi("FR")) == ([6.0], [8.0], [])
    general = replace(use.limits[0], country=None, limit=9.0)
    both: Use = replace(use, limits=(*use.limits, general))
    assert [lim.limit for lim in limits_at(both, "US", at) if lim.property == "loi"] == [6.0]
    assert [lim.limit for lim in limits_at(both, "FR", at)] == [9.0]


def test_the_latest_sample_counts_and_other_units_do_not() -> None:
    at = datetime(2007, 3, 10, tzinfo=UTC)
    (old,) = analysis(loi=9.0)
    new = replace(old, value=4.0, sampled_at=datetime(2007, 3, 5, tzinfo=UTC))
    units = {"loi": "%"}
    assert valid_values((new, old), units, at) == {"loi": 4.0}
    assert valid_values((replace(new, unit="g/kg"), old), units, at) == {"loi": 9.0}


def test_a_margin_says_limit_relation_value_and_source() -> None:
    limits = limits_at(CATALOGUE.uses["bf_slag_cement"], "CN", datetime(2024, 3, 1, tzinfo=UTC))
    found = assess(CATALOGUE.uses["bf_slag_cement"], limits, {"glass": 80.0}, None)
    (margin,) = found.failed
    assert (margin.relation, margin.limit, margin.value) == (Relation.AT_LEAST, 85.0, 80.0)
    assert margin.source


def test_distances_between_known_places() -> None:
    # Great circle Paris - New York 5,837 km on the mean sphere; antipodes half of the girth.
    here = np.array([[48.8566, 2.3522], [0.0, 0.0]])
    there = np.array([[40.7128, -74.0060], [0.0, 180.0]])
    km = great_circle_km(here, there)
    assert km[0, 0] == pytest.approx(5837, abs=2)
    assert km[1, 1] == pytest.approx(np.pi * 6371.0088, rel=1e-9)
    assert km.shape == (2, 2)


def row(kind: RowKind, upper: int, *edges: int) -> Row:
    entries = tuple((edge, SCALE) for edge in edges)
    return Row(kind=kind, subject="", upper=upper * SCALE, entries=entries, limit=float(upper))


def test_the_solver_finds_the_optimum_that_greed_misses_and_the_worth_of_one_more() -> None:
    # Two supplies of 10 t, two needs of 10 t; greed takes the 10 and is left with the 1.
    program = Program(
        values=(10.0, 9.0, 8.0, 1.0),
        rows=(
            row(RowKind.SUPPLY, 10_000_000, 0, 1),
            row(RowKind.SUPPLY, 10_000_000, 2, 3),
            row(RowKind.NEED, 10_000_000, 0, 2),
            row(RowKind.NEED, 10_000_000, 1, 3),
        ),
        per_unit=1_000_000,
    )
    solver = Solver(program, seconds=5.0)
    found = solver.solve(frozenset())
    assert found.quantities == (0, 10_000_000, 10_000_000, 0)
    assert sum(found.worth) == pytest.approx(17.0)
    held = solver.solve(frozenset({1}))
    assert held.quantities == (10_000_000, 0, 0, 10_000_000)
    assert solver.solve(frozenset()).quantities == found.quantities


def test_a_solver_out_of_time_says_so_and_allocates_nothing() -> None:
    count = 300
    program = Program(
        values=tuple(1.0 + (edge * 7919 % 101) / 100 for edge in range(count * count)),
        rows=tuple(
            row(RowKind.SUPPLY, 1_000_000 + n, *range(n * count, (n + 1) * count))
            for n in range(count)
        )
        + tuple(
            row(RowKind.NEED, 1_000_000 + 3 * n, *range(n, count * count, count))
            for n in range(count)
        ),
        per_unit=1_000_000,
    )
    found = Solver(program, seconds=0.0).solve(frozenset())
    assert not found.optimal
    assert set(found.quantities) == {0}


def test_a_part_of_another_version_or_damaged_is_refused() -> None:
    good = pack(Head(chapter="x"))
    assert unpack(Head, b"key", good) == Head(chapter="x")
    for bad in (b"", b"\x02" + good[1:], good[:-1], good[:1] + b"[]", good[:1] + b'{"time":"x"}'):
        with pytest.raises(UnreadablePart):
            unpack(Head, b"key", bad)


def test_a_part_without_a_newer_field_takes_its_default() -> None:
    assert unpack(Head, b"key", b'\x01{"ended":true}') == Head(ended=True)
