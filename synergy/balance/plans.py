"""Plan lines: what a facility plans to supply or to need, by document key.

Pure: no clock, no I/O, no threads (gate: import-linter).

    time of the programme           |
    PO-17 rev 2        [----------- 900 t over 9 days -----------)          100 t/day
    PO-18 rev 1                 [--- 60 t over 3 days ---)                   20 t/day
    plan_per_day                    120 t/day

The plan of a series is known while a line covers the time or lies ahead; when the last line has ended there is none.
Per series and document the highest revision counts; of equal revisions the one that came later. A line without a
document key can't be revised and gets a key of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synergy.balance.index import longer
from synergy.balance.terms import DAY_US, FOREVER, Int64s

KEPT_US = 400 * DAY_US
"""A line is forgotten this long after its end: until then an older revision that comes late is known to be old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One line of a plan. Times in microseconds; `data_kind` is the place in DATA_KINDS."""

    document: str
    revision: int
    start: int
    end: int
    quantity: int
    data_kind: int

    @property
    def per_day(self) -> int:
        """Floor of quantity x day / length."""
        return self.quantity * DAY_US // (self.end - self.start)


OUTLOOK = np.dtype(
    [
        ("since", "<i8"),
        ("turns_at", "<i8"),
        ("per_day", "<i8"),
        ("until", "<i8"),
        ("lines", "<i4"),
        ("covered", "?"),
        ("data_kind", "<i2"),
    ]
)
"""What the plan of a series says, for times in [since, turns_at).

`per_day` is the sum of the lines that cover the time, `covered` whether any does, `until` the latest end of all
`lines`, `data_kind` the least certain kind of the lines that have not ended, -1 if there is none.
"""


class Plans:
    """Plan lines by series and document."""

    __slots__ = ("_lines", "_outlooks", "_place", "changed")

    def __init__(self) -> None:
        self.changed: set[tuple[int, str]] = set()
        self._lines: dict[int, dict[str, PlanLine]] = {}
        self._place: npt.NDArray[np.int32] = np.zeros(64, np.int32)  # of a series in `_outlooks`
        self._outlooks: npt.NDArray[np.void] = np.zeros(64, OUTLOOK)  # the first one is of no lines

    def reserve(self, size: int) -> None:
        """Make room for `size` series."""
        self._place = longer(self._place, size)

    def outlook(self, series: Int64s | slice) -> npt.NDArray[np.void]:
        """Return what the plans of these series say, one row of OUTLOOK each."""
        return self._outlooks.take(self._place[series])

    def put(self, series: int, line: PlanLine) -> None:
        """Enter a line, unless a higher revision of its document is known."""
        former = self._lines.get(series, {}).get(line.document)
        if former is None or line.revision >= former.revision:
            self.restore(series, line)
            self.changed.add((series, line.document))

    def line(self, series: int, document: str) -> PlanLine | None:
        """Return a line, None if it is forgotten."""
        return self._lines.get(series, {}).get(document)

    def restore(self, series: int, line: PlanLine) -> None:
        """Take over a line as it was saved."""
        if series not in self._lines:
            self._lines[series] = {}
            self._place[series] = len(self._lines)
            self._outlooks = longer(self._outlooks, len(self._lines) + 1)
        lines = self._lines[series]
        lines[line.document] = line
        outlook = self._outlooks[self._place[series]]
        outlook["lines"], outlook["turns_at"] = len(lines), 0

    def refresh(self, times: Int64s) -> Int64s:
        """Bring the outlooks up to the time of each series (0: unknown); return the series that were renewed.

        A line is forgotten KEPT_US after its end.
        """
        if not self._lines:
            return np.empty(0, np.int64)
        planned = np.flatnonzero(self._place[: len(times)])
        rows, now = self.outlook(planned), times[planned]
        holds = (rows["since"] <= now) & (now < rows["turns_at"])
        due: Int64s = planned[(rows["lines"] > 0) & (now > 0) & ~holds]
        for series in due.tolist():
            self._renew(series, int(times[series]))
        return due

    def _renew(self, series: int, time_us: int) -> None:
        lines = self._lines[series]
        for document in [d for d, line in lines.items() if line.end + KEPT_US <= time_us]:
            del lines[document]
            self.changed.add((series, document))
        covering = [line for line in lines.values() if line.start <= time_us < line.end]
        kinds = [line.data_kind for line in lines.values() if line.end > time_us]
        edges = [
            edge for line in lines.values() for edge in (line.start, line.end, line.end + KEPT_US)
        ]
        self._outlooks[self._place[series]] = (
            max((edge for edge in edges if edge <= time_us), default=0),
            min((edge for edge in edges if edge > time_us), default=FOREVER),
            sum(line.per_day for line in covering),
            max((line.end for line in lines.values()), default=0),
            len(lines),
            bool(covering),
            max(kinds, default=-1),
        )
