"""A published position held against the readings it says it includes, by the plain oracle.

Pure: no clock, no I/O, no threads (gate: import-linter). The evidence is what the ledger holds of the position's
facility: readings at their offsets with the times at which the broker took them, and the ticks of its programme in the
same partition. Rejected records are left out beforehand. What became of each reading (duplicate, late, lost gap) is
decided anew by `judgement.judge`.

Two moments are in no record and are taken from the append times: when a reading was applied, which only matters for a
period that ends in the future, and the time of a live programme, exact to the time between a commit and its append.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.events import Availability, Event, Position, Tick
from synergy.balance.judgement import Arrival, Series, judge
from synergy.balance.oracle import ProgrammeMoment, Recomputed, recompute
from synergy.balance.programmes import ProgrammeTimes
from synergy.balance.terms import MaterialRule, moment


@dataclass(frozen=True, slots=True)
class Taken:
    """A record at its offset; `appended_us` is the broker's time."""

    offset: int
    appended_us: int
    event: Event


@dataclass(frozen=True, slots=True)
class Stated:
    """A position as it was published; `appended_us` is the broker's time.

    `has_means`: whether its writer knew the means of properties; else it says nothing of them.
    """

    position: Position
    appended_us: int
    has_means: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a position that does not follow from the readings. `field` is `position` when there should be none."""

    position: Position
    field: str
    stated: object
    recomputed: object


class Evidence:
    """The readings of one facility in one partition, judged once for all positions that rest on them."""

    def __init__(self, readings: Iterable[Taken], rules: Mapping[str, MaterialRule]) -> None:
        """Judge.

        Args:
            readings: in the order of their offsets, at least up to those of the positions.
            rules: rule of every material.
        """
        arrivals = (
            Arrival(one.offset, one.appended_us, one.event)
            for one in readings
            if isinstance(one.event, Availability)
        )
        self._judged = judge(arrivals, rules, lambda _: None)
        self.rules = rules

    @property
    def late(self) -> set[int]:
        """Offsets of the readings that were late when they came."""
        return self._judged.late

    def accepted(self, series: Series, before: int) -> list[Arrival]:
        """Return the accepted readings of a series below an offset: what came later decided nothing about them."""
        return [one for one in self._judged.accepted.get(series, []) if one.offset < before]


class Moments:
    """The times of one programme by the offsets of its ticks in one partition."""

    def __init__(self, programme: str) -> None:
        self._programme = programme
        self._times = ProgrammeTimes()
        self._offsets: list[int] = []
        self._found: list[ProgrammeMoment] = []

    @property
    def last(self) -> int:
        """Offset of the last tick that was added, -1 before any."""
        return self._offsets[-1] if self._offsets else -1

    def add(self, taken: Iterable[Taken]) -> None:
        """Add ticks of the programme, in the order of their offsets; other events are passed over."""
        for one in taken:
            if isinstance(one.event, Tick) and one.event.programme == self._programme:
                self._times.tick(one.event)
                time = self._times.at(self._programme)
                self._offsets.append(one.offset)
                self._found.append(ProgrammeMoment(time.time_us, time.chapter_start_us))

    def at(self, before: int, live_us: int) -> ProgrammeMoment:
        """Return the time as the ticks below an offset say; `live_us` is that of a programme without any."""
        place = bisect_left(self._offsets, before)
        return self._found[place - 1] if place else ProgrammeMoment(live_us)


def verify(stated: Stated, evidence: Evidence, moments: Moments) -> tuple[Difference, ...]:
    """Return the fields in which a position differs from what its readings say."""
    position = stated.position
    rule = evidence.rules.get(position.material)
    if rule is None:
        return (Difference(position, "material", "published", "not in the catalogue any more"),)
    series = position.facility, position.material, position.direction
    before = position.applied.offset
    found = recompute(
        evidence.accepted(series, before),
        evidence.late,
        moments.at(before, stated.appended_us),
        rule,
    )
    if found is None:
        return (Difference(position, "position", "published", None),)
    expected = fields_of_recomputed(found)
    return tuple(
        Difference(position, name, value, expected[name])
        for name, value in fields_of(position).items()
        if value != expected[name] and (stated.has_means or name != "means")
    )


def fields_of(position: Position) -> dict[str, object]:
    """Return the fields of a position that follow from its readings."""
    return {
        "as_of": position.as_of,
        "quantity_24h": position.quantity_24h,
        "days_seen": position.days_seen,
        "firm_per_day": position.firm_per_day,
        "interruptible_per_day": position.interruptible_per_day,
        "stock": position.stock,
        "stock_at": position.stock_at,
        "plan_per_day": position.plan_per_day,
        "quality": (
            position.quality_good,
            position.quality_uncertain,
            position.quality_estimated,
        ),
        "stale": position.stale,
        "late": position.late,
        "latest": position.latest.offset,
        "latest_source": position.latest_source,
        "latest_sequence": position.latest_sequence,
        "source_kind": position.source_kind,
        "data_kind": position.data_kind,
        "basis": position.basis,
        "formula": position.formula,
        "flags": position.flags,
        "properties": position.properties,
        "means": position.means,
    }


def fields_of_recomputed(found: Recomputed) -> dict[str, object]:
    """Return the same fields of what the oracle found."""
    latest = found.latest.reading
    return {
        "as_of": moment(found.as_of),
        "quantity_24h": found.quantity_24h,
        "days_seen": found.days_seen,
        "firm_per_day": found.firm_per_day,
        "interruptible_per_day": found.interruptible_per_day,
        "stock": found.stock,
        "stock_at": None if found.stock_at is None else moment(found.stock_at),
        "plan_per_day": found.plan_per_day,
        "quality": found.shares,
        "stale": found.stale,
        "late": found.late,
        "latest": found.latest.offset,
        "latest_source": latest.source,
        "latest_sequence": latest.sequence,
        "source_kind": latest.source_kind,
        "data_kind": found.data_kind,
        "basis": found.basis,
        "formula": found.formula,
        "flags": found.flags,
        "properties": found.properties,
        "means": found.means,
    }
