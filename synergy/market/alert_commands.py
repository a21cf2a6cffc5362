"""Acknowledging and snoozing an alert: it stays until its cause is gone, and is quiet meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from schemas.events import Alert, AlertState, Command
from synergy.lifecycle import Action, Refusal

SNOOZE_MINUTES: Final = 4 * 60
MOST_MINUTES: Final = 7 * 24 * 60


def on_alert(alert: Alert | None, command: Command, now: datetime) -> Alert | Refusal:
    """Return the alert after a command; `now` is the clock, `quantity` the minutes of a snooze."""
    if alert is None:
        return Refusal.UNKNOWN_ALERT
    if command.action == Action.ACKNOWLEDGE:
        return replace(alert, state=AlertState.ACKNOWLEDGED, actor=command.actor, until=None)
    minutes = SNOOZE_MINUTES if command.quantity is None else command.quantity
    if minutes <= 0:
        return Refusal.QUANTITY_INVALID
    if minutes > MOST_MINUTES:
        return Refusal.QUANTITY_TOO_LARGE
    until = now + timedelta(minutes=minutes)
    return replace(alert, state=AlertState.SNOOZED, actor=command.actor, until=until)


def awake(alert: Alert) -> Alert:
    """Return an alert that nobody looks after any more, raised as it was."""
    return replace(alert, state=AlertState.RAISED, actor=None, until=None)


def woken(alerts: Mapping[UUID, Alert], now: datetime) -> list[Alert]:
    """Return the snoozed alerts whose time is over, raised again."""
    return [
        awake(alert)
        for _, alert in sorted(alerts.items())
        if alert.state is AlertState.SNOOZED and alert.until is not None and alert.until <= now
    ]
