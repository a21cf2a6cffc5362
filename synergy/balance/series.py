"""The table of the series of one partition: names, freshness, latest reading, stock, kinds and quality.

Pure: no clock, no I/O, no threads (gate: import-linter). One row per (facility, material, direction), numbered in the
order of the first accepted reading. In every field of time, day or quarter-hour, 0 stands for none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synergy.balance.index import KeyIndex, longer
from synergy.balance.readings import Readings
from synergy.balance.spreading import day
from synergy.balance.terms import (
    BAD,
    DATA_KINDS,
    PLAN,
    QUALITIES,
    STOCK,
    VERSION,
    Bools,
    Int64s,
)
from synergy.balance.validation import CODES

NAME = np.dtype(
    [
        ("material", "<u4"),
        ("facility", "<u4"),
        ("direction", "<u4"),
    ]
)
"""Name of a series as it is saved; `material` is the number of a text."""

SERIES = np.dtype(
    [
        ("version", "u1"),
        ("source_kind", "u1"),
        ("basis", "u1"),  # place + 1; 0 before the first reading that counts
        ("data_kind", "u1"),  # of the latest reading
        ("source", "<u4"),
        ("as_of", "<i8"),
        ("latest_offset", "<i8"),
        ("latest_sequence", "<i8"),
        ("stock", "<i8"),
        ("stock_at", "<i8"),
        ("formula", "<u4"),  # number of the text + 1; 0 for none
        ("late", "<u4"),
        ("news_day", "<i4"),  # UTC day of the latest flow or stock, of bad quality too
        ("spare", "<u4"),
        ("kind_days", "<i4", (len(DATA_KINDS),)),  # the latest day of each kind
        ("readings", "<u4", (2, len(QUALITIES))),  # of news_day and of the day before, by quality
    ]
)
"""Fields of one series in memory and, as they are, in the head of its changelog parts."""

_MATERIAL_BITS = 20


class SeriesTable:
    """Rows by number of the series. `material` is the number of the catalogue, `facility` of the facilities."""

    __slots__ = (
        "_index",
        "direction",
        "facility",
        "has_new_late",
        "material",
        "rows",
        "size",
        "touched",
        "unsaved",
    )

    def __init__(self) -> None:
        self.size = 0
        self.facility: npt.NDArray[np.int32] = np.zeros(64, np.int32)
        self.material: npt.NDArray[np.int32] = np.zeros(64, np.int32)
        self.direction: npt.NDArray[np.int8] = np.zeros(64, np.int8)
        self.rows: npt.NDArray[np.void] = np.zeros(64, SERIES)
        self.touched: Bools = np.zeros(64, np.bool_)  # since its position was evaluated
        self.unsaved: Bools = np.zeros(64, np.bool_)
        self.has_new_late: Bools = np.zeros(64, np.bool_)  # since its position was evaluated
        self._index = KeyIndex()

    def count_late(self, series: Int64s) -> None:
        """Count flows that fitted no window; their positions are news."""
        np.add.at(self.rows["late"], series, np.uint32(1))
        self.has_new_late[series] = True

    def find(self, readings: Readings) -> Int64s:
        """Return the series of each reading, -1 where there is none yet."""
        return self._index.find(_keys(readings.facility, readings.material, readings.direction))

    def mark_mixed(self, readings: Readings, reasons: npt.NDArray[np.int8]) -> int:
        """Give the reason `mixed_basis` to readings in another basis than their series has.

        The first reading that counts sets the basis of its series. Where readings of one batch disagree on a series
        that has none yet, the decision has to wait for what comes of the first one: return how many rows, from the
        start, are decided.
        """
        counts = (reasons == 0) & (readings.quality != BAD)
        series = self.find(readings)
        basis = np.where(series >= 0, self.rows["basis"][series], 0)
        other = counts & (basis > 0) & (basis != readings.basis + 1)
        if other.any():
            reasons[other] = CODES.index("mixed_basis")
        open_rows = np.flatnonzero(counts & (basis == 0))
        if not open_rows.size:
            return len(readings)
        keys = _keys(readings.facility, readings.material, readings.direction)[open_rows]
        _, first, place = np.unique(keys, return_index=True, return_inverse=True)
        wanted = readings.basis[open_rows]
        conflicts = open_rows[wanted != wanted[first][place]]
        return int(conflicts[0]) if conflicts.size else len(readings)

    def enter(self, readings: Readings) -> Int64s:
        """Return the series of each reading; new ones are numbered in the order of the readings."""
        found = self.find(readings)
        fresh = np.flatnonzero(found < 0)
        if fresh.size:
            keys = _keys(readings.facility, readings.material, readings.direction)
            _, first = np.unique(keys[fresh], return_index=True)
            chosen = fresh[np.sort(first)]
            self.name(
                readings.facility[chosen],
                readings.material[chosen],
                readings.direction[chosen],
            )
            found = self.find(readings)
        return found

    def name(self, facility: Int64s, material: Int64s, direction: npt.NDArray[np.integer]) -> None:
        """Add series that are distinct and new."""
        start, self.size = self.size, self.size + len(facility)
        self.facility = longer(self.facility, self.size)
        self.material = longer(self.material, self.size)
        self.direction = longer(self.direction, self.size)
        self.rows = longer(self.rows, self.size)
        self.touched = longer(self.touched, self.size)
        self.unsaved = longer(self.unsaved, self.size)
        self.has_new_late = longer(self.has_new_late, self.size)
        self.facility[start : self.size] = facility
        self.material[start : self.size] = material
        self.direction[start : self.size] = direction
        self.rows["version"][start : self.size] = VERSION
        self._index.add(_keys(facility, material, direction))

    def note(self, series: Int64s, readings: Readings, sources: Int64s, until: Int64s) -> None:
        """Note what readings say besides their quantity.

        Args:
            series: of each reading.
            readings: accepted, in their order.
            sources: number of each reading's source.
            until: end of each period, but never later than now.
        """
        self.touched[series] = True
        self.unsaved[series] = True
        good = readings.quality != BAD
        self._note_latest(series, readings, sources, good)
        measured = readings.form != PLAN
        fresh = good & measured
        np.maximum.at(self.rows["as_of"], series[fresh], until[fresh])
        if not measured.all():
            series, until, readings = series[measured], until[measured], readings.where(measured)
        self._note_day(series, readings, day(until))
        stocks = (readings.form == STOCK) & (readings.quality != BAD)
        if stocks.any():
            self._note_stock(series[stocks], readings.where(stocks))

    def _note_latest(
        self, series: Int64s, readings: Readings, sources: Int64s, good: Bools
    ) -> None:
        if not good.all():
            series, sources, readings = series[good], sources[good], readings.where(good)
        rows = self.rows  # of several readings of one series the last one stays
        rows["latest_offset"][series] = readings.offset
        rows["latest_sequence"][series] = readings.sequence
        rows["source"][series] = sources
        rows["source_kind"][series] = readings.source_kind
        rows["data_kind"][series] = readings.data_kind
        rows["basis"][series] = readings.basis + 1

    def _note_day(self, series: Int64s, readings: Readings, days: Int64s) -> None:
        rows = self.rows
        ahead = days > rows["news_day"][series]
        if ahead.any():
            moved = np.unique(series[ahead])
            before = rows["news_day"][moved]
            np.maximum.at(rows["news_day"], series, days.astype(np.int32))
            readings_of = rows["readings"]
            next_day = rows["news_day"][moved] - before == 1
            readings_of[moved, 1] = np.where(next_day[:, None], readings_of[moved, 0], 0)
            readings_of[moved, 0] = 0
        back = rows["news_day"][series] - days
        for quality in np.unique(readings.quality).tolist():
            for age in (0, 1):
                chosen = series[(readings.quality == quality) & (back == age)]
                np.add.at(rows["readings"][:, age, quality], chosen, np.uint32(1))
        for kind in np.unique(readings.data_kind).tolist():
            of_kind = readings.data_kind == kind
            latest = rows["kind_days"][:, kind]
            np.maximum.at(latest, series[of_kind], days[of_kind].astype(np.int32))

    def _note_stock(self, series: Int64s, readings: Readings) -> None:
        order = np.lexsort((readings.row, readings.end, series))
        last = np.flatnonzero(np.diff(series[order], append=-1))
        rows, latest = series[order[last]], order[last]
        newer = readings.end[latest] >= self.rows["stock_at"][rows]
        self.rows["stock_at"][rows[newer]] = readings.end[latest[newer]]
        self.rows["stock"][rows[newer]] = readings.quantity[latest[newer]]


def _keys(facility: Int64s, material: Int64s, direction: npt.NDArray[np.integer]) -> Int64s:
    return (facility << _MATERIAL_BITS | material) << 1 | direction
