"""What a series was like on average: per property the mean of the analyses that came with its flows.

Pure: no clock, no I/O, no threads (gate: import-linter). Each analysis weighs as much as the quantity that it came
with, whenever it runs out: the mean says what was delivered over the days, the latest analysis what may be expected.
Values are counted in millionths, so that the sums are exact and no order of the readings changes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import polars as pl

from schemas.events import PropertyMean
from synergy.balance.terms import HISTORY_DAYS, Int64s

MILLION: Final = 1_000_000
Days: TypeAlias = dict[int, tuple[int, int]]
"""Per UTC day the sums of quantity, and of quantity times the value in millionths."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean as it is published; `quantity` is in the base unit of the material."""

    name: str
    unit: str
    value: float
    quantity: int

    def event(self) -> PropertyMean:
        """Return it as it is published."""
        return PropertyMean(
            name=self.name, value=self.value, unit=self.unit, quantity=self.quantity
        )


class PropertyMeans:
    """Per series the sums of the last days for each property in each unit."""

    __slots__ = ("_sums", "changed")

    def __init__(self) -> None:
        self._sums: dict[int, dict[tuple[str, str], Days]] = {}
        self.changed: set[int] = set()

    def note(self, series: Int64s, days: Int64s, quantities: Int64s, properties: pl.Series) -> None:
        """Add the analyses (a list column) of accepted flows; the other columns are aligned with it."""
        if not properties.list.len().max():
            return
        analyses = (
            pl.DataFrame(
                {"series": series, "day": days, "quantity": quantities, "properties": properties}
            )
            .filter(pl.col("properties").list.len() > 0)
            .explode("properties")
            .unnest("properties")
            .select("series", "name", "unit", "day", "quantity", "value")
        )
        for number, name, unit, day, quantity, value in analyses.iter_rows():
            self._add(number, (name, unit), day, quantity, millionths(value))

    def _add(self, series: int, name: tuple[str, str], day: int, quantity: int, value: int) -> None:
        by_day = self._sums.setdefault(series, {}).setdefault(name, {})
        newest = max(by_day, default=day)
        if day <= newest - HISTORY_DAYS:
            return
        for old in [old for old in by_day if old <= day - HISTORY_DAYS]:
            del by_day[old]
        amount, product = by_day.get(day, (0, 0))
        by_day[day] = amount + quantity, product + quantity * value
        self.changed.add(series)

    def until(self, series: int, last_day: int) -> tuple[Mean, ...]:
        """Return the means over the days that end with the given one, by name and unit."""
        known = self._sums.get(series)
        if not known:
            return ()
        found = ((name, _total(by_day, last_day)) for name, by_day in sorted(known.items()))
        return tuple(
            Mean(name, unit, mean(amount, product), amount)
            for (name, unit), (amount, product) in found
            if amount > 0
        )

    def saved(self, series: int) -> list[tuple[str, str, list[tuple[int, int, int]]]]:
        """Return the sums: name, unit and, by day, the two numbers."""
        return [
            (name, unit, [(day, *sums) for day, sums in by_day.items()])
            for (name, unit), by_day in self._sums.get(series, {}).items()
        ]

    def restore(
        self, series: int, saved: list[tuple[str, str, list[tuple[int, int, int]]]]
    ) -> None:
        """Take over saved sums."""
        self._sums[series] = {
            (name, unit): {day: (amount, product) for day, amount, product in by_day}
            for name, unit, by_day in saved
        }


def millionths(value: float) -> int:
    """Return the value in millionths, rounded."""
    return round(value * MILLION)


def mean(quantity: int, product: int) -> float:
    """Return the mean of two sums."""
    return product / quantity / MILLION


def _total(by_day: Days, last_day: int) -> tuple[int, int]:
    sums = [sums for day, sums in by_day.items() if last_day - HISTORY_DAYS < day <= last_day]
    return sum(amount for amount, _ in sums), sum(product for _, product in sums)
