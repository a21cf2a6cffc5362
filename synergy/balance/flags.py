"""Flags that came with the readings of a series, each with the latest UTC day on which it came.

Pure: no clock, no I/O, no threads (gate: import-linter). Few readings carry a flag, so this is a plain dictionary;
a column is aggregated first, so that the cost is per distinct (series, flag).
"""

from __future__ import annotations

import polars as pl

from synergy.balance.terms import Int64s
from synergy.balance.texts import Texts


class SeriesFlags:
    """Per series the numbers of its flags with their latest day."""

    __slots__ = ("_days", "changed")

    def __init__(self) -> None:
        self._days: dict[int, dict[int, int]] = {}
        self.changed: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._days)

    def __contains__(self, series: int) -> bool:
        return series in self._days

    def note(self, series: Int64s, days: Int64s, flags: pl.Series, texts: Texts) -> None:
        """Note the flags (a list column) of accepted readings; their series and days are aligned with it."""
        if not flags.list.len().max():
            return
        seen = (
            pl.DataFrame({"series": series, "day": days, "flag": flags})
            .filter(pl.col("flag").list.len() > 0)
            .explode("flag")
            .group_by("series", "flag", maintain_order=True)
            .agg(pl.col("day").max())
        )
        numbers = {flag: texts.number(flag) for flag in seen["flag"].unique(maintain_order=True)}
        for number, flag, day in seen.iter_rows():
            known = self._days.setdefault(number, {})
            if day > known.get(numbers[flag], 0):
                known[numbers[flag]] = day
                self.changed.add(number)

    def since(self, series: int, first_day: int, texts: Texts) -> tuple[str, ...]:
        """Return the flags of a series that came on or after a day, in alphabetical order."""
        known = self._days.get(series)
        if not known:
            return ()
        shown = [texts[flag] for flag, day in known.items() if day >= first_day]
        return tuple(sorted(shown)) if len(shown) > 1 else tuple(shown)

    def saved(self, series: int) -> list[list[int]]:
        """Return the flags as pairs of number and day."""
        return [[flag, day] for flag, day in self._days.get(series, {}).items()]

    def restore(self, series: int, pairs: list[list[int]]) -> None:
        """Take over saved pairs."""
        self._days[series] = {pair[0]: pair[1] for pair in pairs}
