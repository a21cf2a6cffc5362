"""Topics in memory that a sink can read: the sink's tests run on it, and it passes the same suite as Kafka.

A marker stands for what takes an offset and is never seen: the end of a transaction, an aborted or a compacted record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.log import Record, TopicDescription, TopicMissingError, TopicPartition
from runtime.sink_source import (
    Columns,
    Fetched,
    OffsetGoneError,
    Position,
    SourceUnavailableError,
    TakenOverError,
)


@dataclass(slots=True)
class _Partition:
    start: int = 0
    entries: list[Record | None] = field(default_factory=list["Record | None"])

    @property
    def end(self) -> int:
        return self.start + len(self.entries)


class MemoryTopics:
    """A small cluster: topics with ids, partitions with records and markers, groups with their positions.

    Set `reachable` to False and every call of every source raises SourceUnavailableError.
    """

    def __init__(self, partitions: Mapping[str, int]) -> None:
        self.reachable = True
        self.positions: dict[tuple[str, TopicPartition], Position] = {}
        self.owners: dict[str, MemorySinkSource] = {}
        self._ids: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._logs: dict[TopicPartition, _Partition] = {}
        for topic, count in partitions.items():
            self.create(topic, count)

    def create(self, topic: str, partitions: int) -> None:
        """Make a topic that is not there yet."""
        self._ids[topic], self._counts[topic] = f"id-of-{topic}", partitions
        for number in range(partitions):
            self._logs[TopicPartition(topic, number)] = _Partition()

    def append(
        self, tp: TopicPartition, key: bytes | None, value: bytes | None, timestamp_ms: int = 0
    ) -> int:
        """Append a record and return its offset."""
        log = self._logs[tp]
        log.entries.append(Record(log.end, key, value, timestamp_ms))
        return log.end - 1

    def append_marker(self, tp: TopicPartition) -> None:
        """Use up an offset that no reader sees."""
        self._logs[tp].entries.append(None)

    def delete_before(self, tp: TopicPartition, offset: int) -> None:
        """Forget the records before the offset, as retention does."""
        log = self._logs[tp]
        del log.entries[: offset - log.start]
        log.start = offset

    def recreate(self, topic: str) -> None:
        """Delete the topic and make an empty one of the same name, with another id."""
        self._ids[topic] += "-again"
        for number in range(self._counts[topic]):
            self._logs[TopicPartition(topic, number)] = _Partition()

    def source(self, group: str) -> MemorySinkSource:
        """Open a source for a group."""
        return MemorySinkSource(self, group)

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count."""
        self.check()
        if topic not in self._ids:
            raise TopicMissingError(topic)
        return TopicDescription(topic, self._ids[topic], self._counts[topic])

    def log(self, tp: TopicPartition) -> _Partition:
        """Return one partition."""
        self.check()
        return self._logs[tp]

    def has(self, tp: TopicPartition) -> bool:
        """Whether there is such a partition."""
        return tp in self._logs

    def check(self) -> None:
        """Raise SourceUnavailableError while the cluster is out of reach."""
        if not self.reachable:
            raise SourceUnavailableError("the brokers are out of reach")


class MemorySinkSource:
    """Implements `runtime.sink_source.SinkSource` on topics in memory."""

    def __init__(self, topics: MemoryTopics, group: str) -> None:
        self._topics = topics
        self._group = group
        self._claimed = False
        self._next: dict[TopicPartition, int] = {}

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count."""
        return self._topics.describe(topic)

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return the first offset kept and the end."""
        log = self._topics.log(tp)
        return log.start, log.end

    def claim(self, topics: Sequence[str]) -> None:
        """Become the group's owner."""
        del topics
        self._topics.check()
        self._topics.owners[self._group] = self
        self._claimed = True

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Return the group's positions."""
        self._topics.check()
        stored = {tp: self._topics.positions.get((self._group, tp)) for tp in tps}
        return {tp: position for tp, position in stored.items() if position is not None}

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Store the positions."""
        self._topics.check()
        if self._topics.owners.get(self._group, self) is not self:
            if self._claimed:
                raise TakenOverError(self._group)
            raise SourceUnavailableError("not a member of the group")
        if unknown := [tp for tp in positions if not self._topics.has(tp)]:
            raise SourceUnavailableError(f"no such partition: {unknown[0]}")
        for tp, position in positions.items():
            self._topics.positions[self._group, tp] = position

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        """Read from these offsets on."""
        self._next = dict(starts)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read from this offset on."""
        self._next[tp] = offset

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        """Return what is there; never waits."""
        del timeout_s
        fetched: dict[TopicPartition, Fetched] = {}
        left = max_records
        for tp, start in self._next.items():
            log = self._topics.log(tp)
            if not log.start <= start <= log.end:
                raise OffsetGoneError(tp, f"offset {start} is not in [{log.start}, {log.end}]")
            entries = log.entries[start - log.start : start - log.start + left]
            if entries:
                columns = _columns(entries)
                left -= len(columns)
                self._next[tp] = start + len(entries)
                fetched[tp] = Fetched(columns, self._next[tp])
        return fetched

    def known_end(self, tp: TopicPartition) -> int | None:
        """Return the end."""
        return self._topics.log(tp).end

    def close(self) -> None:
        """Forget the assignment."""
        self._next = {}


def _columns(entries: Sequence[Record | None]) -> Columns:
    records = [entry for entry in entries if entry is not None]
    return Columns(
        [record.offset for record in records],
        [record.timestamp_ms for record in records],
        [record.key for record in records],
        [record.value for record in records],
    )
