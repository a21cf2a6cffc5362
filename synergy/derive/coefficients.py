"""Coefficients as data: every factor is a row with its value, range, unit, kind, source and validity.

Nothing here or in `synergy.derive.formulas` holds a number of its own: the rows are in `programmes/coefficients.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from synergy.derive.errors import CoefficientMissingError, CoefficientRowError

EVERYWHERE = "*"
COLUMNS = (
    "name",
    "scope",
    "value",
    "low",
    "high",
    "unit",
    "kind",
    "source",
    "valid_from",
    "valid_to",
)


class CoefficientKind(StrEnum):
    """How well a coefficient is known."""

    EXACT = "exact"
    CITED = "cited"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One factor of a formula, valid in [valid_from, valid_to).

    `scope` is what it holds for: a station or unit (`3948`, `3948/1`), an industry, or `*`.
    """

    name: str
    scope: str
    value: float
    low: float
    high: float
    unit: str
    kind: CoefficientKind
    source: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def valid_at(self, at: datetime) -> bool:
        """Whether the coefficient holds at this time."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


class Coefficients:
    """A look-up by name, scope and time; the narrowest scope wins."""

    def __init__(self, rows: Iterable[Coefficient]) -> None:
        """Index the rows by name and scope."""
        self.rows: Sequence[Coefficient] = tuple(rows)
        self._index: dict[tuple[str, str], list[Coefficient]] = {}
        for row in self.rows:
            self._index.setdefault((row.name, row.scope), []).append(row)

    def find(self, name: str, scope: str, at: datetime) -> Coefficient | None:
        """Return the valid row of the narrowest scope, or None.

        Args:
            name: Name of the coefficient.
            scope: `a/b` is looked up as `a/b`, then `a`, then `*`.
            at: Event time, aware.
        """
        for candidate in _scopes(scope):
            for row in self._index.get((name, candidate), ()):
                if row.valid_at(at):
                    return row
        return None

    def value(self, name: str, scope: str, at: datetime) -> float:
        """Return the valid value. Raises CoefficientMissingError."""
        row = self.find(name, scope, at)
        if row is None:
            raise CoefficientMissingError(name, scope, at)
        return row.value


def _scopes(scope: str) -> tuple[str, ...]:
    parts = scope.split("/")
    return (*("/".join(parts[:length]) for length in range(len(parts), 0, -1)), EVERYWHERE)


def parse_coefficients(lines: Iterable[str]) -> Coefficients:
    """Read the rows of a coefficient file.

    Args:
        lines: The lines of a CSV file with the header `COLUMNS`; times are ISO 8601 with an offset, or empty.

    Raises:
        CoefficientRowError: a row is incomplete, out of its own range, or has no source.
    """
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise CoefficientRowError(1, "header", f"expected {','.join(COLUMNS)}")
    return Coefficients(_coefficient(number, row) for number, row in enumerate(reader, start=2))


def _coefficient(number: int, row: Mapping[str, str]) -> Coefficient:
    value, low, high = (_number(number, column, row[column]) for column in ("value", "low", "high"))
    if not low <= value <= high:
        raise CoefficientRowError(number, "value", f"{value} is outside its range {low} to {high}")
    for column in ("name", "scope", "unit", "source"):
        if not row[column]:
            raise CoefficientRowError(number, column, "is empty")
    try:
        kind = CoefficientKind(row["kind"])
    except ValueError:
        raise CoefficientRowError(
            number, "kind", f"{row['kind']!r} is not exact, cited or assumed"
        ) from None
    if kind is CoefficientKind.EXACT and low != high:
        raise CoefficientRowError(number, "low", "an exact coefficient has no range")
    return Coefficient(
        name=row["name"],
        scope=row["scope"],
        value=value,
        low=low,
        high=high,
        unit=row["unit"],
        kind=kind,
        source=row["source"],
        valid_from=_time(number, "valid_from", row["valid_from"]),
        valid_to=_time(number, "valid_to", row["valid_to"]),
    )


def _number(row: int, column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CoefficientRowError(row, column, f"{text!r} is not a number") from None


def _time(row: int, column: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CoefficientRowError(row, column, f"{text!r} is not an ISO 8601 time") from None
    if time.tzinfo is None:
        raise CoefficientRowError(row, column, f"{text!r} has no UTC offset")
    return time
