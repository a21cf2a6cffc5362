"""The actions of the state machines: what people ask for, and what follows from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What moves a match, an agreement, a delivery or an alert."""

    # of a match
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    # of an agreement and its deliveries
    SAMPLE = "sample"
    QUALIFY = "qualify"
    SCHEDULE = "schedule"
    DISPATCH = "dispatch"
    WEIGH = "weigh"
    RECEIVE = "receive"
    REFUSE = "refuse"
    METER = "meter"
    COMPLETE = "complete"
    CANCEL = "cancel"
    AMEND = "amend"
    APPROVE = "approve"
    # of an alert
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    # not asked for by people: the solver, the passing of time, a verdict or a quantity decides
    REVISE = "revise"
    EXPIRE = "expire"
    AGREE = "agree"
    AGREE_ON_CONDITION = "agree_on_condition"
    RECEIVE_IN_PART = "receive_in_part"


ON_MATCH: Final = frozenset({Action.ACCEPT, Action.DECLINE, Action.WITHDRAW})
ON_TRANSACTION: Final = frozenset(
    {
        *(Action.SAMPLE, Action.QUALIFY, Action.SCHEDULE, Action.DISPATCH, Action.WEIGH),
        *(Action.RECEIVE, Action.REFUSE, Action.METER, Action.COMPLETE, Action.CANCEL),
        *(Action.AMEND, Action.APPROVE, Action.DECLINE),
    }
)
ON_ALERT: Final = frozenset({Action.ACKNOWLEDGE, Action.SNOOZE})
COMMANDS: Final = ON_MATCH | ON_TRANSACTION | ON_ALERT
"""The actions that a command may name."""
