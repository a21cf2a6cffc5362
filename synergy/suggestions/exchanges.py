"""Exchanges that happened or were planned elsewhere, as others recorded them (`CITATION.md`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One recorded exchange. Industries are ISIC classes; `material` is None where the catalogue has none."""

    id: str
    giver: str
    giver_isic: tuple[str, ...]
    byproduct: str
    material: str | None
    receiver: str
    receiver_isic: tuple[str, ...]
    use: str
    location: str
    status: str
    source: str


@cache
def recorded_exchanges() -> tuple[Exchange, ...]:
    """Return all of them, in the order of the file."""
    text = (files("synergy.suggestions") / "recorded_exchanges.csv").read_text(encoding="utf-8")
    return tuple(_exchange(row) for row in csv.DictReader(io.StringIO(text)))


def _exchange(row: Mapping[str, str]) -> Exchange:
    return Exchange(
        id=row["id"],
        giver=row["giver"],
        giver_isic=_classes(row["giver_isic"]),
        byproduct=row["byproduct"],
        material=row["material"] or None,
        receiver=row["receiver"],
        receiver_isic=_classes(row["receiver_isic"]),
        use=row["use"],
        location=row["location"],
        status=row["status"],
        source=row["source"],
    )


def _classes(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)
