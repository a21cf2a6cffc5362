"""How the data of one facility are: its series from memory, its sources from the ledger, its rejections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from console.facility_rejects import REJECTS, counted, of_ledger, of_views, together
from console.ledger_readers import LedgerReaders
from console.questions import cell
from console.views import Views
from runtime.ledger_database import LedgerDatabaseError, Rows
from schemas.events import Position
from synergy.catalogue import Catalogue
from synergy.health import (
    HealthNote,
    SourceCount,
    notes_of_position,
    notes_of_rejections,
    notes_of_sources,
    silence,
)

PATIENCE_S: Final = 2.0
"""How long the ledger may take: the rest of the document does not wait for it."""
_SOURCES: Final = """
SELECT source, epoch, max(sequence) AS last, uniqExact(sequence) AS seen, count() AS records,
       greatest(max(sequence) - toInt64(uniqExact(sequence)), 0) AS missing,
       maxOrNullIf(period_end, (_topic, _partition, _offset) NOT IN (
           SELECT origin.topic, origin.partition, origin.offset FROM rejected WHERE facility = {facility:String}
       )) AS newest_period_end, max(_timestamp) AS received_at
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

        `sources` is None while the ledger does not answer, and `state` then is at best unknown; it is a second or so
        behind the series. Rejects are those of the last seven days.
        """
        found, lost = await asyncio.gather(
            self._asked(_SOURCES, facility), self._asked(REJECTS, facility)
        )
        sources = None if found is None else _documents(found)
        recent = (one for one in self.views.rejected if one.facility == facility)
        rejects = together(of_ledger(lost.rows if lost else ()), of_views(recent))
        notes = [
            *(note for one in positions for note in notes_of_position(one, self.catalogue)),
            *notes_of_sources(_counts(sources or ())),
            *notes_of_rejections(counted(rejects)),
        ]
        known = found is not None and lost is not None
        if not positions and known and not sources:
            notes.append(silence(facility))
        newest = max((one.as_of for one in positions), default=None)
        return {
            "state": "attention" if notes else "good" if known else "unknown",
            "last_reading": None if newest is None else _iso(newest),
            "notes": [_said(note) for note in notes],
            "series": [self._series(one, time) for one in positions],
            "sources": sources,
            "rejects": [one.document() for one in rejects],
        }

    async def _asked(self, sql: str, facility: str) -> Rows | None:
        try:
            return await asyncio.wait_for(self.ledger.ask(sql, {"facility": facility}), PATIENCE_S)
        except (LedgerDatabaseError, TimeoutError):
            return None

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


def _documents(found: Rows) -> list[dict[str, Any]]:
    return [
        {name: cell(value) for name, value in zip(found.columns, row, strict=True)}
        for row in found.rows
    ]


def _counts(sources: Iterable[dict[str, Any]]) -> list[SourceCount]:
    return [
        SourceCount(source=row["source"], epoch=row["epoch"], last=row["last"], seen=row["seen"])
        for row in sources
    ]


def _said(note: HealthNote) -> dict[str, str]:
    return {"code": note.code, "subject": note.subject, "text": note.en, "text_zh": note.zh}


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
