"""The facilities of one partition and the facts that market has to be told.

Pure: no clock, no I/O, no threads (gate: import-linter). A facility that leaves keeps its number: its identities and
series stay, its readings are refused until it is enrolled again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from sys import intern

import numpy as np

from schemas.events import Facility, FacilityFacts
from synergy.balance.index import longer
from synergy.balance.readings import UNKNOWN, WRONG_PARTITION
from synergy.balance.terms import Bools, Int64s


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one facility. `facts` is None after it was dropped; `offset` is of its latest record."""

    id: str
    offset: int
    facts: FacilityFacts | None


@dataclass(frozen=True, slots=True)
class Saved:
    """All facilities as they were saved, in the order of their numbers.

    `programme` is the place in `programmes`, the last one of a facility that was dropped; `documents` say all the rest.
    """

    ids: list[str]
    programmes: list[str]
    programme: Int64s
    enrolled: Bools
    documents: list[bytes]


class Facilities:
    """Facilities by number, and what is to be published of them."""

    __slots__ = (
        "_belongs",
        "_entries",
        "_news",
        "_numbers",
        "_read",
        "changed",
        "enrolled",
        "ids",
        "programme",
        "programmes",
        "restated",
    )

    def __init__(self, belongs: Callable[[str], bool]) -> None:
        self.ids: list[str] = []
        self.enrolled: Bools = np.zeros(64, np.bool_)
        self.programme: Int64s = np.zeros(64, np.int64)  # number in `programmes`
        self.programmes: list[str] = []
        self.changed: set[int] = set()
        self.restated: set[int] = set()  # facilities whose positions have to be published anew
        self._numbers: dict[str, int] = {}
        self._news: list[FacilityFacts] = []
        self._belongs = belongs
        self._entries: list[Entry | bytes] = []  # bytes are what was saved, until somebody asks
        self._read: Callable[[bytes], Entry] | None = None

    def number(self, facility: str) -> int:
        """Return the number of an enrolled facility, or UNKNOWN or WRONG_PARTITION."""
        if not self._belongs(facility):
            return WRONG_PARTITION
        number = self._numbers.get(facility, UNKNOWN)
        return number if number >= 0 and self.enrolled[number] else UNKNOWN

    def entry(self, number: int) -> Entry:
        """Return what is known of one facility."""
        known = self._entries[number]
        if isinstance(known, bytes):
            assert self._read is not None
            known = self._entries[number] = self._read(known)
        return known

    def programme_number(self, programme: str) -> int:
        """Return the number of a programme, a new one if need be."""
        if programme not in self.programmes:
            self.programmes.append(programme)
        return self.programmes.index(programme)

    def put(self, facility: Facility, offset: int) -> None:
        """Enrol a facility or change its facts; an older record than the known one is passed over."""
        number = self._numbers.get(facility.id)
        former = None if number is None else self.entry(number)
        if former is not None and offset < former.offset:
            return
        facts = _facts(facility)
        if former is None or former.facts != facts:
            self._tell(former.facts if former else None, facts)
        self._set(Entry(facility.id, offset, facts), number)

    def drop(self, facility_id: str, offset: int) -> None:
        """Take a facility out of its programme; unknown ones and older records are passed over."""
        number = self._numbers.get(facility_id)
        if number is None or offset < self.entry(number).offset:
            return
        self._tell(self.entry(number).facts, None)
        self._set(Entry(facility_id, offset, None), number)

    def take_news(self) -> tuple[FacilityFacts, ...]:
        """Return the facts to be published, in the order in which they came about."""
        news, self._news = tuple(self._news), []
        return news

    def are_told(self) -> None:
        """Take what would be published, facts and positions, as published."""
        self._news.clear()
        self.restated.clear()

    def restore(self, saved: Saved, read: Callable[[bytes], Entry]) -> None:
        """Take over what was saved, as already told. Nothing was known before.

        `read` reads a document when somebody asks for the entry: of most facilities nobody does.
        """
        self._read = read
        self.ids, self.programmes = saved.ids, saved.programmes
        self._entries = list(saved.documents)
        count = len(self.ids)
        self._numbers = dict(zip(self.ids, range(count), strict=True))
        self.enrolled, self.programme = longer(self.enrolled, count), longer(self.programme, count)
        self.enrolled[:count] = saved.enrolled
        self.programme[:count] = saved.programme

    def _tell(self, former: FacilityFacts | None, facts: FacilityFacts | None) -> None:
        if former is not None and (facts is None or facts.programme != former.programme):
            self._news.append(replace(former, removed=True))
        if facts is not None:
            self._news.append(facts)

    def _set(self, entry: Entry, number: int | None) -> None:
        if number is None:
            number = self._numbers[entry.id] = len(self.ids)
            self.ids.append(entry.id)
            self._entries.append(entry)
            self.enrolled = longer(self.enrolled, number + 1)
            self.programme = longer(self.programme, number + 1)
        self._entries[number] = entry
        self.changed.add(number)
        moved = not self.enrolled[number]
        self.enrolled[number] = entry.facts is not None
        if entry.facts is not None:
            programme = self.programme_number(entry.facts.programme)
            moved |= programme != self.programme[number]
            self.programme[number] = programme
            if moved:
                self.restated.add(number)


def _facts(facility: Facility) -> FacilityFacts:
    """Return the facts; texts that many facilities share are kept once."""
    return FacilityFacts(
        facility=facility.id,
        programme=intern(facility.programme),
        park=facility.park,
        name=facility.name,
        name_zh=facility.name_zh,
        latitude=facility.latitude,
        longitude=facility.longitude,
        industry=intern(facility.industry),
        permits=facility.permits,
        blocked=facility.blocked,
        valid_from=facility.valid_from,
        valid_to=facility.valid_to,
        provenance=facility.provenance,
        source=intern(facility.source),
        capacity=facility.capacity,
        capacity_unit=facility.capacity_unit,
        country=intern(facility.country),
    )
