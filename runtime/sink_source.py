"""The port through which a sink reads topics and keeps its positions, and the values that cross it.

A sink reads the partitions it is given, from the offsets it is given: membership, rebalancing and automatic resets have
no place here. `runtime.kafka_sink_source` and `runtime.memory_sink_source` implement it; one behaviour suite runs on
both (`tests/contract/test_sink_source.py`).

Records travel in columns, not as objects: a ledger moves 100,000 of them a second. Offsets mean what `runtime.log`
says: `next` is a fetch position and counts transaction markers and compacted records too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runtime.log import TopicDescription, TopicPartition


@dataclass(slots=True)
class Columns:
    """Records of one partition in offset order, one list a field, all of one length.

    The lists are the receiver's own: the source never touches them again.
    """

    offsets: list[int] = field(default_factory=list[int])
    timestamps_ms: list[int] = field(default_factory=list[int])
    keys: list[bytes | None] = field(default_factory=list["bytes | None"])
    values: list[bytes | None] = field(default_factory=list["bytes | None"])

    def extend(self, other: Columns) -> None:
        """Append the records of `other`, which follow these."""
        self.offsets += other.offsets
        self.timestamps_ms += other.timestamps_ms
        self.keys += other.keys
        self.values += other.values

    def cut(self, count: int) -> Columns:
        """Remove the first `count` records and return them."""
        head = Columns(
            self.offsets[:count], self.timestamps_ms[:count], self.keys[:count], self.values[:count]
        )
        del self.offsets[:count], self.timestamps_ms[:count], self.keys[:count], self.values[:count]
        return head

    def at(self, indexes: Sequence[int]) -> Columns:
        """Return a copy with the records at these places, in the given order."""
        return Columns(
            [self.offsets[index] for index in indexes],
            [self.timestamps_ms[index] for index in indexes],
            [self.keys[index] for index in indexes],
            [self.values[index] for index in indexes],
        )

    def only(self, offsets: Collection[int]) -> Columns:
        """Return a copy with the records at these offsets. Give a set: it is asked once a record."""
        return self.at([index for index, offset in enumerate(self.offsets) if offset in offsets])

    def size(self) -> int:
        """Return the bytes of all values."""
        return sum(map(len, filter(None, self.values)))

    def __len__(self) -> int:
        """Count the records."""
        return len(self.offsets)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one poll gave of one partition. `next` may be beyond the last record + 1, and `columns` may be empty."""

    columns: Columns
    next: int


@dataclass(frozen=True, slots=True)
class Position:
    """What a group has committed for a partition: the next offset to read, and a note of at most 4 KiB."""

    next: int
    note: str = ""


class SinkSourceError(Exception):
    """Root of the source's errors."""


class OffsetGoneError(SinkSourceError):
    """The offset to read is outside of the partition: deleted by retention, or the log was cut."""

    def __init__(self, tp: TopicPartition, message: str) -> None:
        super().__init__(f"{tp.topic}[{tp.partition}]: {message}")
        self.tp = tp


class SourceUnavailableError(SinkSourceError):
    """The brokers can't be reached or did not answer in time; the outcome of a commit is unknown."""


class ClaimLostError(SourceUnavailableError):
    """A claim ended without anybody else's: claim the group again, and believe only what `committed` says then."""


class TakenOverError(SinkSourceError):
    """Somebody else has claimed the group since: nothing more can be committed for it from here."""


class SinkSource(Protocol):
    """A read-committed reader of some partitions, and the notes of one consumer group."""

    def describe(self, topic: str) -> TopicDescription:
        """Return the topic's id and partition count. Raises runtime.log.TopicMissingError, SourceUnavailableError."""
        ...

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return the first offset kept and the first that can't be read yet. Raises SourceUnavailableError."""
        ...

    def claim(self, topics: Sequence[str]) -> None:
        """Become the only one who commits for the group: who claimed it before can't commit any more.

        `topics` are what the group reads. What `committed` says afterwards is what stays until this source commits.
        Raises SourceUnavailableError.
        """
        ...

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Return what the group has committed, without partitions it never committed. Raises SourceUnavailableError."""
        ...

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit the positions of all these partitions and wait for the answer.

        Raises:
            SourceUnavailableError: the outcome is unknown, or somebody else has claimed the group and this source never
                did.
            ClaimLostError: the group has to be claimed again first.
            TakenOverError: somebody else has claimed the group since this source did.
        """
        ...

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        """Read exactly these partitions from these offsets on; what was fetched before is forgotten."""
        ...

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Read an assigned partition again from this offset on; what was fetched of it before is forgotten."""
        ...

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        """Return what arrived; wait at most `timeout_s` for the first record. May be empty.

        Raises:
            OffsetGoneError: a partition has no record at the offset to read. What had come of other partitions may be
                lost with it: assign all of them again.
            runtime.log.RecordsDamagedError: the checksum of a batch is wrong. What precedes it was returned before,
                what is behind it is not. Every call raises until all are assigned again.
        """
        ...

    def known_end(self, tp: TopicPartition) -> int | None:
        """Return the end of a partition as the latest fetch or `bounds` said it; asks nobody, so None at first."""
        ...

    def close(self) -> None:
        """Leave. Never raises, commits nothing."""
        ...
