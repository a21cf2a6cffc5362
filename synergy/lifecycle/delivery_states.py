"""The life of a delivery: one load that is sent and received, or one period that is metered."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.events import Side
from synergy.lifecycle.actions import Action
from synergy.lifecycle.table import Table


class DeliveryState(StrEnum):
    """The states of a delivery, as transactions name them."""

    SCHEDULED = "scheduled"
    DISPATCHED = "dispatched"
    WEIGHED = "weighed"
    RECEIVED = "received"
    RECEIVED_IN_PART = "received_in_part"
    REFUSED = "refused"
    METERED = "metered"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


_SCHEDULED, _DISPATCHED = DeliveryState.SCHEDULED, DeliveryState.DISPATCHED
_WEIGHED, _METERED = DeliveryState.WEIGHED, DeliveryState.METERED
_RECEIVED, _IN_PART = DeliveryState.RECEIVED, DeliveryState.RECEIVED_IN_PART
_REFUSED, _COMPLETED = DeliveryState.REFUSED, DeliveryState.COMPLETED
_GIVER, _RECEIVER = Side.GIVER, Side.RECEIVER

DELIVERIES: Final[Table[DeliveryState]] = Table(
    "delivery",
    MappingProxyType(
        {
            (None, Action.SCHEDULE, None): _SCHEDULED,
            (None, Action.DISPATCH, _GIVER): _DISPATCHED,
            (None, Action.METER, None): _METERED,
            (_SCHEDULED, Action.DISPATCH, _GIVER): _DISPATCHED,
            (_SCHEDULED, Action.CANCEL, None): DeliveryState.CANCELLED,
            (_DISPATCHED, Action.WEIGH, None): _WEIGHED,
            (_DISPATCHED, Action.RECEIVE, _RECEIVER): _RECEIVED,
            (_DISPATCHED, Action.RECEIVE_IN_PART, _RECEIVER): _IN_PART,
            (_DISPATCHED, Action.REFUSE, _RECEIVER): _REFUSED,
            (_WEIGHED, Action.RECEIVE, _RECEIVER): _RECEIVED,
            (_WEIGHED, Action.RECEIVE_IN_PART, _RECEIVER): _IN_PART,
            (_WEIGHED, Action.REFUSE, _RECEIVER): _REFUSED,
            (_RECEIVED, Action.COMPLETE, None): _COMPLETED,
            (_IN_PART, Action.COMPLETE, None): _COMPLETED,
            (_REFUSED, Action.COMPLETE, None): _COMPLETED,
            (_METERED, Action.COMPLETE, None): _COMPLETED,
            (_COMPLETED, Action.AMEND, None): _COMPLETED,
            (_COMPLETED, Action.APPROVE, None): _COMPLETED,
            (_COMPLETED, Action.DECLINE, None): _COMPLETED,
        }
    ),
)

# On its way or about to be: its agreement can't end yet.
OPEN: Final = frozenset({_SCHEDULED, _DISPATCHED, _WEIGHED})
# Taken by the receiver, whole or in part, or measured by the meters.
TAKEN: Final = frozenset({_RECEIVED, _IN_PART, _METERED})
