"""From integer keys to dense numbers, for whole columns at once.

Pure: no clock, no I/O, no threads (gate: import-linter). A hash table with open addressing in two numpy arrays: a
look-up of 20,000 keys takes a few hundred microseconds, whether the table holds 100 keys or a million.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from synergy.balance.terms import Int64s

Scalar = TypeVar("Scalar", bound=np.generic)

_LARGE = 1 << 15
_EMPTY = -1
_MULTIPLIER = np.uint64(
    0x9E3779B97F4A7C15
)  # 2^64 / golden ratio: Fibonacci hashing (Knuth, TAOCP 3, 6.4)


def longer(array: npt.NDArray[Scalar], size: int) -> npt.NDArray[Scalar]:
    """Return the array with zeros behind it, so that it has at least `size` rows.

    It grows to the double while it is small, by a quarter when it is large: unused rows cost memory too.
    """
    rows = max(len(array), 1)
    while rows < size:
        rows += rows if rows < _LARGE else rows // 4
    if rows == len(array):
        return array
    grown = np.zeros((rows, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown


class KeyIndex:
    """Numbers given to keys, 0, 1, 2 … in the order in which the keys were added.

    >>> index = KeyIndex()
    >>> index.add(np.array([40, 7]))
    >>> index.find(np.array([7, 8, 40, 7])).tolist()
    [1, -1, 0, 1]
    """

    __slots__ = ("_bits", "_keys", "_numbers", "size")

    def __init__(self) -> None:
        self.size = 0
        self._bits = 6
        self._keys: Int64s = np.full(1 << self._bits, _EMPTY, np.int64)
        self._numbers: npt.NDArray[np.int32] = np.full(1 << self._bits, -1, np.int32)

    def find(self, keys: Int64s) -> Int64s:
        """Return the number of each key, -1 where there is none. Keys are not negative."""
        slots = self._slots(keys)
        found = self._keys[slots]
        numbers: Int64s = self._numbers[slots].astype(np.int64)
        pending = np.flatnonzero((found != keys) & (found != _EMPTY))
        mask = len(self._keys) - 1
        while pending.size:
            slot = (slots[pending] + 1) & mask
            slots[pending] = slot
            numbers[pending] = self._numbers[slot]
            found = self._keys[slot]
            pending = pending[(found != keys[pending]) & (found != _EMPTY)]
        return numbers

    def add(self, keys: Int64s) -> None:
        """Number new keys in their order; they are distinct and not in the index yet."""
        total = self.size + len(keys)
        if total * 2 > len(self._keys):
            self._grow(total)
        self._insert(keys, np.arange(self.size, total, dtype=np.int32))
        self.size = total

    def _slots(self, keys: Int64s) -> Int64s:
        hashed = keys.view(np.uint64) * _MULTIPLIER
        return (hashed >> np.uint64(64 - self._bits)).astype(np.int64)

    def _insert(self, keys: Int64s, numbers: npt.NDArray[np.int32]) -> None:
        slots = self._slots(keys)
        mask = len(self._keys) - 1
        while keys.size:
            free = self._keys[slots] == _EMPTY
            self._keys[slots[free]] = keys[free]
            placed = self._keys[slots] == keys  # of several keys that meet in one slot, one stays
            self._numbers[slots[placed]] = numbers[placed]
            keys, numbers, slots = keys[~placed], numbers[~placed], slots[~placed]
            slots = (slots + 1) & mask

    def _grow(self, total: int) -> None:
        filled = self._keys != _EMPTY
        keys, numbers = self._keys[filled], self._numbers[filled]
        while total * 2 > (1 << self._bits):
            self._bits += 1
        self._keys = np.full(1 << self._bits, _EMPTY, np.int64)
        self._numbers = np.full(1 << self._bits, -1, np.int32)
        self._insert(keys, numbers)
