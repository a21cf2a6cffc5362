"""How the data of one facility are: its series from memory, its sources from the ledger, its rejections."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from console.ledger_readers import LedgerReaders
from console.questions import cell
from console.views import Views
from runtime.ledger_database import LedgerDatabaseError
from schemas.events import Position, Rejected
from schemas.json_form import to_json
from synergy.catalogue import Catalogue
from synergy.health import (
    HealthNote,
    Rejections,
    SourceCount,
    notes_of_position,
    notes_of_rejections,
    notes_of_sources,
    silence,
)
from synergy.rejections import reject_reasons

PATIENCE_S: Final = 2.0
"""How long the ledger may take: the rest of the document does not wait for it."""
_SOURCES: Final = """
SELECT source, epoch, max(sequence) AS last, uniqExact(sequence) AS seen, count() AS records,
       greatest(max(sequence) - toInt64(uniqExact(sequence)), 0) AS missing,
       max(period_end) AS newest_period_end, max(_timestamp) AS received_at
FROM availability
WHERE facility = {facility:String}
GROUP BY source, epoch
ORDER BY received_at DESC
LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class FacilityHealth:
    """Answers how the data of a facility are."""

    views: Views
    catalogue: Catalogue
    ledger: LedgerReaders

    async def document(
        self, facility: str, positions: Sequence[Position], time: datetime
    ) -> dict[str, Any]:
        """Return series, sources and rejections with what is wrong and how to mend it.

        `sources` is None while the ledger does not answer; it is a second or so behind the series.
        """
        sources = await self._sources(facility)
        rejected = [one for one in self.views.rejected if one.facility == facility]
        notes = [
            *(note for one in positions for note in notes_of_position(one, self.catalogue)),
            *notes_of_sources(_counts(sources or ())),
            *notes_of_rejections(_by_code(rejected)),
        ]
        if not positions and not sources:
            notes.append(silence(facility))
        newest = max((one.as_of for one in positions), default=None)
        return {
            "state": "attention" if notes else "good",
            "last_reading": None if newest is None else _iso(newest),
            "notes": [_said(note) for note in notes],
            "series": [self._series(one, time) for one in positions],
            "sources": sources,
            "rejects": _rejections(rejected),
            "rejects_looked_at": len(self.views.rejected),
        }

    async def _sources(self, facility: str) -> list[dict[str, Any]] | None:
        try:
            asked = self.ledger.ask(_SOURCES, {"facility": facility})
            found = await asyncio.wait_for(asked, PATIENCE_S)
        except (LedgerDatabaseError, TimeoutError):
            return None
        return [
            {name: cell(value) for name, value in zip(found.columns, row, strict=True)}
            for row in found.rows
        ]

    def _series(self, position: Position, time: datetime) -> dict[str, Any]:
        material = self.catalogue.materials.get(position.material)
        patience = None if material is None else material.stale_after
        return {
            "material": position.material,
            "direction": position.direction.value,
            "last_reading": _iso(position.as_of),
            "age_s": max(round((time - position.as_of).total_seconds()), 0),
            "counts_until": None if patience is None else _iso(position.as_of + patience),
            "stale": position.stale,
            "late": position.late,
            "source": position.latest_source,
            "sequence": position.latest_sequence,
            "days_seen": position.days_seen,
            "quality_good": position.quality_good,
            "quality_uncertain": position.quality_uncertain,
            "quality_estimated": position.quality_estimated,
        }


def _counts(sources: Iterable[dict[str, Any]]) -> list[SourceCount]:
    return [
        SourceCount(source=row["source"], epoch=row["epoch"], last=row["last"], seen=row["seen"])
        for row in sources
    ]


def _by_code(rejected: Iterable[Rejected]) -> list[Rejections]:
    counts = Counter(one.code for one in rejected)
    return [Rejections(code=code, count=count) for code, count in counts.most_common()]


def _rejections(rejected: Sequence[Rejected]) -> list[dict[str, Any]]:
    """Return one entry a reason, with what the latest record of it said."""
    latest = {one.code: one for one in rejected}
    found: list[dict[str, Any]] = []
    for group in _by_code(rejected):
        one, reason = latest[group.code], reject_reasons().get(group.code)
        found.append(
            {
                "code": group.code,
                "count": group.count,
                "field": one.field,
                "message": one.message,
                "source": one.source,
                "origin": to_json(one)["origin"],
                "words": None if reason is None else asdict(reason),
            }
        )
    return found


def _said(note: HealthNote) -> dict[str, str]:
    return {"code": note.code, "subject": note.subject, "text": note.en, "text_zh": note.zh}


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
