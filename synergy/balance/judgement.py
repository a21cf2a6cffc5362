"""What becomes of each reading, decided one after the other in plain Python: the slow half of the oracle.

Pure: no clock, no I/O, no threads (gate: import-linter). It knows no columns, batches or state; tests give it and
`PartitionBalances` the same input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from schemas.events import Availability, Basis, Direction, Form, Property, Quality
from synergy.balance.terms import (
    DAY_US,
    EARLIEST_US,
    FUTURE_US,
    LATEST_US,
    MOST_VALUE,
    RANGES_KEPT,
    RING_DAYS,
    STOCK_LIMIT_DAYS,
    MaterialRule,
    microseconds,
)

Series = tuple[str, str, Direction]


@dataclass(frozen=True)
class Arrival:
    """A reading at its offset, taken by the log at `arrived_us`."""

    offset: int
    arrived_us: int
    reading: Availability

    @property
    def series(self) -> Series:
        """Facility, material and direction."""
        return self.reading.facility, self.reading.material, self.reading.direction

    @cached_property
    def start(self) -> int:
        """Start of the period in microseconds."""
        return microseconds(self.reading.period_start)

    @cached_property
    def end(self) -> int:
        """End of the period in microseconds."""
        return microseconds(self.reading.period_end)

    @property
    def until(self) -> int:
        """End of the period, never later than now."""
        return min(self.end, self.arrived_us)

    @property
    def day(self) -> int:
        """UTC day of the reading."""
        return (self.until - 1) // DAY_US


@dataclass(slots=True)
class Judgement:
    """What became of a list of readings.

    Attributes:
        accepted: by series, in their order.
        late: offsets of accepted flows that were too old for every window when they came.
        refused: reason code by offset.
        duplicates: offsets.
        lost: (source, facility, epoch, first, last) of the gaps that were declared lost.
    """

    accepted: dict[Series, list[Arrival]] = field(default_factory=dict[Series, list[Arrival]])
    late: set[int] = field(default_factory=set[int])
    refused: dict[int, str] = field(default_factory=dict[int, str])
    duplicates: set[int] = field(default_factory=set[int])
    lost: list[tuple[str, str, int, int, int]] = field(
        default_factory=list[tuple[str, str, int, int, int]]
    )


def judge(
    arrivals: Iterable[Arrival],
    rules: Mapping[str, MaterialRule],
    admits: Callable[[str], str | None],
) -> Judgement:
    """Decide on readings one after the other.

    Args:
        arrivals: in the order of their offsets.
        rules: rule of every material.
        admits: reason code for which a facility is refused, or None.
    """
    result = Judgement()
    seen: dict[tuple[str, str, int], set[int]] = {}
    range_starts: dict[tuple[str, str, int], set[int]] = {}
    lost_to: dict[tuple[str, str, int], int] = {}
    newest_day: dict[Series, int] = {}
    bases: dict[Series, Basis] = {}
    for arrival in arrivals:
        reading, series = arrival.reading, arrival.series
        mixed = _other_basis(reading, bases.get(series))
        code = admits(reading.facility) or _flaw(arrival, rules) or mixed
        if code is not None:
            result.refused[arrival.offset] = code
            continue
        identity = reading.source, reading.facility, reading.epoch
        known = seen.setdefault(identity, set())
        if reading.sequence in known:
            if reading.sequence <= lost_to.get(identity, 0):
                result.refused[arrival.offset] = "declared_lost"
            else:
                result.duplicates.add(arrival.offset)
            continue
        starts = range_starts.setdefault(identity, set())
        _note(reading.sequence, known, starts)
        if len(starts) > RANGES_KEPT:
            lost_to[identity] = _lose_oldest_gap(known, starts, identity, result)
        result.accepted.setdefault(series, []).append(arrival)
        if reading.quality is not Quality.BAD:
            bases.setdefault(series, reading.basis)
        if reading.quality is not Quality.BAD and reading.form is not Form.PLAN:
            day = (arrival.end - 1) // DAY_US
            newest_day[series] = max(newest_day.get(series, day), day)
            if reading.form is Form.FLOW and day <= newest_day[series] - RING_DAYS:
                result.late.add(arrival.offset)
    return result


def _flaw(arrival: Arrival, rules: Mapping[str, MaterialRule]) -> str | None:
    reading, start, end = arrival.reading, arrival.start, arrival.end
    rule = rules.get(reading.material)
    if rule is None:
        return "unknown_material"
    stock = reading.form is Form.STOCK
    length = STOCK_LIMIT_DAYS * DAY_US if stock else end - start
    correction = reading.form is Form.FLOW and reading.corrects is not None
    flaws = {
        "wrong_unit": reading.unit != rule.unit,
        "sequence_not_positive": reading.sequence < 1,
        "period_out_of_range": not (EARLIEST_US <= min(start, end) <= max(start, end) < LATEST_US),
        "period_end_before_start": end < start or (end == start and not stock),
        "period_in_future": end > arrival.arrived_us + FUTURE_US and reading.form is not Form.PLAN,
        "negative_quantity": reading.quantity < 0 and not correction,
        "absurd_quantity": abs(reading.quantity) * DAY_US > rule.max_per_day * length,
        "bad_property": any(
            _unusable(analysis, arrival.arrived_us) for analysis in reading.properties
        ),
    }
    return next((code for code, present in flaws.items() if present), None)


def _unusable(analysis: Property, arrived_us: int) -> bool:
    sampled, until = analysis.sampled_at, analysis.valid_until
    return (
        not abs(analysis.value) <= MOST_VALUE
        or (
            sampled is not None
            and not EARLIEST_US <= microseconds(sampled) <= arrived_us + FUTURE_US
        )
        or (until is not None and not EARLIEST_US <= microseconds(until) <= LATEST_US)
    )


def _other_basis(reading: Availability, first: Basis | None) -> str | None:
    """Every series keeps the basis of its first reading that counts."""
    if reading.quality is Quality.BAD or first is None or first is reading.basis:
        return None
    return "mixed_basis"


def _note(sequence: int, seen: set[int], starts: set[int]) -> None:
    """Add a sequence; `starts` are the first ones of the ranges seen, but for the range that begins with 1."""
    seen.add(sequence)
    if sequence > 1 and sequence - 1 not in seen:
        starts.add(sequence)
    starts.discard(sequence + 1)


def _lose_oldest_gap(
    seen: set[int], starts: set[int], identity: tuple[str, str, int], result: Judgement
) -> int:
    """Keep at most RANGES_KEPT ranges above the gap-free one: call the oldest gap seen and lost; return its end."""
    behind = min(starts)
    first = behind - 1
    while first > 1 and first - 1 not in seen:
        first -= 1
    seen.update(range(first, behind))
    starts.discard(behind)
    result.lost.append((*identity, first, behind - 1))
    return behind - 1
