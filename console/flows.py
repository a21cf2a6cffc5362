"""The recent history of a series from the ledger, for a chart: one point an hour over its last week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from console.ledger_readers import LedgerReaders
from console.problems import ProblemError
from console.questions import problem_of
from console.views import SeriesName
from runtime.ledger_database import LedgerDatabaseError

HOURS = 7 * 24
_RECENT = f"""
SELECT argMax(as_of, (_timestamp, _offset)) AS at, argMax(quantity_24h, (_timestamp, _offset)) AS quantity
FROM positions
WHERE programme = {{programme:String}} AND facility = {{facility:String}}
  AND material = {{material:String}} AND direction = {{direction:String}}
GROUP BY toStartOfHour(as_of) AS hour
ORDER BY hour DESC LIMIT {HOURS}
"""  # noqa: S608 the one number is ours


@dataclass(frozen=True, slots=True)
class Point:
    """What a series gave or took in the 24 hours before a moment, in base units."""

    as_of: datetime
    quantity: int

    def document(self, per_unit: int) -> list[Any]:
        """Return [time, quantity in trade units]."""
        return [
            f"{self.as_of.replace(tzinfo=None).isoformat()}Z",
            round(self.quantity / per_unit, 3),
        ]


@dataclass(frozen=True, slots=True)
class Flows:
    """Asks the ledger, as one of the few questions at a time that people may ask."""

    ledger: LedgerReaders

    async def recent(self, series: SeriesName) -> list[Point]:
        """Return the points of a series, oldest first. Raises ProblemError."""
        names = ("programme", "facility", "material", "direction")
        asked: dict[str, object] = dict(zip(names, map(str, series), strict=True))
        try:
            found = await self.ledger.ask(_RECENT, asked)
        except LedgerDatabaseError as error:
            raise ProblemError(problem_of(error, None)) from error
        return [
            Point(cast("datetime", as_of), int(str(quantity)))
            for as_of, quantity in reversed(found.rows)
        ]
