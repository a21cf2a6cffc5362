"""What must hold for every market, whatever the plants, quantities, orders and commands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from random import Random
from uuid import UUID, uuid5

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from schemas.events import (
    Alert,
    Command,
    Coordinates,
    FacilityFacts,
    Match,
    MatchState,
    Outcome,
    Position,
    ReplayState,
    Side,
    Tick,
    Unmatched,
)
from synergy.lifecycle.match_states import COMMITTED
from synergy.market import MarketState, Policy
from synergy.market.allocate import tie_break
from synergy.market.candidates import find_edges
from synergy.market.parts import pack, unpack
from synergy.market.picture import take_picture
from synergy.market.plan import parts_of_difference
from synergy.market.program import SCALE, Program, Row, RowKind, Solver, cut, holds
from synergy.market.programme import Programme
from synergy.market.rows import rows_of
from synergy.market.series import Held, Pair, Snapshot, offered, series_of
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    HIGH_LOI_ASH,
    MARCH,
    Market,
    analysis,
    days,
    facts,
    need,
    supply,
)
from tests.property.event_strategies import events_of

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c22")
Input = FacilityFacts | Position

GIVERS = (
    ("3510", "fly_ash", (GOOD_ASH, HIGH_LOI_ASH, ())),
    ("3510", "bottom_ash", ((),)),
    ("2410", "bf_slag", (analysis(glass=92.0), analysis(glass=70.0), ())),
    ("2420", "red_mud", (analysis(na2o=7.0, moisture=25.0), analysis(na2o=2.0, moisture=20.0))),
)
TAKERS = (
    ("2395", "portland_cement"),
    ("2395", "fly_ash"),
    ("2394", "clinker"),
    ("2394", "clay"),
    ("2392", "clay"),
    ("4210", "crushed_stone"),
)
# Mostly plants that fit together; now and then next to nothing, and odd grams.
GRAMS = st.one_of(
    st.integers(20_000_000, 600_000_000),
    st.integers(150_000_000, 400_000_000),
    st.integers(30, 900).map(lambda tonnes: tonnes * 1_000_000),
    st.integers(0, 4_000_000),
)
TONNES = GRAMS.map(lambda grams: grams / 1_000_000)
PLACES = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(
    lambda step: (39.0 + step[0] / 10, -82.0 + step[1] / 10)
)
UNITS = st.sampled_from(((), ("treatment:carbon_separation",)))


@st.composite
def plants(draw: st.DrawFn, least: int = 6, most: int = 14) -> list[list[Input]]:
    """Some facilities, each with its facts and its positions."""
    found: list[list[Input]] = []
    for number in range(draw(st.integers(least, most))):
        name, place = f"plant{number}", draw(PLACES)
        if number % 2:
            industry, material, qualities = draw(st.sampled_from(GIVERS))
            quality = draw(st.sampled_from(qualities))
            position = supply(name, material, draw(TONNES), properties=quality)
        else:
            industry, material = draw(st.sampled_from(TAKERS))
            position = need(name, material, draw(TONNES))
        found.append([facts(name, industry, place, permits=draw(UNITS)), position])
    return found


def fed(inputs: Sequence[Sequence[Input]], policy: Policy | None = None) -> Market:
    market = Market() if policy is None else Market(MarketState(CATALOGUE, policy))
    market.tick(MARCH)
    for group in inputs:
        market.feed(*group)
    return market


def picture_of(inputs: Sequence[Sequence[Input]]) -> Snapshot | None:
    """The frozen picture of the ash market of a fresh programme."""
    programme = Programme("ohio")
    programme.set_time(MARCH)
    market = Market()
    for item in (item for group in inputs for item in group):
        if isinstance(item, FacilityFacts):
            programme.set_facts(item)
        else:
            held = Held(item, market.at(), offered(item), item.firm_per_day)
            programme.set_position(series_of(item), held)
    return take_picture(programme, "fly_ash", CATALOGUE, Policy())


def in_integers(inputs: Sequence[Sequence[Input]], matches: Sequence[Match]) -> None:
    """Check that matches promise no gram more than is supplied and needed."""
    positions = {
        series_of(item): offered(item)
        for group in inputs
        for item in group
        if isinstance(item, Position)
    }
    given_out: dict[tuple[str, str], int] = defaultdict(int)
    taken_in: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for match in matches:
        use = CATALOGUE.uses[match.use]
        treatment = CATALOGUE.treatments.get(match.treatment or "")
        arrives = Fraction(treatment.yield_ratio) if treatment else Fraction(1)
        ratio = Fraction(1) if match.need == match.material else Fraction(use.ratio)
        given_out[match.giver, match.material] += match.quantity_per_day
        taken_in[match.receiver, match.need] += match.quantity_per_day * ratio * arrives
        assert match.firm_per_day + match.interruptible_per_day == match.quantity_per_day
        assert match.quantity_per_day >= use.lot_per_day
    for series, quantity in positions.items():
        key = (series.facility, series.material)
        assert given_out.get(key, 0) <= quantity or series.direction != "SUPPLY"
        assert taken_in.get(key, 0) <= quantity or series.direction != "DEMAND"


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


@dataclass(frozen=True)
class Step:
    """One input of a random history."""

    kind: str
    number: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(
            ("position", "position", "facts", "accept", "accept", "decline", "tick", "solve")
        ),
        st.integers(0, 10_000),
    ),
    min_size=3,
    max_size=25,
)


def act(state: MarketState, step: Step, inputs: Sequence[Sequence[Input]]) -> None:
    """Apply one step; everything follows from the step and the state alone."""
    at = Coordinates(topic="synergy.positions.v1", partition=0, offset=step.number)
    known, position = inputs[step.number % len(inputs)]
    assert isinstance(known, FacilityFacts)
    assert isinstance(position, Position)
    if step.kind == "position":
        factor = (step.number % 7) / 4
        firm, rest = position.firm_per_day, position.interruptible_per_day
        stale = step.number % 11 == 0
        state.apply_position(
            replace(
                position,
                firm_per_day=int(firm * factor),
                interruptible_per_day=int(rest * factor),
                stale=stale,
            ),
            at,
        )
    elif step.kind == "facts":
        state.apply_facts(replace(known, removed=step.number % 5 == 0), at)
    elif step.kind == "tick":
        time = MARCH + days(step.number / 500)
        state.apply_tick(Tick(programme="ohio", time=time, state=ReplayState.RUNNING, speed=60.0))
    elif step.kind in {"accept", "decline"}:
        found = state.matches("ohio")
        if found:
            match = found[step.number % len(found)]
            side = Side.GIVER if step.number % 2 else Side.RECEIVER
            command = Command(
                id=uuid5(NAMES, str(step.number % 50)),
                programme="ohio",
                action=step.kind,
                subject=str(match.id),
                revision=match.revision - (step.number % 9 == 0),
                side=side,
                actor="tester",
                reason="because",
                sent_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            state.apply_command(command, at)


def solved(state: MarketState) -> None:
    for _ in range(20):
        job = state.job()
        if job is None:
            return
        state.absorb(job())
    pytest.fail("the market does not come to rest")


def store(parts: dict[bytes, bytes], state: MarketState) -> None:
    for key, part in state.take_parts().items():
        if part is None:
            parts.pop(key, None)
        else:
            parts[key] = part


@settings(max_examples=40, deadline=None)
@given(plants(), STEPS, st.data())
def test_a_restored_state_goes_on_exactly_as_the_live_one(
    inputs: list[list[Input]], steps: list[Step], data: st.DataObject
) -> None:
    live = fed(inputs).state
    parts: dict[bytes, bytes] = {}
    cut_at = data.draw(st.integers(0, len(steps)))
    for step in steps[:cut_at]:
        act(live, step, inputs)
        if step.kind == "solve":
            solved(live)
    live.take_events()
    store(parts, live)
    shuffled = data.draw(st.permutations(sorted(parts.items())))
    restored = MarketState.restore(CATALOGUE, shuffled)
    assert restored.take_events() == ()
    assert restored.take_parts() == {}
    assert restored.matches("ohio") == live.matches("ohio")
    assert (restored.job() is None) == (live.job() is None)
    for step in steps[cut_at:]:
        for state in (live, restored):
            act(state, step, inputs)
            solved(state)
        assert restored.take_events() == live.take_events()
        assert restored.take_parts() == live.take_parts()


@settings(max_examples=40, deadline=None)
@given(plants(), STEPS)
def test_committed_and_proposed_together_never_exceed_a_steady_supply(
    inputs: list[list[Input]], steps: list[Step]
) -> None:
    market = fed(inputs)
    market.solve()
    for step in steps:
        if step.kind in {"accept", "decline"}:
            act(market.state, step, inputs)
        if step.number % 3 == 0:
            market.solve()
        held = [
            match
            for match in market.state.matches("ohio")
            if match.state in COMMITTED or match.state is MatchState.PROPOSED
        ]
        in_integers(inputs, held)


@settings(max_examples=40, deadline=None)
@given(plants(), STEPS)
def test_revisions_count_up_by_one_and_ids_are_never_used_again(
    inputs: list[list[Input]], steps: list[Step]
) -> None:
    market = fed(inputs)
    for step in steps:
        act(market.state, step, inputs)
        market.solve()
    versions: dict[UUID, list[Match]] = defaultdict(list)
    for published in market.published:
        if isinstance(published, Match):
            versions[published.id].append(published)
    for history in versions.values():
        assert [match.revision for match in history] == list(range(1, len(history) + 1))
        assert history[0].state is MatchState.PROPOSED
        closed = {MatchState.WITHDRAWN, MatchState.DECLINED, MatchState.EXPIRED}
        assert not any(before.state in closed for before, _ in pairwise(history))
    answered = [item for item in market.published if isinstance(item, Outcome)]
    asked = [step for step in steps if step.kind in {"accept", "decline"}]
    assert len(answered) <= len(asked)


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
