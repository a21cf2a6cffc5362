"""What the screen shows, as frozen values, read from the store's REST documents.

The store may be older or still starting: what is missing is None and is shown as a dash, never as zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchView:
    """One open match. Gains are amounts per day in `currency`, the distance is in kilometres."""

    programme: str
    giver: str
    receiver: str
    material: str
    quantity_per_day: float | None
    unit: str
    giver_gain: float | None
    receiver_gain: float | None
    currency: str
    distance_km: float | None
    verdict: str
    data_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeView:
    """One programme's own time. `speed` is seconds of event time per second; None when it holds."""

    name: str
    time: str = ""
    speed: float | None = None
    chapter: str = ""
    data_kind: str = ""
    note: str = ""
    open_matches: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything on the screen that comes from the store."""

    events_per_second: float | None = None
    published: int | None = None
    positions: int | None = None
    open_matches: int | None = None
    rejected: int | None = None
    lag: int | None = None
    ledger_rows: Mapping[str, int] = field(default_factory=dict[str, int])
    programmes: tuple[ProgrammeView, ...] = ()
    matches: tuple[MatchView, ...] = ()

    @property
    def ledger_total(self) -> int | None:
        """Rows of all tables together."""
        return sum(self.ledger_rows.values()) if self.ledger_rows else None


def view_of(status: Document, matches: Mapping[str, Document]) -> View:
    """Read the store's `/api/v1/status`, and its `/api/v1/matches` of each programme by name."""
    return View(
        events_per_second=_number(status, "events_per_second"),
        published=_integer(status, "published"),
        positions=_integer(status, "positions"),
        open_matches=_integer(status, "open_matches"),
        rejected=_integer(status, "rejected"),
        lag=_lag(status.get("lag")),
        ledger_rows={
            str(table): int(rows) for table, rows in _mapping(status.get("ledger_rows")).items()
        },
        programmes=tuple(
            _programme(row, matches.get(_text(row, "programme"), {}))
            for row in _rows(status.get("programmes"))
        ),
        matches=tuple(
            _match(row) for found in matches.values() for row in _rows(found.get("matches"))
        ),
    )


def programme_names(status: Document) -> list[str]:
    """Return the programmes that a status names."""
    return [_text(row, "programme") for row in _rows(status.get("programmes"))]


def _programme(row: Document, matches: Document) -> ProgrammeView:
    return ProgrammeView(
        name=_text(row, "programme"),
        time=_text(row, "time"),
        speed=_number(row, "speed"),
        chapter=_text(row, "chapter"),
        data_kind=_text(row, "data_kind").upper(),
        note=_text(row, "note"),
        open_matches=_integer(matches, "total"),
    )


def _match(row: Document) -> MatchView:
    return MatchView(
        programme=_text(row, "programme"),
        giver=_text(row, "giver"),
        receiver=_text(row, "receiver"),
        material=_text(row, "material"),
        quantity_per_day=_number(row, "quantity_per_day"),
        unit=_text(row, "unit") or "t",
        giver_gain=_number(row, "giver_gain"),
        receiver_gain=_number(row, "receiver_gain"),
        currency=_text(row, "currency"),
        distance_km=_number(row, "distance_km"),
        verdict=_text(row, "verdict"),
        data_kind=_text(row, "data_kind").upper(),
    )


def _lag(value: object) -> int | None:
    """Return the whole lag: the store gives one number, or one a process."""
    parts = _mapping(value)
    if parts:
        return sum(int(part) for part in parts.values())
    return int(value) if isinstance(value, int | float) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _rows(value: object) -> list[Document]:
    return cast("list[Document]", value) if isinstance(value, list) else []


def _text(row: Document, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _number(row: Document, name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float | str) and value != "" else None


def _integer(row: Document, name: str) -> int | None:
    value = _number(row, name)
    return None if value is None else int(value)
