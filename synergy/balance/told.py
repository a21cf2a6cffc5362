"""What was last published of every series, and when a position is news.

Pure: no clock, no I/O, no threads (gate: import-linter). The deadband is here and in `terms`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synergy.balance.analyses import Analysis, is_news
from synergy.balance.index import longer
from synergy.balance.means import Mean
from synergy.balance.terms import DEADBAND, DEADBAND_SHARE, Bools, Int64s

TOLD = np.dtype(
    [
        ("published", "?"),
        ("stale", "?"),
        ("out", "?"),
        ("has_stock", "?"),
        ("has_plan", "?"),
        ("data_kind", "i1"),
        ("spare", "<u2"),
        ("time", "<i8"),
        ("quantity", "<i8"),
        ("firm", "<i8"),
        ("interruptible", "<i8"),
        ("stock", "<i8"),
        ("plan", "<i8"),
        ("shares", "<f4", (4,)),
    ]
)
"""One published position: the programme's time, the numbers, and the shares of good, uncertain, estimated, bad."""

_FLIPS = ("stale", "out", "has_stock", "has_plan", "data_kind")
_AMOUNTS = ("quantity", "firm", "interruptible", "stock", "plan")


@dataclass(frozen=True, slots=True)
class Details:
    """The parts of a published position that few series have."""

    flags: tuple[str, ...] = ()
    analyses: tuple[Analysis, ...] = ()
    means: tuple[Mean, ...] = ()


NO_DETAILS = Details()


class Told:
    """The last published position by series."""

    __slots__ = ("changed", "changed_details", "details", "rows")

    def __init__(self) -> None:
        self.rows: npt.NDArray[np.void] = np.zeros(64, TOLD)
        self.changed: Bools = np.zeros(64, np.bool_)
        self.changed_details: set[int] = set()
        self.details: dict[int, Details] = {}

    def reserve(self, size: int) -> None:
        """Make room for `size` series."""
        self.rows = longer(self.rows, size)
        self.changed = longer(self.changed, size)

    def forget(self, series: Int64s) -> None:
        """Publish these series anew at the next occasion."""
        published = series[self.rows["published"][series]]
        self.rows["published"][published] = False
        self.changed[published] = True

    def news(self, series: Int64s, present: npt.NDArray[np.void]) -> Bools:
        """Return which present rows of TOLD differ from the published ones beyond the deadband."""
        former = self.rows[series]
        differs: Bools = ~former["published"]
        for name in _FLIPS:
            differs |= present[name] != former[name]
        for name in _AMOUNTS:
            step = np.abs(present[name] - former[name])
            differs |= step > np.abs(former[name]) // DEADBAND
        shift = np.abs(present["shares"] - former["shares"]).max(axis=1)
        differs |= shift > DEADBAND_SHARE
        return differs

    def keep(
        self, series: Int64s, present: npt.NDArray[np.void], details: Mapping[int, Details]
    ) -> None:
        """Note what has been published; series without flags and analyses need no details."""
        self.rows[series] = present
        self.changed[series] = True
        for number, detail in details.items():
            if detail != self.details.get(number, NO_DETAILS):
                self.details[number] = detail
                self.changed_details.add(number)


def differ(former: Details, present: Details) -> bool:
    """Return whether the details are news: a mean moves with analyses and days, and alone is none."""
    if former is present:
        return False
    return former.flags != present.flags or is_news(former.analyses, present.analyses)
