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
    edge = bucket * width
    before = np.maximum(edge, start[row]) - start[row]
    after = np.minimum(edge + width, end[row]) - start[row]
    return Shares(row, bucket, _differences(quantity, end - start, row, before, after))


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


def _differences(
    quantity: Int64s, length: Int64s, row: Int64s, before: Int64s, after: Int64s
) -> Int64s:
    """Return share(after) - share(before), in 64 bits where the product fits, else in Python's integers."""
    step = _common_step(length, before, after)
    units = length // step
    fits = _fits(quantity, units)
    amount, unit = quantity[row], units[row]
    if fits.all():
        return amount * (after // step) // unit - amount * (before // step) // unit
    parts = np.zeros(len(row), np.int64)
    small = fits[row]
    amount, unit = amount[small], unit[small]
    parts[small] = (
        amount * (after[small] // step) // unit - amount * (before[small] // step) // unit
    )
    for part in np.flatnonzero(~small).tolist():
        index = int(row[part])
        whole, over = int(quantity[index]), int(length[index])
        parts[part] = share(whole, int(after[part]), over) - share(whole, int(before[part]), over)
    return parts


def _common_step(length: Int64s, before: Int64s, after: Int64s) -> int:
    """Return the longest of minute, second and microsecond of which all times are multiples."""
    for step in _STEPS_US:
        if not ((length % step).any() or (before % step).any() or (after % step).any()):
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
