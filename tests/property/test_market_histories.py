"""Whatever happens to a market, in whatever order: restart, commands, positions and solves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import (
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
)
from synergy.lifecycle.match_states import COMMITTED
from synergy.market import MarketState
from tests.market.plants import (
    CATALOGUE,
    MARCH,
    days,
)
from tests.market.values import BLOCKS, received
from tests.market.worlds import (
    Input,
    fed,
    in_integers,
    plants,
)

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c22")


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
        changed = replace(
            position,
            firm_per_day=int(firm * factor),
            interruptible_per_day=int(rest * factor),
            stale=stale,
        )
        state.apply_position(received(changed, at))
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
    restored = MarketState.restore(CATALOGUE, shuffled, BLOCKS.decode)
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
