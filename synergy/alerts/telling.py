"""Alerts as events: one id for a rule and its subject, so that the same cause is never told twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

from schemas.events import Alert, AlertState, Coordinates, Reason
from synergy.alerts.rules import AlertRule

NAMESPACE: Final = UUID("0b8a7c5e-4f0d-5b63-8a34-2f5d0c9e7b11")

_REMEMBERED: Final = 1 << 14
"""Ids that are asked for again with every position of a series: they cost as much as taking it in."""


@lru_cache(_REMEMBERED)
def alert_id(programme: str, rule: str, subject: str) -> UUID:
    """Return the id of a rule's alert about a subject."""
    return uuid5(NAMESPACE, json.dumps((programme, rule, subject)))


def raised(
    rule: AlertRule,
    about: tuple[str, str],
    reasons: tuple[Reason, ...],
    time: datetime,
    at: Coordinates | None = None,
) -> Alert:
    """Return the alert of a rule about a (programme, subject), raised at the programme's time."""
    programme, subject = about
    return Alert(
        id=alert_id(programme, rule.name, subject),
        programme=programme,
        rule=rule.name.value,
        severity=rule.severity,
        state=AlertState.RAISED,
        subject=subject,
        reasons=reasons,
        coordinates=at,
        programme_time=time,
    )


def cleared(alert: Alert, time: datetime) -> Alert:
    """Return an alert whose cause is gone."""
    return replace(alert, state=AlertState.CLEARED, programme_time=time, until=None)
