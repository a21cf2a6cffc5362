"""Which readings were seen: per source, facility and epoch the gap-free sequences and the ranges above.

Pure: no clock, no I/O, no threads (gate: import-linter).

    sequences seen     1 2 3 4 5 . . 8 9 . 11
                       '-------'     '-'   '-- ranges above; `top` is the end of the last one
                           '---- gap-free up to `seen_to`

A reading is a duplicate when its sequence is contained in these, and for no other reason. Only accepted readings are
entered: a refused reading leaves a gap, which its mended copy fills. More than RANGES_KEPT ranges above: the oldest
gap is declared lost (`take_lost`). What comes later at or below the end of a lost gap may belong to it or be a copy of
what was counted, and one number for each identity can't tell: it is passed over as `too_late`, never silently.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from synergy.balance.index import KeyIndex, longer
from synergy.balance.terms import RANGES_KEPT, VERSION, Bools, Int64s

FACILITY_BITS = 31

IDENTITY = np.dtype(
    [
        ("version", "u1"),
        ("spare", "u1", (3,)),
        ("source", "<u4"),
        ("facility", "<u8"),
        ("epoch", "<i8"),
        ("seen_to", "<i8"),
        ("top", "<i8"),
    ]
)
Ranges: TypeAlias = list[list[int]]


@dataclass(frozen=True, slots=True)
class Lost:
    """Sequences `[first, last]` of one identity that are no longer waited for."""

    identity: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """Which readings of a batch count, and which of the others came at or below the end of a lost gap."""

    new: Bools
    too_late: Bools


class Identities:
    """What was seen of every source, facility and epoch. Sources and facilities are numbers here."""

    __slots__ = (
        "_changed",
        "_changed_gaps",
        "_ends",
        "_former",
        "_lost",
        "_pairs",
        "_present",
        "_ranges",
        "changed_ends",
        "lost_to",
        "size",
        "table",
    )

    def __init__(self) -> None:
        self.size = 0
        self.table: npt.NDArray[np.void] = np.zeros(64, IDENTITY)
        self._pairs = KeyIndex()  # source and facility -> pair
        self._present: Int64s = np.zeros(64, np.int64)  # pair -> identity of its newest epoch
        self._former: dict[tuple[int, int], int] = {}  # pair and older epoch -> identity
        self._ranges: dict[int, Ranges] = {}
        self._changed: Bools = np.zeros(64, np.bool_)
        self._changed_gaps: set[int] = set()
        self._lost: list[Lost] = []
        self.lost_to: dict[int, int] = {}  # identity -> end of its last lost gap
        self.changed_ends: set[int] = set()
        # identity -> (row, end) of the gaps lost in this batch
        self._ends: dict[int, list[tuple[int, int]]] = {}

    def accept(
        self, sources: Int64s, facilities: Int64s, epochs: Int64s, sequences: Int64s
    ) -> Accepted:
        """Enter the readings, in their order; return which were not seen before."""
        numbers = self._numbers(sources << FACILITY_BITS | facilities, epochs)
        before = dict(self.lost_to)
        new = self._entered(numbers, sequences)
        return Accepted(new, self._too_late(numbers, sequences, new, before))

    def _too_late(
        self, numbers: Int64s, sequences: Int64s, new: Bools, before: dict[int, int]
    ) -> Bools:
        """Return which readings that are not new came after the loss of a gap that reaches up to them."""
        late = np.zeros(len(numbers), np.bool_)
        if not self.lost_to:
            return late
        for row in np.flatnonzero(~new & np.isin(numbers, list(self.lost_to))).tolist():
            number = int(numbers[row])
            ends = [end for at, end in self._ends.get(number, []) if at < row]
            late[row] = int(sequences[row]) <= (ends[-1] if ends else before.get(number, 0))
        self._ends.clear()
        return late

    def _entered(self, numbers: Int64s, sequences: Int64s) -> Bools:
        new = np.zeros(len(numbers), np.bool_)
        order = _grouped(numbers)
        order = order[sequences[order] > self.table["seen_to"][numbers[order]]]
        if not order.size:
            return new
        number, sequence = numbers[order], sequences[order]
        first = np.flatnonzero(np.diff(number, prepend=-1))
        count = np.diff(first, append=len(number))
        steps = np.diff(sequence, prepend=0)
        steps[first] = sequence[first] - self.table["top"][number[first]]
        plain = np.add.reduceat((steps != 1).astype(np.int64), first) == 0
        new[order[np.repeat(plain, count)]] = True
        self._extend(number[first[plain]], count[plain])
        for start, length in zip(first[~plain].tolist(), count[~plain].tolist(), strict=True):
            rows = order[start : start + length]
            new[rows] = self._enter(int(number[start]), rows.tolist(), sequences[rows].tolist())
        self._changed[number] = True
        return new

    def take_lost(self) -> tuple[Lost, ...]:
        """Return the sequences that were declared lost since the last call."""
        lost, self._lost = tuple(self._lost), []
        return lost

    def take_changed_gaps(self) -> set[int]:
        """Return the identities whose gaps came, changed or went since the last call."""
        changed, self._changed_gaps = self._changed_gaps, set()
        return changed

    def gaps(self, number: int) -> tuple[tuple[int, int], ...]:
        """Return the gaps `(first, last)` below the highest sequence seen of one identity."""
        edges = [int(self.table["seen_to"][number])]
        for start, end in self._ranges.get(number, []):
            edges += [start, end]
        return tuple((edges[i] + 1, edges[i + 1] - 1) for i in range(0, len(edges) - 1, 2))

    def take_changed(self) -> list[tuple[int, Ranges]]:
        """Return the numbers and ranges of the identities that changed since the last call."""
        changed = np.flatnonzero(self._changed[: self.size])
        self._changed[changed] = False
        return [(number, self._above(number)) for number in changed.tolist()]

    def restore(self, rows: npt.NDArray[np.void], ranges: dict[int, Ranges]) -> None:
        """Take over a saved table, in the order of the numbers, into empty identities."""
        self._reserve(len(rows))
        self.table[: len(rows)] = rows
        self.size = len(rows)
        self._ranges = ranges
        keys = rows["source"].astype(np.int64) << FACILITY_BITS | rows["facility"].astype(np.int64)
        _, first = np.unique(keys, return_index=True)
        self._pairs.add(keys[np.sort(first)])
        self._present = np.full(max(64, self._pairs.size), -1, np.int64)
        pairs = self._pairs.find(keys)
        oldest_first = np.argsort(rows["epoch"], kind="stable")
        self._present[pairs[oldest_first]] = oldest_first
        for number in np.flatnonzero(self._present[pairs] != np.arange(len(rows))).tolist():
            self._former[int(pairs[number]), int(rows["epoch"][number])] = number

    def _numbers(self, keys: Int64s, epochs: Int64s) -> Int64s:
        """Return the number of each identity; keys are source and facility."""
        pairs = self._pairs.find(keys)
        if (pairs < 0).any():
            _, first = np.unique(keys, return_index=True)
            first = np.sort(first[pairs[first] < 0])
            self._pairs.add(keys[first])
            self._present = longer(self._present, self._pairs.size)
            pairs = self._pairs.find(keys)
            self._present[pairs[first]] = self._create(keys[first], epochs[first])
        numbers = self._present[pairs]
        for row in np.flatnonzero(self.table["epoch"][numbers] != epochs).tolist():
            numbers[row] = self._other_epoch(int(pairs[row]), int(keys[row]), int(epochs[row]))
        return numbers

    def _other_epoch(self, pair: int, key: int, epoch: int) -> int:
        """Return the identity of an epoch that was not the newest one when the batch came."""
        present = int(self._present[pair])
        newest = int(self.table["epoch"][present])
        if epoch == newest:
            return present
        number = self._former.get((pair, epoch))
        if number is None:
            number = int(self._create(np.array([key]), np.array([epoch]))[0])
            if epoch > newest:
                self._former[pair, newest] = present
                self._present[pair] = number
            else:
                self._former[pair, epoch] = number
        return number

    def _create(self, keys: Int64s, epochs: Int64s) -> Int64s:
        numbers = np.arange(self.size, self.size + len(keys))
        self._reserve(self.size + len(keys))
        self.table["version"][numbers] = VERSION
        self.table["source"][numbers] = keys >> FACILITY_BITS
        self.table["facility"][numbers] = keys & ((1 << FACILITY_BITS) - 1)
        self.table["epoch"][numbers] = epochs
        self.size += len(keys)
        return numbers

    def _reserve(self, size: int) -> None:
        self.table = longer(self.table, size)
        self._changed = longer(self._changed, size)

    def _extend(self, numbers: Int64s, counts: Int64s) -> None:
        """The readings follow the highest sequence without a gap: the common case."""
        complete = self.table["seen_to"][numbers] == self.table["top"][numbers]
        self.table["top"][numbers] += counts
        self.table["seen_to"][numbers[complete]] += counts[complete]

    def _above(self, number: int) -> Ranges:
        ranges = self._ranges.get(number, [])
        if ranges:
            ranges[-1][1] = int(self.table["top"][number])  # `_extend` moves only `top`
        return ranges

    def _enter(self, number: int, rows: list[int], sequences: list[int]) -> list[bool]:
        """Enter sequences that come with gaps, twice or out of order."""
        ranges = self._above(number)
        seen_to = int(self.table["seen_to"][number])
        new: list[bool] = []
        for row, sequence in zip(rows, sequences, strict=True):
            new.append(sequence > seen_to and _insert(ranges, sequence))
            if ranges and ranges[0][0] == seen_to + 1:
                seen_to = ranges.pop(0)[1]
            if len(ranges) > RANGES_KEPT:
                self._lose(Lost(number, seen_to + 1, ranges[0][0] - 1), row)
                seen_to = ranges.pop(0)[1]
        self.table["seen_to"][number] = seen_to
        self.table["top"][number] = ranges[-1][1] if ranges else seen_to
        if ranges or number in self._ranges:
            self._changed_gaps.add(number)
        if ranges:
            self._ranges[number] = ranges
        else:
            self._ranges.pop(number, None)
        return new

    def _lose(self, lost: Lost, row: int) -> None:
        """Give a gap up, at a row of the batch."""
        self._lost.append(lost)
        self._ends.setdefault(lost.identity, []).append((row, lost.last))
        self.lost_to[lost.identity] = lost.last
        self.changed_ends.add(lost.identity)


def _grouped(numbers: Int64s) -> npt.NDArray[np.int64]:
    """Return the rows ordered by number, and by row within a number: one sort of packed integers."""
    bits = max(1, len(numbers).bit_length())
    packed = numbers << bits | np.arange(len(numbers), dtype=np.int64)
    packed.sort()
    return packed & ((1 << bits) - 1)


def _insert(ranges: Ranges, sequence: int) -> bool:
    """Add a sequence to sorted, separate ranges; return False when it is in one already."""
    place = bisect_right(ranges, sequence, key=lambda item: item[0])
    before = ranges[place - 1] if place else None
    if before is not None and sequence <= before[1]:
        return False
    after = ranges[place] if place < len(ranges) else None
    joins_before = before is not None and before[1] == sequence - 1
    joins_after = after is not None and after[0] == sequence + 1
    if before is not None and after is not None and joins_before and joins_after:
        before[1] = after[1]
        del ranges[place]
    elif before is not None and joins_before:
        before[1] = sequence
    elif after is not None and joins_after:
        after[0] = sequence
    else:
        ranges.insert(place, [sequence, sequence])
    return True
