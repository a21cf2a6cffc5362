"""The life of an agreement: signed by the second acceptance, sampled where quality is unknown, run, ended.

`conditional` is where an agreement begins whose quality verdict is unknown: nothing leads from it to a delivery but
`qualify`.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.events import Side
from synergy.lifecycle.actions import Action
from synergy.lifecycle.table import Table


class AgreementState(StrEnum):
    """The states of an agreement, as transactions name them."""

    AGREED = "agreed"
    CONDITIONAL = "conditional"
    SAMPLE_REQUESTED = "sample_requested"
    QUALIFIED = "qualified"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


_AGREED, _CONDITIONAL = AgreementState.AGREED, AgreementState.CONDITIONAL
_SAMPLE_REQUESTED, _QUALIFIED = AgreementState.SAMPLE_REQUESTED, AgreementState.QUALIFIED
_RUNNING, _CANCELLED = AgreementState.RUNNING, AgreementState.CANCELLED
_GIVER, _RECEIVER = Side.GIVER, Side.RECEIVER

AGREEMENTS: Final[Table[AgreementState]] = Table(
    "agreement",
    MappingProxyType(
        {
            (None, Action.AGREE, None): _AGREED,
            (None, Action.AGREE_ON_CONDITION, None): _CONDITIONAL,
            (_AGREED, Action.SAMPLE, None): _SAMPLE_REQUESTED,
            (_CONDITIONAL, Action.SAMPLE, None): _SAMPLE_REQUESTED,
            (_QUALIFIED, Action.SAMPLE, None): _SAMPLE_REQUESTED,
            (_CONDITIONAL, Action.QUALIFY, _RECEIVER): _QUALIFIED,
            (_SAMPLE_REQUESTED, Action.QUALIFY, _RECEIVER): _QUALIFIED,
            (_AGREED, Action.SCHEDULE, None): _RUNNING,
            (_AGREED, Action.DISPATCH, _GIVER): _RUNNING,
            (_AGREED, Action.METER, None): _RUNNING,
            (_QUALIFIED, Action.SCHEDULE, None): _RUNNING,
            (_QUALIFIED, Action.DISPATCH, _GIVER): _RUNNING,
            (_QUALIFIED, Action.METER, None): _RUNNING,
            (_RUNNING, Action.SCHEDULE, None): _RUNNING,
            (_RUNNING, Action.DISPATCH, _GIVER): _RUNNING,
            (_RUNNING, Action.METER, None): _RUNNING,
            (_RUNNING, Action.COMPLETE, None): AgreementState.ENDED,
            **{
                (state, action, None): _CANCELLED if action is Action.CANCEL else state
                for state in (_AGREED, _CONDITIONAL, _SAMPLE_REQUESTED, _QUALIFIED, _RUNNING)
                for action in (Action.AMEND, Action.APPROVE, Action.DECLINE, Action.CANCEL)
            },
        }
    ),
)

# These hold no quantity any more.
OVER: Final = AGREEMENTS.closed()
