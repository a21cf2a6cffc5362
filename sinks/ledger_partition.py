"""One partition on its way into the ledger: what was fetched and not written yet, and when it is due."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from runtime.sink_source import Columns, Fetched, Position
from sinks.container import Place
from sinks.ledger_opening import MAX_RANGE, Opening
from sinks.ledger_protocol import Note, OffsetRange, PartitionProtocol, Phase

NOTED_EVERY_S = 43_200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushRules:
    """When records are written. Each insert makes a part, and parts cost: few at rest, large ones under load.

    A first record after a pause is written after `linger_s`; while records keep coming, a partition is written at most
    once in `spacing_s`, or when it has `max_rows` or `max_bytes`. All partitions together hold at most `total_bytes`.
    """

    linger_s: float = 0.25
    spacing_s: float = 2.0
    max_rows: int = 25_000
    max_bytes: int = 8 * 1024 * 1024
    total_bytes: int = 24 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Portion:
    """Records that are written together. `next` is where reading goes on after them."""

    records: Columns
    offsets: OffsetRange
    next: int


@dataclass(slots=True)
class LedgerPartition:
    """The running state of one partition. `recover` is a range that has to be settled before anything else."""

    place: Place
    protocol: PartitionProtocol
    recover: OffsetRange | None
    waiting: Columns = field(default_factory=Columns)
    waiting_bytes: int = 0
    fetched_next: int = 0
    _first_at: float = 0.0
    _written_at: float = float("-inf")
    _noted_at: float = float("-inf")

    @classmethod
    def opened(cls, place: Place, opening: Opening) -> LedgerPartition:
        """Start where the opening says."""
        protocol = PartitionProtocol(place.tp, place.topic_id, opening.next, opening.last)
        return cls(place, protocol, opening.recover, fetched_next=opening.next)

    def take(self, fetched: Fetched, now: float) -> None:
        """Keep what was fetched."""
        if len(fetched.columns):
            if not len(self.waiting):
                self._first_at = now
            self.waiting.extend(fetched.columns)
            self.waiting_bytes += fetched.columns.size()
        self.fetched_next = max(self.fetched_next, fetched.next)

    def due(self, now: float, rules: FlushRules) -> bool:
        """Whether records should be written now."""
        if self.recover is not None or not len(self.waiting):
            return False
        if len(self.waiting) >= rules.max_rows or self.waiting_bytes >= rules.max_bytes:
            return True
        return now >= max(self._first_at + rules.linger_s, self._written_at + rules.spacing_s)

    def position_due(self, now: float, idle_s: float) -> bool:
        """Whether Kafka should be told that nothing is pending, or once more where reading goes on.

        It is told at the opening, so that what a person has accepted is not asked again, and twice a day: a position
        that was not renewed for a week is forgotten there, and so is a member that asks nothing for a day. It is told
        too when the marker of a transaction was read late, which Kafka's tools would count as lag until then.
        """
        if self.recover is not None:
            return False
        if self.protocol.phase is Phase.WRITTEN:
            return now - self._written_at >= idle_s
        if self.protocol.phase is not Phase.IDLE:
            return False
        behind_marker = not len(self.waiting) and self.fetched_next > self.protocol.next
        return now - self._noted_at >= (idle_s if behind_marker else NOTED_EVERY_S)

    def positioned(self, next_offset: int, now: float) -> None:
        """Note that Kafka was told."""
        self.protocol.positioned(next_offset)
        self._noted_at = now

    def cut(self, now: float, rules: FlushRules) -> Portion:
        """Take out what is written next: one range within `max_rows`, `max_bytes` and MAX_RANGE offsets.

        A range is never larger than what is read of it again before it is settled: its token has to be the same then.
        """
        count = min(len(self.waiting), self._rows_within(rules))
        limit = self.waiting.offsets[0] + MAX_RANGE
        while self.waiting.offsets[count - 1] >= limit:
            count -= 1
        return self._cut(count, now)

    def put_back(self, portion: Portion) -> None:
        """Undo a cut that was not written."""
        self.waiting_bytes += portion.records.size()
        portion.records.extend(self.waiting)
        self.waiting = portion.records

    def written(self, now: float) -> None:
        """Note that the announced range is in the tables."""
        self.protocol.written()
        self._written_at = now

    def recovery_due(self, rules: FlushRules) -> bool:
        """Whether enough of the range to recover was read: all of it, or as much as fits in memory."""
        if self.recover is None:
            return False
        much = len(self.waiting) >= 2 * rules.max_rows or self.waiting_bytes >= 2 * rules.max_bytes
        return much or self.fetched_next > self.recover.last

    def recovery_position(self) -> Position:
        """Return the commit that announces the range to recover: who can't commit may not write it either."""
        if self.recover is None:
            raise TypeError("nothing is to be recovered")
        note = Note(self.protocol.topic_id, self.protocol.last, self.recover)
        return Position(self.protocol.next, note.text())

    def cut_recovery(self, now: float, rules: FlushRules) -> Portion:
        """Take out what is settled next: the whole range, so that its token stays the same, if one may be so large."""
        recover = self.recover
        if recover is None:
            raise TypeError("nothing is to be recovered")
        count = sum(offset <= recover.last for offset in self.waiting.offsets)
        size = sum(len(value or b"") for value in self.waiting.values[:count])
        if self.fetched_next > recover.last and size <= 2 * rules.max_bytes:
            portion = self._cut(count, now)
            return Portion(portion.records, recover, recover.last + 1)
        portion = self._cut(min(count, self._rows_within(rules)), now)
        return Portion(
            portion.records, OffsetRange(recover.first, portion.offsets.last), portion.next
        )

    def recovered(self, portion: Portion, now: float) -> None:
        """Note that the portion is settled; when it ends the range, the partition is open."""
        recover = self.recover
        if recover is None:
            raise TypeError("nothing is to be recovered")
        known = [
            last for last in (self.protocol.last, *portion.records.offsets[-1:]) if last is not None
        ]
        self.protocol = PartitionProtocol(
            self.place.tp,
            self.place.topic_id,
            portion.next,
            max(known, default=None),
            Phase.WRITTEN,
        )
        self._written_at = now
        self.recover = (
            None if portion.next > recover.last else OffsetRange(portion.next, recover.last)
        )

    def _rows_within(self, rules: FlushRules) -> int:
        """Return how many rows are within both limits, at least one where any wait."""
        if self.waiting_bytes <= rules.max_bytes:
            return min(len(self.waiting), rules.max_rows)
        sizes = (len(value or b"") for value in self.waiting.values[: rules.max_rows])
        return max(1, bisect_right(list(accumulate(sizes)), rules.max_bytes))

    def _cut(self, count: int, now: float) -> Portion:
        records = self.waiting.cut(count)
        self.waiting_bytes -= records.size()
        self._first_at = now
        if not len(records):
            return Portion(
                records, OffsetRange(self.protocol.next, self.protocol.next), self.protocol.next
            )
        last = records.offsets[-1]
        next_offset = last + 1 if len(self.waiting) else max(self.fetched_next, last + 1)
        return Portion(records, OffsetRange(records.offsets[0], last), next_offset)
