"""What a programme is: who takes part, in which chapters, and every reading in the order of its time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from producers.reading import Reading
from schemas.events import Facility

FIRST_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A stretch of programme time that is played without a jump; between two chapters time jumps.

    `speed` is seconds of programme time per second.
    """

    label: str
    start: datetime
    end: datetime
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A row of a facility list that takes no part, and why."""

    name: str
    industry: str
    capacity: float | None
    unit: str
    reason: str
    source: str


class Stream(Protocol):
    """One source of readings, in the order of their `observed_at`."""

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield what was observed in (after, until], oldest first, always in the same order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A region that runs a network, with the data that is replayed for it."""

    id: str
    name: str
    chapters: tuple[Chapter, ...]
    facilities: tuple[Facility, ...]
    exclusions: tuple[Exclusion, ...]
    streams: tuple[Stream, ...]

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield every reading observed in (after, until] of facilities in operation.

        The order is fixed: by time, then by stream, then as the stream has it. A reading for a period
        in which its facility was not yet or no longer open is left out: no anachronism.
        """
        open_at = self._facilities_by_id()
        merged = heapq.merge(
            *(stream.readings(after, until) for stream in self.streams),
            key=lambda reading: reading.observed_at,
        )
        for reading in merged:
            if in_operation(open_at[reading.facility], reading):
                yield reading

    def facilities_without_data(self, chapter: Chapter) -> frozenset[str]:
        """Return who sends nothing on the first day of a chapter: screens say so, not "stale"."""
        first_day = min(chapter.start + FIRST_DAY, chapter.end)
        heard = {reading.facility for reading in self.readings(chapter.start, first_day)}
        return frozenset(facility.id for facility in self.facilities) - heard

    def _facilities_by_id(self) -> Mapping[str, Facility]:
        return {facility.id: facility for facility in self.facilities}


def in_operation(facility: Facility, reading: Reading) -> bool:
    """Whether the facility was open in the whole period and when the reading was made."""
    first = min(reading.period_start, reading.observed_at)
    last = max(reading.period_end, reading.observed_at)
    if first < facility.valid_from:
        return False
    return facility.valid_to is None or last <= facility.valid_to
