"""What must hold for every plan of a market, whatever the plants, quantities and orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from schemas.events import (
    Alert,
    Coordinates,
    FacilityFacts,
    Match,
    Outcome,
    Position,
    Unmatched,
)
from synergy.market.allocate import tie_break
from synergy.market.candidates import find_edges
from synergy.market.parts import pack, unpack
from synergy.market.plan import parts_of_difference
from synergy.market.program import SCALE, Program, Row, RowKind, Solver, cut, holds
from synergy.market.rows import rows_of
from synergy.market.series import Pair
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    MARCH,
    days,
    facts,
    need,
    supply,
)
from tests.market.worlds import (
    Input,
    fed,
    in_integers,
    picture_of,
    plants,
)
from tests.property.event_strategies import events_of


@settings(max_examples=60, deadline=None)
@given(plants(), st.randoms(use_true_random=False))
def test_the_optimum_is_at_least_any_greedy_plan(inputs: list[list[Input]], random: Random) -> None:
    picture = picture_of(inputs)
    assert picture is not None
    edges, _ = find_edges(picture, CATALOGUE)
    rows = rows_of(picture, edges, CATALOGUE)
    program = Program(values=[edge.value for edge in edges], rows=rows, per_unit=1_000_000)
    solution = Solver(program, seconds=5.0).solve(frozenset())
    assert solution.optimal
    assert all(holds(solution.quantities, row) for row in rows if row.kind != RowKind.BLEND_LIMIT)
    best = sum(v * q for v, q in zip(program.values, solution.quantities, strict=True))
    order = list(range(len(edges)))
    by_value = sorted(order, key=lambda edge: -program.values[edge])
    random.shuffle(order)
    for plan in (greedy(order, rows), greedy(by_value, rows)):
        value = sum(program.values[edge] * quantity for edge, quantity in plan.items())
        grams = 2.0 * sum(program.values)  # what rounding to whole grams may cost
        assert best >= value * (1 - 1e-6) - grams


def greedy(order: Sequence[int], rows: Sequence[Row]) -> dict[int, int]:
    """Give each edge in turn all that the rows still allow; negative entries are not used."""
    left = [Fraction(row.upper, SCALE) for row in rows]
    plan: dict[int, int] = {}
    for edge in order:
        factors = [(n, f) for n, row in enumerate(rows) for e, f in row.entries if e == edge]
        limits = [left[n] / Fraction(f, SCALE) for n, f in factors if f > 0]
        quantity = max(int(min(limits)), 0)
        plan[edge] = quantity
        for number, factor in factors:
            left[number] -= Fraction(max(factor, 0), SCALE) * quantity
    return plan


@settings(max_examples=60, deadline=None)
@given(plants())
def test_proposals_never_exceed_supply_or_need_in_integers(inputs: list[list[Input]]) -> None:
    market = fed(inputs)
    market.solve()
    event(f"{min(len(market.open()), 5)} or more proposals")
    in_integers(inputs, market.open())
    for match in market.open():
        assert match.gain_giver > 0
        assert match.price_low < match.price_high
        assert match.verdict != "FAILS"
        assert match.giver != match.receiver


@settings(max_examples=40, deadline=None)
@given(plants(), st.data())
def test_revised_positions_never_leave_more_promised_than_there_is(
    inputs: list[list[Input]], data: st.DataObject
) -> None:
    market = fed(inputs)
    market.solve()
    changed: list[list[Input]] = []
    for _, position in inputs:
        assert isinstance(position, Position)
        factor = data.draw(st.sampled_from((1.0, 0.995, 1.004, 0.7, 1.5)))
        firm = int(position.firm_per_day * factor)
        rest = int(position.interruptible_per_day * factor)
        moved = replace(position, firm_per_day=firm, interruptible_per_day=rest)
        market.feed(moved)
        changed.append([moved])
    market.tick(MARCH, chapter="all markets again")
    market.solve()
    in_integers(changed, market.open())


@settings(max_examples=40, deadline=None)
@given(plants(), st.data())
def test_the_order_of_facilities_does_not_matter(
    inputs: list[list[Input]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(inputs))
    place = Coordinates(topic="any", partition=0, offset=0)

    def proposals(groups: Sequence[Sequence[Input]]) -> list[Match]:
        market = fed(groups)
        market.solve()
        return [replace(m, supply_position=place, need_position=place) for m in market.open()]

    assert proposals(inputs) == proposals(shuffled)


@settings(max_examples=40, deadline=None)
@given(plants())
def test_solving_again_says_nothing_new(inputs: list[list[Input]]) -> None:
    market = fed(inputs)
    market.solve()
    market.tick(MARCH, chapter="all markets again")
    assert market.solve() == []


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=8),
    st.lists(
        st.tuples(
            st.integers(0, 10**12),
            st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3 * SCALE)), max_size=8),
        ),
        max_size=5,
    ),
)
def test_cutting_makes_every_row_hold_and_raises_nothing(
    quantities: list[int], limits: list[tuple[int, list[tuple[int, int]]]]
) -> None:
    rows = [
        Row(
            kind=RowKind.NEED,
            subject="x",
            upper=upper * SCALE,
            entries=tuple({e: f for e, f in entries if e < len(quantities)}.items()),
            limit=1.0,
        )
        for upper, entries in limits
    ]
    result = cut(quantities, rows)
    assert all(holds(result, row) for row in rows)
    assert all(0 <= after <= before for before, after in zip(quantities, result, strict=True))
    untouched = not any(not holds(quantities, row) for row in rows)
    assert not untouched or result == quantities


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(st.lists(st.integers(0, 11), max_size=4), max_size=8),
)
def test_parts_of_a_difference_share_no_row(
    quantities: list[tuple[int, int]], limits: list[list[int]]
) -> None:
    first, second = [a for a, _ in quantities], [b for _, b in quantities]
    rows = [
        Row(
            kind=RowKind.SUPPLY,
            subject="x",
            upper=0,
            entries=tuple((edge, SCALE) for edge in dict.fromkeys(edges) if edge < len(first)),
            limit=0.0,
        )
        for edges in limits
    ]
    parts = parts_of_difference(first, second, rows)
    assert sorted(e for part in parts for e in part) == [
        edge for edge, (a, b) in enumerate(quantities) if a != b
    ]
    for row in rows:
        touched = [
            number
            for number, part in enumerate(parts)
            if any(edge in part for edge, _ in row.entries)
        ]
        assert len(touched) <= 1


@pytest.mark.parametrize("kind", [Position, FacilityFacts, Match, Unmatched, Outcome, Alert])
@given(data=st.data())
def test_a_part_read_back_is_the_same_event(kind: type[object], data: st.DataObject) -> None:
    original = data.draw(events_of(kind.__name__))
    part = pack(original)
    again = unpack(kind, b"key", part)
    assert pack(again) == part
    assert repr(again) == repr(original)


def test_the_tie_break_is_the_same_everywhere() -> None:
    picture = picture_of([])
    assert picture is not None
    pair = Pair("power", "fly_ash", "mix", "portland_cement", "fly_ash_ready_mix", "")
    assert tie_break(picture, pair) == 0.9382737146348387
    other = replace(pair, receiver="mix2")
    assert tie_break(picture, pair) != tie_break(picture, other)


def test_equal_receivers_are_told_apart_by_the_hash_whatever_the_order() -> None:
    twins: list[list[Input]] = [
        [facts(name, "2395", (40.0, -80.7)), need(name, "portland_cement", 500)]
        for name in ("mix1", "mix2", "mix3")
    ]
    giver: list[Input] = [
        facts("power", "3510", (39.9, -80.8)),
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
    ]
    chosen: set[str] = set()
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        market = fed([giver, *[twins[number] for number in order]])
        market.solve()
        chosen |= {match.receiver for match in market.open()}
        market.tick(MARCH + days(0), chapter="again")
        market.solve()
        chosen |= {match.receiver for match in market.open()}
    assert len(chosen) == 1
