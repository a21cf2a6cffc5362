"""A quantity over a period, spread over buckets by overlap, in exact integers.

Pure: no clock, no I/O, no threads (gate: import-linter).

    quantity 10 over        |---------- 50 min ----------|
    quarter-hours        |     2     |     3   |    3    |  2  |
    cumulative                       2         5         8    10    = floor(10 x elapsed / 50 min)

Each bucket gets the difference of two cumulative floors, so the parts add up to the quantity whatever its sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synergy.balance.terms import DAY_US, QUARTER_US, Bools, Int64s

_INT64_MAX = int(np.iinfo(np.int64).max)
_STEPS_US = (60_000_000, 1_000_000, 1)


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of quantities: `quantity[i]` of row `row[i]` falls into bucket `bucket[i]` (time // width)."""

    row: Int64s
    bucket: Int64s
    quantity: Int64s


def spread(quantity: Int64s, start: Int64s, end: Int64s, width: int, oldest: Int64s) -> Shares:
    """Spread each quantity over the buckets of its period, leaving out those before `oldest`.

    Args:
        quantity: base units, signed; one per period.
        start: microseconds.
        end: microseconds, after start.
        width: of a bucket, microseconds: a quarter-hour or a day.
        oldest: per period the first bucket that is wanted.
    """
    first = np.maximum(start // width, oldest)
    count = np.maximum((end - 1) // width - first + 1, 0)
    row = np.repeat(np.arange(len(quantity)), count)
    bucket = first[row] + ramp(count)
    length = end - start
    elapsed = np.minimum((bucket + 1) * width, end[row]) - start[row]
    come = _come(quantity, length, row, elapsed)
    parts = np.diff(come, prepend=0)
    opening = (np.cumsum(count) - count)[count > 0]  # where the parts of a row begin
    before = np.maximum(first * width - start, 0)  # what lies before `oldest` has come already
    rows = np.flatnonzero(count)
    parts[opening] = come[opening] - _come(quantity, length, rows, before[rows])
    return Shares(row, bucket, parts)


def ramp(counts: Int64s) -> Int64s:
    """Return 0, 1 … count - 1 for each count, one after the other.

    >>> ramp(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - counts, counts)


def share(quantity: int, elapsed: int, length: int) -> int:
    """Return what has come of a quantity when `elapsed` of `length` is over."""
    return quantity * elapsed // length


def _come(quantity: Int64s, length: Int64s, row: Int64s, elapsed: Int64s) -> Int64s:
    """Return `share` for each (row, elapsed), in 64 bits where the product fits, else in Python's integers."""
    step = _common_step(length, elapsed)
    units = length // step
    fits = _fits(quantity, units)
    if fits.all():
        return quantity[row] * (elapsed // step) // units[row]
    come = np.zeros(len(row), np.int64)
    small = fits[row]
    come[small] = quantity[row[small]] * (elapsed[small] // step) // units[row[small]]
    for place in np.flatnonzero(~small).tolist():
        index = int(row[place])
        come[place] = share(int(quantity[index]), int(elapsed[place]), int(length[index]))
    return come


def _common_step(length: Int64s, elapsed: Int64s) -> int:
    """Return the longest of minute, second and microsecond of which all times are multiples."""
    for step in _STEPS_US:
        if not ((length % step).any() or (elapsed % step).any()):
            return step
    return 1


def _fits(quantity: Int64s, units: Int64s) -> Bools:
    """Return where |quantity| x units is below 2^63 for certain."""
    largest = _INT64_MAX // np.maximum(units, 1)
    return (quantity <= largest) & (quantity >= -largest)


def quarter(time_us: Int64s) -> Int64s:
    """Return the quarter-hour that holds the microsecond before each time."""
    return (time_us - 1) // QUARTER_US


def day(time_us: Int64s) -> Int64s:
    """Return the UTC day that holds the microsecond before each time."""
    return (time_us - 1) // DAY_US
