"""One batch of decoded readings as integer columns.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from synergy.balance.columns import TextColumn, integers, places
from synergy.balance.terms import (
    Bools,
    Int64s,
)

WRONG_PARTITION = -2
UNKNOWN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Integer columns of one batch, all of one length, in the order of the offsets.

    Attributes:
        row: row of the frame.
        offset: Kafka offset.
        facility: number of the facility, or UNKNOWN or WRONG_PARTITION.
        material: number of the material, or UNKNOWN.
        unit: number of the unit, or UNKNOWN.
        direction, form, source_kind, quality, data_kind, basis: place in the tuples of `terms`.
        epoch, sequence: of the source.
        quantity: base units, signed.
        start, end: period, microseconds since 1970.
    """

    row: Int64s
    offset: Int64s
    facility: Int64s
    material: Int64s
    unit: Int64s
    epoch: Int64s
    sequence: Int64s
    quantity: Int64s
    start: Int64s
    end: Int64s
    direction: npt.NDArray[np.int8]
    form: npt.NDArray[np.int8]
    source_kind: npt.NDArray[np.int8]
    quality: npt.NDArray[np.int8]
    data_kind: npt.NDArray[np.int8]
    basis: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)

    def where(self, chosen: Bools) -> Self:
        """Return the readings that are chosen; this object itself if that is all of them."""
        if chosen.all():
            return self
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """How the strings of the columns become numbers."""

    facility: TextColumn
    material: TextColumn
    unit: TextColumn

    def read(self, frame: pl.DataFrame, offsets: Int64s) -> Readings:
        """Turn a frame with the columns of `availability.avsc` into integer columns.

        Raises:
            polars.exceptions.ColumnNotFoundError: a column is missing.
            ValueError: the offsets do not fit the rows.
        """
        if len(offsets) != frame.height:
            message = f"{len(offsets)} offsets for {frame.height} rows"
            raise ValueError(message)
        return Readings(
            row=np.arange(frame.height, dtype=np.int64),
            offset=np.asarray(offsets, np.int64),
            facility=self.facility.numbers(frame["facility"]),
            material=self.material.numbers(frame["material"]),
            unit=self.unit.numbers(frame["unit"]),
            epoch=integers(frame["epoch"]),
            sequence=integers(frame["sequence"]),
            quantity=integers(frame["quantity"]),
            start=integers(frame["period_start"]),
            end=integers(frame["period_end"]),
            direction=places(frame["direction"]),
            form=places(frame["form"]),
            source_kind=places(frame["source_kind"]),
            quality=places(frame["quality"]),
            data_kind=places(frame["data_kind"]),
            basis=places(frame["basis"]),
        )
