"""A published position held against the readings it says it includes, by the plain oracle.

Pure: no clock, no I/O, no threads (gate: import-linter). The evidence is what the ledger holds of the position's
facility: readings at their offsets with the times at which the broker took them, and the ticks of its programme in the
same partition. Rejected records are left out beforehand. What became of each reading (duplicate, late, lost gap) is
decided anew by `judgement.judge`.

Two moments are in no record and are taken from the append times: when a reading was applied, which only matters for a
period that ends in the future, and the time of a live programme, exact to the time between a commit and its append.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.events import Availability, Event, Position, Tick
from synergy.balance.judgement import Arrival, judge
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
    """A position as it was published; `appended_us` is the broker's time."""

    position: Position
    appended_us: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a position that does not follow from the readings. `field` is `position` when there should be none."""

    position: Position
    field: str
    stated: object
    recomputed: object


def verify(
    stated: Stated, taken: Sequence[Taken], rules: Mapping[str, MaterialRule]
) -> tuple[Difference, ...]:
    """Return the fields in which a position differs from what its readings say.

    Args:
        stated: the position.
        taken: readings of its facility and ticks of its programme, in the order of their offsets, of one partition;
            what the position does not include yet is passed over.
        rules: rule of every material.
    """
    position = stated.position
    included = [one for one in taken if one.offset < position.applied.offset]
    arrivals = (
        Arrival(one.offset, one.appended_us, one.event)
        for one in included
        if isinstance(one.event, Availability)
    )
    judged = judge(arrivals, rules, lambda _: None)
    series = position.facility, position.material, position.direction
    ticks = (one.event for one in included if isinstance(one.event, Tick))
    time = _moment(position.programme, ticks, stated.appended_us)
    rule = rules[position.material]
    found = recompute(judged.accepted.get(series, []), judged.late, time, rule)
    if found is None:
        return (Difference(position, "position", "published", None),)
    expected = fields_of_recomputed(found)
    return tuple(
        Difference(position, name, value, expected[name])
        for name, value in fields_of(position).items()
        if value != expected[name]
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
    }


def _moment(programme: str, ticks: Iterable[Tick], live_us: int) -> ProgrammeMoment:
    times = ProgrammeTimes()
    times.clock(live_us)
    for tick in ticks:
        times.tick(tick)
    time = times.at(programme)
    return ProgrammeMoment(time.time_us, time.chapter_start_us)
