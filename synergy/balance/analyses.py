"""The latest analysis of every property of a series.

Pure: no clock, no I/O, no threads (gate: import-linter). Of two analyses of one property the one sampled later counts
(without `sampled_at`: the period's end stands for it), of two sampled at one time the one that came later. A newer
analysis supersedes an older one for good: when it has run out, the property is unknown, not what it was before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.events import Property
from synergy.balance.index import longer
from synergy.balance.terms import DEADBAND, FOREVER, Bools, Int64s, moment


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis. Times in microseconds; `order_us` decides which of two is the later one."""

    name: str
    value: float
    unit: str
    method: str | None
    lot: str | None
    sampled_at: int | None
    valid_until: int | None
    order_us: int

    @property
    def runs_out_us(self) -> int:
        """Time from which it is no longer valid."""
        return FOREVER if self.valid_until is None else self.valid_until

    def event(self) -> Property:
        """Return it as it is published."""
        return Property(
            name=self.name,
            value=self.value,
            unit=self.unit,
            method=self.method,
            lot=self.lot,
            sampled_at=None if self.sampled_at is None else moment(self.sampled_at),
            valid_until=None if self.valid_until is None else moment(self.valid_until),
        )


class Analyses:
    """Per series the latest analysis of each property.

    What `valid` says holds for times in [`since`, `turns_at`), which are arrays by series; 0 and 0 for never asked.
    """

    __slots__ = ("_latest", "changed", "since", "turns_at")

    def __init__(self) -> None:
        self.since: Int64s = np.zeros(64, np.int64)
        self.turns_at: Int64s = np.zeros(64, np.int64)
        self._latest: dict[int, dict[str, Analysis]] = {}
        self.changed: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._latest)

    def __contains__(self, series: int) -> bool:
        return series in self._latest

    def reserve(self, size: int) -> None:
        """Make room for `size` series."""
        self.since = longer(self.since, size)
        self.turns_at = longer(self.turns_at, size)

    def due(self, times: Int64s) -> Bools:
        """Return for which series an analysis has run out (or is valid again) since `valid` was asked."""
        size = len(times)
        if not self._latest:
            return np.zeros(size, np.bool_)
        held = (self.since[:size] <= times) & (times < self.turns_at[:size])
        return (self.turns_at[:size] > 0) & ~held

    def note(self, series: Int64s, ends: Int64s, properties: pl.Series) -> None:
        """Note the analyses (a list column) of accepted readings; series and period ends are aligned with it."""
        if not properties.list.len().max():
            return
        order = pl.coalesce(pl.col("sampled_at"), pl.col("end")).alias("order_us")
        latest = (
            pl.DataFrame({"series": series, "end": ends, "properties": properties})
            .filter(pl.col("properties").list.len() > 0)
            .explode("properties")
            .unnest("properties")
            .with_columns(pl.col("sampled_at", "valid_until").to_physical())
            .with_columns(order)
            .sort("order_us", maintain_order=True)
            .unique(["series", "name"], keep="last", maintain_order=True)
        )
        columns = (
            "name",
            "value",
            "unit",
            "method",
            "lot",
            "sampled_at",
            "valid_until",
            "order_us",
        )
        for number, *values in latest.select("series", *columns).iter_rows():
            self._keep(number, Analysis(*values))

    def _keep(self, series: int, analysis: Analysis) -> None:
        known = self._latest.setdefault(series, {})
        former = known.get(analysis.name)
        if former is None or analysis.order_us >= former.order_us:
            known[analysis.name] = analysis
            self.changed.add(series)

    def valid(self, series: int, time_us: int) -> tuple[Analysis, ...]:
        """Return the analyses that are valid at a time, by name of the property."""
        known = self._latest.get(series)
        if not known:
            return ()
        edges = [analysis.runs_out_us for analysis in known.values()]
        self.since[series] = max((edge for edge in edges if edge <= time_us), default=0)
        self.turns_at[series] = min((edge for edge in edges if edge > time_us), default=FOREVER)
        return tuple(known[name] for name in sorted(known) if known[name].runs_out_us > time_us)

    def saved(self, series: int) -> list[Analysis]:
        """Return all analyses of a series, the ones that have run out too."""
        return list(self._latest.get(series, {}).values())

    def restore(self, series: int, analyses: Sequence[Analysis]) -> None:
        """Take over saved analyses."""
        self._latest[series] = {analysis.name: analysis for analysis in analyses}


def is_news(former: Sequence[Analysis], present: Sequence[Analysis]) -> bool:
    """Return whether properties came, went or changed beyond the deadband. A new lot alone is no news."""
    if len(former) != len(present):
        return True
    for old, new in zip(former, present, strict=True):
        if old.name != new.name or old.unit != new.unit:
            return True
        if abs(new.value - old.value) * DEADBAND > abs(old.value):
            return True
    return False
