"""Where the flows of each source and series end: what comes next goes on from there, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from schemas.events import Availability, Form
from synergy.balance.terms import microseconds

SeriesName: TypeAlias = tuple[str, str, str, str]
"""Source, facility, material and direction."""
KEEP_END = """
INSERT INTO ends VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET end_us = max(end_us, excluded.end_us)
"""


def flow_ends(events: Iterable[Availability]) -> dict[SeriesName, int]:
    """Return where the flows among the events end, in microseconds since 1970."""
    found: dict[SeriesName, int] = {}
    for event in events:
        if event.form is Form.FLOW and event.corrects is None:
            name = (event.source, event.facility, event.material, event.direction.value)
            found[name] = max(found.get(name, 0), microseconds(event.period_end))
    return found
