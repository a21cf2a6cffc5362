"""From the columns of a decoded frame to integers.

Pure: no clock, no I/O, no threads (gate: import-linter). Strings are turned into numbers once per distinct value,
not once per row: polars keeps a dictionary of the values (a `Categories` pool), a numpy array maps its codes on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from synergy.balance.terms import Int64s

_UNSEEN = -(1 << 40)


class TextColumn:
    """Numbers for the strings of one column, remembered from batch to batch.

    `resolve` is asked once for each distinct string (and again after `forget`). Garbage can't fill the memory: after
    `limit` distinct strings the dictionary starts anew.
    """

    __slots__ = ("_anchor", "_categories", "_limit", "_numbers", "_resolve")

    def __init__(self, pool: str, resolve: Callable[[str], int], limit: int = 1 << 22) -> None:
        self._categories = pl.Categories(pool, "synergy.balance", pl.UInt32)
        self._resolve = resolve
        self._limit = limit
        self._anchor: pl.Series | None = None
        self._numbers: Int64s = np.empty(0, np.int64)
        self.forget()

    def forget(self) -> None:
        """Ask `resolve` anew for every string: what it says has changed."""
        self._numbers = np.full(64, _UNSEEN, np.int64)

    def numbers(self, column: pl.Series) -> Int64s:
        """Return what `resolve` says for each string of a column without nulls."""
        if column.is_empty():
            return np.empty(0, np.int64)
        coded = column.cast(pl.Categorical(self._categories))
        codes = coded.to_physical().to_numpy()
        top = int(codes.max())
        # Polars drops a pool, and with it the codes, when no series uses it any more.
        self._anchor = coded.head(0)
        if top >= len(self._numbers):
            grown = np.full(2 * top + 2, _UNSEEN, np.int64)
            grown[: len(self._numbers)] = self._numbers
            self._numbers = grown
        numbers: Int64s = self._numbers[codes]
        unseen = np.flatnonzero(numbers == _UNSEEN)
        if unseen.size:
            self._learn(column, codes, unseen)
            numbers = self._numbers[codes]
        if top > self._limit:
            self._anchor = None
            self.forget()
        return numbers

    def _learn(
        self, column: pl.Series, codes: npt.NDArray[np.uint32], unseen: npt.NDArray[np.intp]
    ) -> None:
        _, first = np.unique(codes[unseen], return_index=True)
        rows = np.sort(unseen[first])
        for code, text in zip(codes[rows].tolist(), column.gather(rows).to_list(), strict=True):
            self._numbers[code] = self._resolve(text)


def places(column: pl.Series) -> npt.NDArray[np.int8]:
    """Return the place of each value of an enum column among the symbols: `schemas.block` gives it."""
    return column.to_numpy().astype(np.int8)


def integers(column: pl.Series) -> Int64s:
    """Return a column of integers or of microsecond times as 64-bit integers."""
    return column.to_physical().to_numpy().astype(np.int64, copy=False)
