"""The newest buckets of every series, in exact integers and half the memory.

Pure: no clock, no I/O, no threads (gate: import-linter).

    bucket        … 96  97  98  99 100 …          the ring does not know which bucket is the newest one: who uses it
    slot          …  2   3   4   0   1 …  (of 5)  clears what it moves over, and asks for no bucket that has left

A row is kept in 32 bits until a value comes near what they hold, and in 64 bits from then on: a quarter-hour of 1,000 t
in grams fits, most days of most plants do. No sum is ever rounded or cut.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synergy.balance.index import longer
from synergy.balance.spreading import ramp
from synergy.balance.terms import Bools, Int64s

NARROW_MOST = (1 << 30) - 1
"""No narrow value is larger, either way: adding as much again to it still fits 32 bits."""


class Ring:
    """Values by number of the series (the row) and bucket, zeros at first.

    Attributes:
        size: buckets of each row.
        wide_rows: how many rows are kept in 64 bits.
    """

    __slots__ = ("_narrow", "_place", "_wide", "size", "wide_rows")

    def __init__(self, size: int) -> None:
        self.size = size
        self.wide_rows = 0
        self._narrow: npt.NDArray[np.int32] = np.zeros((64, size), np.int32)
        self._wide: Int64s = np.zeros((1, size), np.int64)  # the first row is nobody's
        self._place: npt.NDArray[np.int32] = np.zeros(64, np.int32)  # in `_wide`; 0 is narrow

    def reserve(self, rows: int) -> None:
        """Make room for so many rows."""
        self._narrow = longer(self._narrow, rows)
        self._place = longer(self._place, rows)

    def add(self, rows: Int64s, buckets: Int64s, quantity: Int64s) -> None:
        """Add each quantity to its row and bucket; a pair may come several times."""
        coming = np.bincount(rows, np.abs(quantity))
        self._widen(rows[coming[rows] > NARROW_MOST])
        slot = buckets % self.size
        wide = self._are_wide(rows)
        if wide is not None:
            np.add.at(self._wide, (self._place[rows[wide]], slot[wide]), quantity[wide])
            rows, slot, quantity = rows[~wide], slot[~wide], quantity[~wide]
        flat, place = self._narrow.reshape(-1), rows * self.size + slot
        np.add.at(flat, place, quantity.astype(np.int32))
        self._widen(rows[_too_large(flat[place])])

    def totals(self, rows: Int64s) -> Int64s:
        """Return the sum of all buckets of each row."""
        total: Int64s = self._narrow[rows].sum(axis=1, dtype=np.int64)
        wide = self._are_wide(rows)
        if wide is not None:
            total[wide] = self._wide[self._place[rows[wide]]].sum(axis=1)
        return total

    def at(self, rows: Int64s, buckets: Int64s) -> Int64s:
        """Return the values of each row's buckets, a matrix like `buckets`."""
        slot = buckets % self.size
        values: Int64s = self._narrow[rows[:, None], slot].astype(np.int64)
        wide = self._are_wide(rows)
        if wide is not None:
            values[wide] = self._wide[self._place[rows[wide], None], slot[wide]]
        return values

    def put(self, rows: Int64s, buckets: Int64s, values: Int64s) -> None:
        """Set the value of each pair of row and bucket; the pairs are distinct."""
        self._widen(rows[_too_large(values)])
        slot = buckets % self.size
        wide = self._are_wide(rows)
        if wide is not None:
            self._wide[self._place[rows[wide]], slot[wide]] = values[wide]
            rows, slot, values = rows[~wide], slot[~wide], values[~wide]
        self._narrow[rows, slot] = values

    def clear(self, rows: Int64s, newest: Int64s, steps: Int64s) -> None:
        """Zero what a ring has moved over: so many buckets, up to the newest one, of each row."""
        count = np.minimum(steps, self.size)
        each = np.repeat(np.arange(len(rows)), count)
        cleared = newest[each] - ramp(count)
        self.put(rows[each], cleared, np.zeros(len(each), np.int64))

    def _are_wide(self, rows: Int64s) -> Bools | None:
        """Return which rows are kept in 64 bits, None if none is."""
        if not self.wide_rows:
            return None
        wide = self._place[rows] > 0
        return wide if wide.any() else None

    def _widen(self, rows: Int64s) -> None:
        """Keep rows in 64 bits from now on; they may come several times, and be wide already."""
        if not rows.size:
            return
        fresh = np.unique(rows)
        fresh = fresh[self._place[fresh] == 0]
        places = np.arange(len(fresh)) + self.wide_rows + 1
        self.wide_rows += len(fresh)
        self._wide = longer(self._wide, self.wide_rows + 1)
        self._wide[places] = self._narrow[fresh]
        self._place[fresh] = places


def _too_large(values: npt.NDArray[np.signedinteger]) -> Bools:
    """Return which values are not kept in 32 bits. There is one whose amount is negative too: -2^63."""
    large: Bools = (values > NARROW_MOST) | (values < -NARROW_MOST)
    return large
