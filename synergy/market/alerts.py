"""The market's own alerts: raised once when their cause appears, cleared once when it is gone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid5

from schemas.events import Alert, AlertState, Reason, Severity
from synergy.market.programme import Programme
from synergy.market.propose import SolveResult
from synergy.market.reasons import Code

NAMESPACE: Final = UUID("0b8a7c5e-4f0d-5b63-8a34-2f5d0c9e7b11")


def _id(programme: str, rule: Code, subject: str) -> UUID:
    return uuid5(NAMESPACE, json.dumps((programme, rule.value, subject)))


def _due(programme: Programme, result: SolveResult) -> dict[tuple[Code, str], Reason]:
    due: dict[tuple[Code, str], Reason] = {
        (Code.COMMITTED_SHORT, f"{series.facility}/{series.material}"): Reason(
            code=Code.COMMITTED_SHORT,
            subject=series.facility,
            value=float(offered),
            limit=float(committed),
            text=series.material,
        )
        for series, (offered, committed) in result.shortfalls.items()
    }
    if not result.optimal:
        subject = f"{programme.name}/{result.market}"
        reason = Reason(code=Code.SOLVER_TIME_LIMIT, subject=result.market)
        due[Code.SOLVER_TIME_LIMIT, subject] = reason
    return due


def alert_changes(programme: Programme, result: SolveResult) -> list[Alert]:
    """Return what to raise and clear after a solve; the last reason names the market."""
    time = programme.head.time
    if time is None:
        return []
    changes: list[Alert] = []
    due = {
        _id(programme.name, rule, subject): (rule, subject, reason)
        for (rule, subject), reason in _due(programme, result).items()
    }
    for identity in sorted(due.keys() - programme.alerts.keys()):
        rule, subject, reason = due[identity]
        changes.append(
            Alert(
                id=identity,
                programme=programme.name,
                rule=rule.value,
                severity=Severity.WARNING,
                state=AlertState.RAISED,
                subject=subject,
                reasons=(reason, Reason(code=rule, text=result.market)),
                programme_time=time,
            )
        )
    for identity in sorted(programme.alerts.keys() - due.keys()):
        known = programme.alerts[identity]
        if known.reasons[-1].text == result.market:
            changes.append(replace(known, state=AlertState.CLEARED, programme_time=time))
    return changes
