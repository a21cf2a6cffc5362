"""From columns to the events that are published.

Pure: no clock, no I/O, no threads (gate: import-linter). This is the only code that runs once per published position:
everything is laid out in columns first, and one pass makes the events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from schemas.events import Coordinates, Position
from schemas.filling import filled
from synergy.balance.state import PartitionState
from synergy.balance.terms import (
    BASES,
    DATA_KINDS,
    DIRECTIONS,
    NO_DATA_IN_CHAPTER,
    SOURCE_KINDS,
    Int64s,
    moment,
)
from synergy.balance.told import Details


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The positions of some series as columns: the numbers as rows of TOLD, and what is not compared."""

    series: Int64s
    as_of: Int64s
    days_seen: Int64s
    flags_from: Int64s
    shares: npt.NDArray[np.float64]
    numbers: npt.NDArray[np.void]

    def where(self, places: npt.NDArray[np.intp]) -> Self:
        """Return the positions at these places."""
        return type(self)(
            self.series[places],
            self.as_of[places],
            self.days_seen[places],
            self.flags_from[places],
            self.shares[places],
            self.numbers[places],
        )


def publish(
    state: PartitionState, found: Evaluation, details: Sequence[Details], next_offset: int
) -> tuple[Position, ...]:
    """Return one position for each row of the columns; details are aligned with them."""
    columns = {
        **_origin(state, found, next_offset),
        **_amounts(state, found),
        **_details(found, details),
    }
    return tuple(filled(Position, columns, len(found.series)))


def _origin(state: PartitionState, found: Evaluation, next_offset: int) -> dict[str, Sequence[Any]]:
    """Return whose positions these are and what they come from, each field as a sequence."""
    rows, texts = state.series.rows[found.series], state.texts
    topic, partition = state.topic, state.partition
    facilities = state.series.facility[found.series]
    programmes: list[int] = state.facilities.programme[facilities].tolist()
    places: list[int] = facilities.tolist()
    materials: list[int] = state.series.material[found.series].tolist()
    applied = Coordinates(topic=topic, partition=partition, offset=next_offset)
    return {
        "programme": [state.facilities.programmes[number] for number in programmes],
        "facility": [state.facilities.ids[number] for number in places],
        "material": [state.materials[number] for number in materials],
        "direction": [DIRECTIONS[n] for n in state.series.direction[found.series].tolist()],
        "as_of": _moments(found.as_of),
        "applied": [applied] * len(places),
        "latest": _coordinates(topic, partition, rows["latest_offset"].tolist()),
        "latest_source": [texts[number] for number in rows["source"].tolist()],
        "latest_sequence": rows["latest_sequence"].tolist(),
        "source_kind": [SOURCE_KINDS[number] for number in rows["source_kind"].tolist()],
        "unit": [state.limits.rules[number].unit for number in materials],
        "formula": [texts[n - 1] if n else None for n in rows["formula"].tolist()],
        "basis": [BASES[number - 1] for number in rows["basis"].tolist()],
    }


def _coordinates(topic: str, partition: int, offsets: list[int]) -> list[Coordinates]:
    count = len(offsets)
    columns: dict[str, list[Any]] = {
        "topic": [topic] * count,
        "partition": [partition] * count,
        "offset": offsets,
    }
    return filled(Coordinates, columns, count)


def _amounts(state: PartitionState, found: Evaluation) -> dict[str, Sequence[Any]]:
    """Return the numbers of the positions."""
    rows, numbers = state.series.rows[found.series], found.numbers
    has_stock = numbers["has_stock"]
    return {
        "quantity_24h": numbers["quantity"].tolist(),
        "days_seen": found.days_seen.tolist(),
        "firm_per_day": numbers["firm"].tolist(),
        "interruptible_per_day": numbers["interruptible"].tolist(),
        "stock": _where(has_stock, numbers["stock"].tolist()),
        "stock_at": _where(has_stock, _moments(rows["stock_at"])),
        "plan_per_day": _where(numbers["has_plan"], numbers["plan"].tolist()),
        "quality_good": found.shares[:, 0].tolist(),
        "quality_uncertain": found.shares[:, 1].tolist(),
        "quality_estimated": found.shares[:, 2].tolist(),
        "stale": numbers["stale"].tolist(),
        "late": rows["late"].tolist(),
    }


def _details(found: Evaluation, details: Sequence[Details]) -> dict[str, Sequence[Any]]:
    """Return kind, flags and properties."""
    outs: list[bool] = found.numbers["out"].tolist()
    return {
        "data_kind": [DATA_KINDS[number] for number in found.numbers["data_kind"].tolist()],
        "flags": [
            (*detail.flags, NO_DATA_IN_CHAPTER) if out else detail.flags
            for detail, out in zip(details, outs, strict=True)
        ],
        "properties": [
            tuple(analysis.event() for analysis in detail.analyses) if detail.analyses else ()
            for detail in details
        ],
        "means": [
            tuple(mean.event() for mean in detail.means) if detail.means else ()
            for detail in details
        ],
    }


def _moments(times: Int64s) -> list[datetime]:
    """Return aware datetimes; many series share a time."""
    values: list[int] = times.tolist()
    known = {value: moment(value) for value in set(values)}
    return [known[value] for value in values]


def _where(present: npt.NDArray[np.bool_], values: Sequence[Any]) -> list[Any]:
    if not present.any():
        return [None] * len(values)
    return [v if given else None for v, given in zip(values, present.tolist(), strict=True)]
