"""The log port in memory: product code, so that stages can be tried and proven without a broker.

It behaves like Kafka where a partition task could notice: transaction markers take offsets, a new writer fences the
former one and ends its transaction, compaction removes superseded records and leaves holes, retention cuts the start,
a recreated topic has a new id and starts at 0. A commit can be told to fail before or after it took effect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from runtime.log import (
    CommitFailedError,
    FencedError,
    OutRecord,
    Record,
    RetriableCommitError,
    TopicDescription,
    TopicMissingError,
    TopicPartition,
)


class CommitFault(StrEnum):
    """What the next commit of any writer meets."""

    LOST_REQUEST = "lost_request"  # nothing was written; the client may repeat the call
    LOST_RESPONSE = "lost_response"  # it was written; the client may repeat the call
    ABORTED = "aborted"  # the broker aborted the transaction


@dataclass(slots=True)
class _Partition:
    start: int = 0
    end: int = 0
    records: list[Record] = field(default_factory=list[Record])

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.end = record.offset + 1

    def marker(self) -> None:
        """Take an offset without a record, as a transaction marker does."""
        self.end += 1


@dataclass(slots=True)
class _Topic:
    topic_id: str
    partitions: list[_Partition]


class MemoryWriter:
    """A transactional writer of a `MemoryLog`."""

    def __init__(self, log: MemoryLog, transactional_id: str, epoch: int) -> None:
        """Made by `MemoryLog.open_writer` only."""
        self._log = log
        self._transactional_id = transactional_id
        self._epoch = epoch
        self._unanswered: tuple[OutRecord, ...] | None = None
        self._end = 0

    def commit(self, records: Sequence[OutRecord]) -> int:
        """Write the records and one marker a partition; see `runtime.log.Writer.commit`."""
        if self._log.epochs[self._transactional_id] != self._epoch:
            raise FencedError(self._transactional_id)
        if self._unanswered is not None:
            if self._unanswered != tuple(records):
                message = "a commit was repeated with other records"
                raise CommitFailedError(message)
            self._unanswered = None
            return self._end
        fault = self._log.faults.popleft() if self._log.faults else None
        if fault is CommitFault.ABORTED:
            raise CommitFailedError(self._transactional_id)
        if fault is CommitFault.LOST_REQUEST:
            raise RetriableCommitError(self._transactional_id)
        self._log.write(records)
        _, self._end = self._log.bounds(records[-1].tp)
        if fault is CommitFault.LOST_RESPONSE:
            self._unanswered = tuple(records)
            raise RetriableCommitError(self._transactional_id)
        return self._end

    def close(self) -> None:
        """Nothing is open in memory."""


class MemoryLog:
    """Topics in memory; implements `runtime.log.Log`.

    `faults` is the queue of what the next commits meet; `epochs` counts the writers of each transactional id.
    """

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._ids = 0
        self._groups: dict[tuple[str, TopicPartition], int] = {}
        self.epochs: dict[str, int] = {}
        self.faults: deque[CommitFault] = deque()

    def create_topic(self, topic: str, partitions: int) -> None:
        """Create a topic, or create it anew under a new id when it exists."""
        self._ids += 1
        self._topics[topic] = _Topic(f"id-{self._ids}", [_Partition() for _ in range(partitions)])

    def add_partitions(self, topic: str, partitions: int) -> None:
        """Grow a live topic to a number of partitions."""
        kept = self._topics[topic].partitions
        kept.extend(_Partition() for _ in range(partitions - len(kept)))

    def append(
        self, tp: TopicPartition, key: bytes | None, value: bytes | None, at_ms: int = 0
    ) -> int:
        """Write one record outside a transaction, which the log took at `at_ms`, and return its offset."""
        partition = self._partition(tp)
        partition.append(Record(partition.end, key, value, at_ms))
        return partition.end - 1

    def write(self, records: Sequence[OutRecord]) -> None:
        """Write the records of one committed transaction, with one marker a partition."""
        touched: dict[TopicPartition, None] = {}
        for record in records:
            partition = self._partition(record.tp)
            partition.append(Record(partition.end, record.key, record.value, 0, record.headers))
            touched[record.tp] = None
        for tp in touched:
            self._partition(tp).marker()

    def cut(self, tp: TopicPartition, start: int) -> None:
        """Delete the records below `start`, as retention does."""
        partition = self._partition(tp)
        partition.start = max(partition.start, min(start, partition.end))
        partition.records = [r for r in partition.records if r.offset >= partition.start]

    def compact(self, tp: TopicPartition) -> None:
        """Keep the latest record of each key, as a compacted topic does in time."""
        partition = self._partition(tp)
        latest = {record.key: record.offset for record in partition.records}
        partition.records = [r for r in partition.records if latest[r.key] == r.offset]

    def commit_group(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        """Store what a consumer group says that it has read."""
        self._groups.update({(group, tp): offset for tp, offset in positions.items()})

    def describe(self, topic: str) -> TopicDescription:
        """See `runtime.log.Log.describe`."""
        if topic not in self._topics:
            raise TopicMissingError(topic)
        found = self._topics[topic]
        return TopicDescription(topic, found.topic_id, len(found.partitions))

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """See `runtime.log.Log.bounds`."""
        partition = self._partition(tp)
        return partition.start, partition.end

    def open_writer(
        self,
        transactional_id: str,
        changelog: TopicPartition | None = None,
        outputs: Sequence[str] = (),
    ) -> MemoryWriter:
        """See `runtime.log.Log.open_writer`; no transaction is ever forgotten in memory."""
        epoch = self.epochs.get(transactional_id, 0) + 1
        self.epochs[transactional_id] = epoch
        return MemoryWriter(self, transactional_id, epoch)

    def read(self, tp: TopicPartition, start: int, end: int) -> Iterator[Record]:
        """See `runtime.log.Log.read`."""
        return iter([r for r in self._partition(tp).records if start <= r.offset < end])

    def latest(self, tp: TopicPartition, start: int, end: int) -> dict[bytes, bytes]:
        """See `runtime.log.Log.latest`."""
        latest = {record.key: record.value for record in self.read(tp, start, end)}
        return {
            key: value for key, value in latest.items() if key is not None and value is not None
        }

    def group_positions(
        self, group: str, tps: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """See `runtime.log.Log.group_positions`."""
        return {tp: self._groups[group, tp] for tp in tps if (group, tp) in self._groups}

    def _partition(self, tp: TopicPartition) -> _Partition:
        if tp.topic not in self._topics:
            raise TopicMissingError(tp.topic)
        return self._topics[tp.topic].partitions[tp.partition]
