"""The two rings of every series: 97 quarter-hours and 35 UTC days of exact quantities.

Pure: no clock, no I/O, no threads (gate: import-linter).

    quarter-hours    . . [ 96 of the window that ends with as_of ] +1        `latest` is the newest one entered
    slot             bucket % 97; what leaves the ring is overwritten, `latest` says which bucket a slot holds

Each ring decides for itself whether a period is too old. `as_of` of a series only rises, so what has left the ring
can never be part of a later window: the order and the batches in which readings come do not change any sum.
A day is history when at least one reading was counted for it: a day without news is not a day without supply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synergy.balance.index import longer
from synergy.balance.ring import Ring
from synergy.balance.spreading import spread
from synergy.balance.terms import (
    DAY_US,
    FOREVER,
    HISTORY_DAYS,
    QUARTER_US,
    RING_DAYS,
    RING_QUARTERS,
    WINDOW_QUARTERS,
    Bools,
    Int64s,
)

QUARTERS_A_DAY = 96
GROUP = 24
"""Quarter-hours that a series' head holds: six hours, so that what is before them is saved four times a day."""
SAVED_QUARTERS = RING_QUARTERS - 1
SAVED_DAYS = RING_DAYS - 1
"""What is saved apart from the head: all of a ring but what the head holds."""
_DAY_BITS = (1 << RING_DAYS) - 1


@dataclass(frozen=True, slots=True)
class Offer:
    """What the history of a series promises, per day; arrays by series."""

    days_seen: Int64s
    firm: Int64s
    interruptible: Int64s


@dataclass(frozen=True, slots=True)
class Buckets:
    """A number of neighbouring buckets of one ring: row, the bucket that follows them, and their values as a matrix."""

    row: Int64s
    end: Int64s
    values: Int64s


class Windows:
    """Rings by number of the series. `latest` is the newest quarter-hour, 0 for none."""

    __slots__ = (
        "_days",
        "_quarters",
        "changed_days",
        "changed_quarters",
        "day_bits",
        "first_start",
        "latest",
    )

    def __init__(self) -> None:
        self.latest: Int64s = np.zeros(64, np.int64)
        self.first_start: Int64s = np.zeros(64, np.int64)  # of all counted flows; 0 for none
        self.day_bits: Int64s = np.zeros(
            64, np.int64
        )  # bit i: the day i before the latest has news
        self.changed_quarters: Bools = np.zeros(64, np.bool_)  # before the newest group
        self.changed_days: Bools = np.zeros(64, np.bool_)  # before the newest day
        self._quarters = Ring(RING_QUARTERS)
        self._days = Ring(RING_DAYS)

    def reserve(self, size: int) -> None:
        """Make room for `size` series."""
        self.latest = longer(self.latest, size)
        self.first_start = longer(self.first_start, size)
        self.day_bits = longer(self.day_bits, size)
        self.changed_quarters = longer(self.changed_quarters, size)
        self.changed_days = longer(self.changed_days, size)
        self._quarters.reserve(size)
        self._days.reserve(size)

    def advance(self, series: Int64s, quarters: Int64s) -> Bools:
        """Move the rings on to these quarter-hours, in order; return which came too late for both rings."""
        reached = self.latest[series]
        ahead = quarters > reached
        if ahead.any():
            self._move(series, quarters, np.unique(series[ahead]))
        newest_day = self.latest[series] // QUARTERS_A_DAY
        late = quarters // QUARTERS_A_DAY <= newest_day - RING_DAYS
        if late.any():
            late = _late_in_turn(series, quarters, reached, late)
        return late

    def add(self, series: Int64s, quantity: Int64s, start: Int64s, end: Int64s) -> None:
        """Add flows to the rings, after `advance`."""
        self._note_start(series, start)
        last = (end - 1) // QUARTER_US
        many = start // QUARTER_US != last
        latest = self.latest[series]
        one = ~many & (last > latest - RING_QUARTERS)
        if one.all():
            self._add_quarters(series, last, quantity)
        else:
            self._add_quarters(series[one], last[one], quantity[one])
            some = np.flatnonzero(many)
            oldest = latest[some] - RING_QUARTERS + 1
            part = spread(quantity[some], start[some], end[some], QUARTER_US, oldest)
            self._add_quarters(series[some[part.row]], part.bucket, part.quantity)
        last = last // QUARTERS_A_DAY
        many = start // DAY_US != last
        one = ~many & (last > latest // QUARTERS_A_DAY - RING_DAYS)
        if one.all():
            self._add_days(series, last, quantity)
        else:
            self._add_days(series[one], last[one], quantity[one])
            some = np.flatnonzero(many)
            oldest = latest[some] // QUARTERS_A_DAY - RING_DAYS + 1
            part = spread(quantity[some], start[some], end[some], DAY_US, oldest)
            self._add_days(series[some[part.row]], part.bucket, part.quantity)

    def sum_24h(self, rows: Int64s, as_of: Int64s) -> Int64s:
        """Return the sums of the 96 quarter-hours that end with the one that holds as_of - 1 microsecond."""
        latest = self.latest[rows]
        ahead = latest > (as_of - 1) // QUARTER_US
        outside = np.where(ahead, latest, latest - WINDOW_QUARTERS)
        return self._quarters.totals(rows) - self._quarters.at(rows, outside[:, None])[:, 0]

    def offer(self, rows: Int64s, as_of: Int64s, sum_24h: Int64s) -> Offer:
        """Return what the history promises.

        History are the full UTC days that ended at or before `as_of`, the last 28 at most, that began after the
        first reading did and for which at least one reading was counted. `days_seen` is their number k. A daily
        quantity below zero (corrections) counts as zero. `firm` is the 10th percentile by nearest rank: the
        ceil(k / 10)-th smallest daily quantity, so the smallest up to 10 days and the third smallest of 28.
        `interruptible` is floor(mean of the k days) - firm, at least 0. Without a full day, k is 0 and `firm` is
        the 24 h sum (at least 0), an estimate that `days_seen` gives away.
        """
        latest_day = self.latest[rows] // QUARTERS_A_DAY
        days = (as_of // DAY_US - 1)[:, None] - np.arange(HISTORY_DAYS)
        back = latest_day[:, None] - days
        seen = (self.day_bits[rows][:, None] >> np.clip(back, 0, RING_DAYS)) & 1 == 1
        first_full = -(-self.first_start[rows] // DAY_US)
        seen &= (back >= 0) & (days >= first_full[:, None])
        values = np.maximum(self._days.at(rows, days), 0)
        count = seen.sum(axis=1)
        mean = np.where(seen, values, 0).sum(axis=1) // np.maximum(count, 1)
        ranked = np.sort(np.where(seen, values, FOREVER), axis=1)
        firm = ranked[np.arange(len(rows)), np.maximum(count + 9, 10) // 10 - 1]
        firm = np.where(count > 0, firm, np.maximum(sum_24h, 0))
        return Offer(count, firm, np.where(count > 0, np.maximum(mean - firm, 0), 0))

    def newest(self, rows: Int64s) -> tuple[Int64s, Int64s]:
        """Return the values of the newest group of quarter-hours (a matrix) and of the newest day."""
        today = self.latest[rows] // QUARTERS_A_DAY
        quarters = self._quarters_until(rows, self._group_start(rows) + GROUP, GROUP)
        return quarters, self._days.at(rows, today[:, None])[:, 0]

    def take_quarters(self, rows: Int64s) -> Buckets:
        """Return the quarter-hours before the newest group of those of the series in which they changed."""
        row = rows[self.changed_quarters[rows]]
        self.changed_quarters[row] = False
        end = self._group_start(row)
        return Buckets(row, end, self._quarters_until(row, end, SAVED_QUARTERS))

    def take_days(self, rows: Int64s) -> Buckets:
        """Return the days before the newest one of those of the series in which they changed."""
        row = rows[self.changed_days[rows]]
        self.changed_days[row] = False
        end = self.latest[row] // QUARTERS_A_DAY
        return Buckets(row, end, self._days.at(row, _before(end, SAVED_DAYS)))

    def put_quarters(self, saved: Buckets) -> None:
        """Put saved quarter-hours back; what has left the ring meanwhile is passed over. `latest` is set before."""
        _put_back(self._quarters, saved, self.latest[saved.row])

    def put_days(self, saved: Buckets) -> None:
        """Put saved days back, like `put_quarters`."""
        _put_back(self._days, saved, self.latest[saved.row] // QUARTERS_A_DAY)

    def put_newest(self, rows: Int64s, quarters: Int64s, today: Int64s) -> None:
        """Put the newest group and the newest day back."""
        self.put_quarters(Buckets(rows, self._group_start(rows) + GROUP, quarters))
        self._days.put(rows, self.latest[rows] // QUARTERS_A_DAY, today)

    def _group_start(self, rows: Int64s) -> Int64s:
        """Return the first quarter-hour of the newest group of each row."""
        return self.latest[rows] // GROUP * GROUP

    def _quarters_until(self, rows: Int64s, end: Int64s, count: int) -> Int64s:
        """Return the quarter-hours before `end`, zeros for what is not in the ring."""
        bucket = _before(end, count)
        back = self.latest[rows][:, None] - bucket
        values = self._quarters.at(rows, bucket)
        return np.where((back >= 0) & (back < RING_QUARTERS), values, 0)

    def _move(self, series: Int64s, quarters: Int64s, rows: Int64s) -> None:
        """Move the rings of `rows`, the distinct series that go ahead, and zero what they move over."""
        before = self.latest[rows]
        np.maximum.at(self.latest, series, quarters)
        after = self.latest[rows]
        used = before > 0
        self._quarters.clear(rows, after, np.where(used, after - before, 0))
        day_before, day_after = before // QUARTERS_A_DAY, after // QUARTERS_A_DAY
        days = day_after - day_before
        self._days.clear(rows, day_after, np.where(used, days, 0))
        bits = self.day_bits[rows] << np.minimum(days, RING_DAYS)
        self.day_bits[rows] = np.where(days < RING_DAYS, bits & _DAY_BITS, 0)
        closed = used & (before // GROUP != after // GROUP)
        self.changed_quarters[rows[closed]] = True
        self.changed_days[rows[used & (days > 0)]] = True

    def _note_start(self, series: Int64s, start: Int64s) -> None:
        fresh = self.first_start[series] == 0
        if fresh.any():
            self.first_start[series[fresh]] = FOREVER
        np.minimum.at(self.first_start, series, start)

    def _add_quarters(self, series: Int64s, buckets: Int64s, quantity: Int64s) -> None:
        self._quarters.add(series, buckets, quantity)
        self.changed_quarters[series[buckets < self._group_start(series)]] = True

    def _add_days(self, series: Int64s, days: Int64s, quantity: Int64s) -> None:
        self._days.add(series, days, quantity)
        back = self.latest[series] // QUARTERS_A_DAY - days
        np.bitwise_or.at(self.day_bits, series, 1 << back)
        self.changed_days[series[back > 0]] = True


def _late_in_turn(series: Int64s, quarters: Int64s, reached: Int64s, suspects: Bools) -> Bools:
    """Return which readings were late when their turn came: a later one may have moved the ring on since.

    `reached` is the newest quarter-hour of the series before the first of these readings.
    """
    late = np.zeros(len(series), np.bool_)
    newest: dict[int, int] = {}
    for row in np.flatnonzero(np.isin(series, series[suspects])).tolist():
        number, bucket = int(series[row]), int(quarters[row])
        newest[number] = max(newest.get(number, int(reached[row])), bucket)
        late[row] = bucket // QUARTERS_A_DAY <= newest[number] // QUARTERS_A_DAY - RING_DAYS
    return late


def _before(end: Int64s, count: int) -> Int64s:
    """Return the numbers of the buckets before `end`, a row for each."""
    return end[:, None] - np.arange(count, 0, -1)


def _put_back(ring: Ring, saved: Buckets, newest: Int64s) -> None:
    """Put the buckets that are still in the ring back; `newest` is the newest bucket of each row."""
    bucket = _before(saved.end, saved.values.shape[1])
    back = newest[:, None] - bucket
    inside: Bools = (back >= 0) & (back < ring.size)
    row = np.broadcast_to(saved.row[:, None], bucket.shape)
    ring.put(row[inside], bucket[inside], saved.values[inside])
