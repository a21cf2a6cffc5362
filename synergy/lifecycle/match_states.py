"""The life of a match: proposed by the solver, answered by both sides."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from schemas.events import MatchState, Side
from synergy.lifecycle.actions import Action
from synergy.lifecycle.table import Table

_GIVER, _RECEIVER = Side.GIVER, Side.RECEIVER
_PROPOSED, _AGREED = MatchState.PROPOSED, MatchState.AGREED
_BY_GIVER, _BY_RECEIVER = MatchState.ACCEPTED_BY_GIVER, MatchState.ACCEPTED_BY_RECEIVER
_DECLINED, _WITHDRAWN = MatchState.DECLINED, MatchState.WITHDRAWN
_EXPIRED = MatchState.EXPIRED

MATCHES: Final[Table[MatchState]] = Table(
    "match",
    MappingProxyType(
        {
            (_PROPOSED, Action.REVISE, None): _PROPOSED,
            (_PROPOSED, Action.ACCEPT, _GIVER): _BY_GIVER,
            (_PROPOSED, Action.ACCEPT, _RECEIVER): _BY_RECEIVER,
            (_PROPOSED, Action.DECLINE, _GIVER): _DECLINED,
            (_PROPOSED, Action.DECLINE, _RECEIVER): _DECLINED,
            (_PROPOSED, Action.WITHDRAW, None): _WITHDRAWN,
            (_BY_GIVER, Action.ACCEPT, _RECEIVER): _AGREED,
            (_BY_GIVER, Action.DECLINE, _RECEIVER): _DECLINED,
            (_BY_GIVER, Action.DECLINE, _GIVER): _DECLINED,
            (_BY_GIVER, Action.WITHDRAW, None): _WITHDRAWN,
            (_BY_GIVER, Action.EXPIRE, None): _EXPIRED,
            (_BY_RECEIVER, Action.ACCEPT, _GIVER): _AGREED,
            (_BY_RECEIVER, Action.DECLINE, _GIVER): _DECLINED,
            (_BY_RECEIVER, Action.DECLINE, _RECEIVER): _DECLINED,
            (_BY_RECEIVER, Action.WITHDRAW, None): _WITHDRAWN,
            (_BY_RECEIVER, Action.EXPIRE, None): _EXPIRED,
        }
    ),
)

# The solver may revise and withdraw only these.
FREE: Final = frozenset({_PROPOSED})
# These hold their quantity, an agreed one until its agreement ends: it is no longer the solver's.
COMMITTED: Final = frozenset({_BY_GIVER, _BY_RECEIVER, _AGREED})
CLOSED: Final = MATCHES.closed() - {_AGREED}
