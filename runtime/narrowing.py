"""Which records made a stage fail: suspect ranges come again in ever smaller pieces until one record is left.

While anything is suspect a piece is applied on a committed state only, and committed alone: what fails then is its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runtime.log import Batch


@dataclass(frozen=True, slots=True)
class _Range:
    """What is kept of a batch: never its records."""

    topic: str
    first: int
    next: int
    count: int

    @classmethod
    def of(cls, batch: Batch) -> _Range:
        return cls(batch.tp.topic, batch.records.offsets[0], batch.next, len(batch.records))


@dataclass(slots=True)
class Narrowing:
    """The suspects of one partition.

    `ends` says by topic up to which offset records come in pieces of at most `size`.
    """

    ends: dict[str, int] = field(default_factory=dict[str, int])
    size: int = 1
    _poison: dict[tuple[str, int], BaseException] = field(
        default_factory=dict[tuple[str, int], BaseException]
    )
    _applied: list[_Range] = field(default_factory=list[_Range])

    @property
    def active(self) -> bool:
        """Whether pieces are applied one by one now."""
        return bool(self.ends)

    def applied(self, batch: Batch) -> None:
        """Note what the next commit will say."""
        self._applied.append(_Range.of(batch))

    def frozen(self, next_: Mapping[str, int]) -> None:
        """What was applied could be encoded: nobody suspects it, or a range that ends below `next_`, any longer."""
        self._applied.clear()
        for topic in [topic for topic, end in self.ends.items() if next_[topic] >= end]:
            del self.ends[topic]
        if not self.ends:
            self._poison.clear()

    def cut(self, batch: Batch, most: int) -> tuple[Batch, Batch | None]:
        """Return the piece that may be applied at once, of `most` records, and the rest if that is not all."""
        records = batch.records
        suspect = batch.start < self.ends.get(batch.tp.topic, 0)
        size = min(self.size, most) if suspect else most
        if len(records) <= size:
            return batch, None
        end = records.offsets[size]
        piece = replace(batch, next=end, records=records[:size])
        return piece, replace(batch, start=end, records=records[size:])

    def poison(self, batch: Batch) -> BaseException | None:
        """Return the error of a single record that is known to cause one."""
        return self._known(_Range.of(batch))

    def failed(self, batch: Batch, error: BaseException) -> bool:
        """Suspect a batch that could not be applied; False when that leads nowhere."""
        return self._suspect([_Range.of(batch)], error)

    def failed_in_commit(self, error: BaseException) -> bool:
        """Suspect everything that was applied since the last commit; False when that leads nowhere."""
        return self._suspect(self._applied, error)

    def _known(self, one: _Range) -> BaseException | None:
        return self._poison.get((one.topic, one.first)) if one.count == 1 else None

    def _suspect(self, ranges: list[_Range], error: BaseException) -> bool:
        count = sum(one.count for one in ranges)
        if not count or any(map(self._known, ranges)):
            return False
        if count == 1 and self.active:
            [one] = ranges
            self._poison[one.topic, one.first] = error
        self.ends = {}
        for one in ranges:
            self.ends[one.topic] = max(one.next, self.ends.get(one.topic, 0))
        self.size = max(1, count // 2)
        self._applied = []
        return True
