"""The alert rules that are shipped."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from schemas.events import Severity


class RuleName(StrEnum):
    """The rules."""

    NEW_MATCH = "new_match"
    BETTER_MATCH = "better_match"
    MATCH_WITHDRAWN = "match_withdrawn"
    SUPPLY_STALE = "supply_stale"
    COMMITTED_SHORT = "committed_short"
    QUALITY_FAILED = "quality_failed"
    SOLVER_TIME_LIMIT = "solver_time_limit"
    SOLVE_FAILED = "solve_failed"
    OPEN_GAP = "open_gap"
    SEQUENCE_GAP = "sequence_gap"
    REJECTS = "rejects"
    LAG = "lag"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule.

    Attributes:
        severity: how urgent it is.
        limit: from where on it speaks, in `unit`; 0 where it has none.
        unit: unit of the limit.
        keep: programme time after which an alert that nothing ends is cleared; None: its cause ends it.
        meaning: what it says, for the documents.
    """

    name: RuleName
    severity: Severity
    limit: float
    unit: str
    keep: timedelta | None
    meaning: str


@cache
def alert_rules() -> Mapping[RuleName, AlertRule]:
    """Return the rules by name, in the order of the file."""
    text = (files("synergy.alerts") / "rules.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {RuleName(row["rule"]): _rule(row) for row in csv.DictReader(io.StringIO(text))}
    )


def _rule(row: Mapping[str, str]) -> AlertRule:
    hours = row["keep_hours"]
    return AlertRule(
        name=RuleName(row["rule"]),
        severity=Severity(row["severity"]),
        limit=float(row["limit"] or 0),
        unit=row["unit"],
        keep=timedelta(hours=float(hours)) if hours else None,
        meaning=row["meaning"],
    )
