"""The port to a partitioned, transactional log, and the values that cross it.

`runtime.memory_log` and `runtime.kafka_log` implement it; one behaviour suite runs on both
(`tests/contract/test_log.py`). No vendor object crosses this port.

Offsets have three meanings, and this page is the only place that defines them:

- `offset` of a record: its place in the partition;
- `next` of a batch or a state: the first offset that is *not* included. It is a fetch position, so it may lie beyond
  the last record + 1: transaction markers and compacted records take offsets too;
- `start` and `end` of a partition: the first offset kept and the first offset that a read-committed reader cannot see
  yet (Kafka's log start and last stable offset).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, overload


@dataclass(frozen=True, slots=True, order=True)
class TopicPartition:
    """One partition of one topic."""

    topic: str
    partition: int


class Record(NamedTuple):
    """One record as it was read. `timestamp_ms` is the log append time.

    A named tuple and no dataclass: a worker makes one for each reading, and this is the cheapest frozen value.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Records(Sequence[Record]):
    """Records of one partition in offset order, in columns: a worker moves 200,000 a second and looks at few of them.

    `appended_ms` is when the log took each record, in milliseconds since 1970; 0 where a log does not say.
    """

    __slots__ = ("appended_ms", "keys", "offsets", "values")

    def __init__(
        self,
        offsets: Sequence[int],
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        appended_ms: Sequence[int],
    ) -> None:
        self.appended_ms = appended_ms
        self.offsets = offsets
        self.keys = keys
        self.values = values

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Put records into columns."""
        kept = list(records)
        return cls(
            [r.offset for r in kept],
            [r.key for r in kept],
            [r.value for r in kept],
            [r.timestamp_ms for r in kept],
        )

    def since(self, offset: int) -> Records:
        """Return the records at this offset and behind it."""
        first = bisect_left(self.offsets, offset)
        return self[first:] if first else self

    def __len__(self) -> int:
        """Count the records."""
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> Records: ...

    def __getitem__(self, index: int | slice) -> Record | Records:
        """Return one record, or some in columns."""
        if isinstance(index, slice):
            return Records(
                self.offsets[index], self.keys[index], self.values[index], self.appended_ms[index]
            )
        return Record(
            self.offsets[index], self.keys[index], self.values[index], self.appended_ms[index]
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch of one partition gave: every visible record of `[start, next)`, and nothing else.

    `generation` is the number of the intake it was read for: it rises with every assignment and every seek, so that a
    batch from before either can be told and dropped.
    """

    tp: TopicPartition
    start: int
    next: int
    generation: int
    records: Records


class OutRecord(NamedTuple):
    """One record to be written. The partition is always explicit: no client's default partitioner is used."""

    tp: TopicPartition
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """What tells two topics of one name apart, and how many partitions this one has."""

    topic: str
    topic_id: str
    partitions: int


class LogError(Exception):
    """Root of the log's errors."""


class TopicMissingError(LogError):
    """The topic does not exist."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist: create it with `synergy topics apply`")
        self.topic = topic


class RecordsDamagedError(LogError):
    """Records of a partition are not what was written: their checksum says so."""

    def __init__(self, tp: TopicPartition, message: str) -> None:
        super().__init__(f"{tp.topic}[{tp.partition}]: {message}")
        self.tp = tp


class RetriableCommitError(LogError):
    """The outcome of the commit is unknown or it has to be repeated: call `commit` again with the same records."""


class FencedError(LogError):
    """A newer writer with the same transactional id has been opened: this one may never write again."""


class CommitFailedError(LogError):
    """The transaction was aborted or can't be saved: the process ends and start-up is the recovery."""


class Writer(Protocol):
    """The one writer of one partition's changelog and outputs."""

    def commit(self, records: Sequence[OutRecord]) -> int | None:
        """Write the records in ONE transaction; return when it is committed. May block for seconds.

        Returns:
            The end of the last record's partition as this transaction left it, its marker included; None if the broker
            did not tell.

        Raises:
            RetriableCommitError: the same call has to be repeated; nothing else may be written before.
            FencedError: another writer has taken over.
            CommitFailedError: the transaction is lost for good.
        """
        ...

    def close(self) -> None:
        """Abort a transaction that is still open and release the connection. Never raises."""
        ...


class Log(Protocol):
    """A cluster of topics, as a partition task needs it. Every call may block; none is made on an event loop."""

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count. Raises TopicMissingError."""
        ...

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return start and read-committed end of the partition. Raises TopicMissingError."""
        ...

    def open_writer(
        self,
        transactional_id: str,
        changelog: TopicPartition | None = None,
        outputs: Sequence[str] = (),
    ) -> Writer:
        """Fence the former writer of this id, end its transaction and return the new one.

        Args:
            transactional_id: of the writer.
            changelog: a partition that nobody else writes: what is open there is a transaction of a former writer
                which its coordinator has forgotten, and which is ended too.
            outputs: topics in which it may be open as well.
        """
        ...

    def read(self, tp: TopicPartition, start: int, end: int) -> Iterator[Record]:
        """Yield the committed records of `[start, end)` in order."""
        ...

    def latest(self, tp: TopicPartition, start: int, end: int) -> dict[bytes, bytes]:
        """Return the latest committed value of each key of `[start, end)`; what has no value or no key is left out.

        Raises RecordsDamagedError.
        """
        ...

    def group_positions(
        self, group: str, tps: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """Return what the group has committed; a partition without a commit is left out."""
        ...
