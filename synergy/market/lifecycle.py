"""The life of a match as one table: (state, action, side) to the next state.

The diagram of the documents is drawn from `TRANSITIONS`; what is not in it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.events import MatchState, Side


class Action(StrEnum):
    """What a person may ask for a match."""

    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


_GIVER, _RECEIVER = Side.GIVER, Side.RECEIVER
_PROPOSED, _AGREED = MatchState.PROPOSED, MatchState.AGREED
_BY_GIVER, _BY_RECEIVER = MatchState.ACCEPTED_BY_GIVER, MatchState.ACCEPTED_BY_RECEIVER
_DECLINED, _WITHDRAWN = MatchState.DECLINED, MatchState.WITHDRAWN

TRANSITIONS: Final[Mapping[tuple[MatchState, Action, Side | None], MatchState]] = MappingProxyType(
    {
        (_PROPOSED, Action.ACCEPT, _GIVER): _BY_GIVER,
        (_PROPOSED, Action.ACCEPT, _RECEIVER): _BY_RECEIVER,
        (_PROPOSED, Action.DECLINE, _GIVER): _DECLINED,
        (_PROPOSED, Action.DECLINE, _RECEIVER): _DECLINED,
        (_PROPOSED, Action.WITHDRAW, None): _WITHDRAWN,
        (_BY_GIVER, Action.ACCEPT, _RECEIVER): _AGREED,
        (_BY_GIVER, Action.DECLINE, _RECEIVER): _DECLINED,
        (_BY_GIVER, Action.DECLINE, _GIVER): _DECLINED,
        (_BY_GIVER, Action.WITHDRAW, None): _WITHDRAWN,
        (_BY_RECEIVER, Action.ACCEPT, _GIVER): _AGREED,
        (_BY_RECEIVER, Action.DECLINE, _GIVER): _DECLINED,
        (_BY_RECEIVER, Action.DECLINE, _RECEIVER): _DECLINED,
        (_BY_RECEIVER, Action.WITHDRAW, None): _WITHDRAWN,
    }
)

# The solver may revise and withdraw only these.
FREE: Final = frozenset({_PROPOSED})
# These hold their quantity: it is no longer the solver's.
COMMITTED: Final = frozenset({_BY_GIVER, _BY_RECEIVER, _AGREED})
# These wait for the second side and expire without its answer.
WAITING: Final = frozenset({_BY_GIVER, _BY_RECEIVER})
CLOSED: Final = frozenset({_DECLINED, _WITHDRAWN, MatchState.EXPIRED})


def following(state: MatchState, action: Action, side: Side | None) -> MatchState | None:
    """Return the state after an action, or None when it is not allowed.

    >>> following(MatchState.PROPOSED, Action.ACCEPT, Side.GIVER)
    <MatchState.ACCEPTED_BY_GIVER: 'ACCEPTED_BY_GIVER'>
    >>> following(MatchState.AGREED, Action.ACCEPT, Side.GIVER) is None
    True
    """
    actor = None if action is Action.WITHDRAW else side
    return TRANSITIONS.get((state, action, actor))


def allowed(state: MatchState, side: Side | None) -> tuple[str, ...]:
    """Return the actions that `side` (None: any side) may take in a state, sorted."""
    return tuple(
        sorted(
            {
                action.value
                for (before, action, actor) in TRANSITIONS
                if before is state and (side is None or actor in {None, side})
            }
        )
    )
