"""A state machine is one table: (state, action, side) to the next state; what is not in it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from schemas.events import Side
from synergy.lifecycle.actions import COMMANDS, Action

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Table(Generic[State]):
    """The steps of one machine.

    A step of no side is open to both sides and to the operator; one of a side to that side, and to the operator, who
    names no side, where only one state can follow. The state None is before the beginning.
    """

    name: str
    steps: Mapping[tuple[State | None, Action, Side | None], State]

    def following(self, state: State | None, action: Action, side: Side | None) -> State | None:
        """Return the state after an action, or None when it is not allowed."""
        if (state, action, None) in self.steps:
            return self.steps[state, action, None]
        if side is not None:
            return self.steps.get((state, action, side))
        found = {
            after
            for (before, taken, _), after in self.steps.items()
            if before is state and taken is action
        }
        return found.pop() if len(found) == 1 else None

    def allowed(self, state: State, side: Side | None) -> tuple[str, ...]:
        """Return the actions that `side` (None: any side) may ask for in a state, sorted."""
        return tuple(
            sorted(
                {
                    action.value
                    for (before, action, actor) in self.steps
                    if before is state and action in COMMANDS
                    if side is None or actor in {None, side}
                }
            )
        )

    def closed(self) -> frozenset[State]:
        """Return the states that nothing leads out of."""
        before = {state for (state, _, _), after in self.steps.items() if state is not after}
        return frozenset(after for after in self.steps.values() if after not in before)
