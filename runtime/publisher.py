"""The port through which a producer writes records and learns that the broker has them.

At least once: `flush` returns when every record published before it was acknowledged; after an error the
producer publishes again what it still holds, and readers tell repeats by their identity.
`runtime.kafka_producer` is the real one; the one in memory is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from runtime.log import OutRecord, TopicMissingError


class PublishError(Exception):
    """Records were not acknowledged: the caller still holds them and publishes them again."""

    def __init__(self, failed: int, first: str) -> None:
        super().__init__(f"{failed} records were not acknowledged: {first}")
        self.failed = failed
        self.first = first


class Publisher(Protocol):
    """Writes records to explicit partitions. One thread at a time."""

    def partitions(self, topic: str) -> int:
        """Return the number of partitions. May block. Raises TopicMissingError."""
        ...

    def publish(self, record: OutRecord) -> None:
        """Take one record; order is kept within a partition. Blocks only while the buffer is full."""
        ...

    def flush(self) -> None:
        """Block until everything published is acknowledged.

        Raises:
            PublishError: some of it was not; which part of it arrived is unknown.
        """
        ...


class MemoryPublisher:
    """Keeps what was acknowledged in a list, in order; can be told to fail.

    >>> from runtime.log import TopicPartition
    >>> publisher = MemoryPublisher({"a": 2})
    >>> publisher.publish(OutRecord(TopicPartition("a", 1), b"key", b"value"))
    >>> len(publisher.acknowledged)
    0
    >>> publisher.flush()
    >>> publisher.acknowledged[0].key
    b'key'
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        self._topics = topics
        self._buffer: list[OutRecord] = []
        self._failures: list[int] = []
        self.acknowledged: list[OutRecord] = []

    def fail_next_flush(self, arriving: int = 0) -> None:
        """Make one more flush report an error although its first `arriving` records arrive."""
        self._failures.append(arriving)

    def obey(self) -> None:
        """Forget the failures that have not happened yet."""
        self._failures.clear()

    def partitions(self, topic: str) -> int:
        """Return the number of partitions it was made with. Raises TopicMissingError."""
        if topic not in self._topics:
            raise TopicMissingError(topic)
        return self._topics[topic]

    def publish(self, record: OutRecord) -> None:
        """Take one record."""
        if not 0 <= record.tp.partition < self.partitions(record.tp.topic):
            raise TopicMissingError(f"{record.tp.topic} partition {record.tp.partition}")
        self._buffer.append(record)

    def flush(self) -> None:
        """Acknowledge what was published. Raises PublishError when it was told to fail."""
        records, self._buffer = self._buffer, []
        if self._failures:
            arrived = min(self._failures.pop(0), len(records))
            self.acknowledged.extend(records[:arrived])
            raise PublishError(len(records) - arrived, "told to fail")
        self.acknowledged.extend(records)
