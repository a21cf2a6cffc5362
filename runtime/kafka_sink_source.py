"""Kafka by confluent-kafka, as a sink reads it: explicit partitions and offsets, read committed, no resets.

`fetch.queue.backoff.ms` is 10: with librdkafka's default of a second, a full queue stops fetching for so long that a
reader of 400,000 records a second stands still two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as VendorPartition

from runtime.kafka_clients import SILENT, SPEAKING, Admin, has_hung, leave, speaker
from runtime.log import (
    RecordsDamagedError,
    TopicDescription,
    TopicMissingError,
    TopicPartition,
)
from runtime.sink_source import Columns, Fetched, OffsetGoneError, Position, SourceUnavailableError

# librdkafka's own codes have private names.
_AUTO_OFFSET_RESET, _PARTITION_EOF, _BAD_MSG = -140, -191, -199
_GONE = (_AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
Describe = Callable[[str], TopicDescription]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSourceSettings:
    """Where Kafka is and how much of it may be held in memory. `client` passes TLS and SASL settings on."""

    bootstrap: str
    group: str
    queue_kilobytes: int = 16 * 1024
    timeout_s: float = 10.0
    client: Mapping[str, str | int | float | bool] = field(
        default_factory=dict[str, "str | int | float | bool"]
    )


class _Message(Protocol):
    """A message that was consumed, as confluent-kafka gives it."""

    def error(self) -> KafkaError | None: ...
    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def timestamp(self) -> tuple[int, int]: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...


class KafkaSinkSource:
    """Implements `runtime.sink_source.SinkSource`.

    Two clients: one fetches, the other asks and commits. A client that one thread polls all the
    time hardly ever lets another thread in (confluent-kafka 2.16), not even for what it remembers.
    """

    def __init__(self, settings: SinkSourceSettings, describe: Describe | None = None) -> None:
        self._timeout_s = settings.timeout_s
        self._ends: dict[TopicPartition, int] = {}
        self._damaged: RecordsDamagedError | None = None
        shared: dict[str, str | int | float | bool] = {
            "bootstrap.servers": settings.bootstrap,
            "group.id": settings.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "socket.keepalive.enable": True,
            **SILENT,
        }
        self._fetching = {
            **shared,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "check.crcs": True,
            "fetch.queue.backoff.ms": 10,
            "fetch.message.max.bytes": 1024 * 1024,
            "queued.min.messages": 100_000,
            "queued.max.messages.kbytes": settings.queue_kilobytes,
            **SPEAKING,
            **settings.client,
        }
        self._consumer = Consumer(self._fetching, logger=speaker())
        self._assigned = False
        self._keeping = {**shared, **settings.client}
        self._keeper = Consumer(self._keeping)
        self._describe = describe or TopicDescriber(settings).describe

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count."""
        return self._describe(topic)

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return log start and the end that a read-committed reader sees."""
        try:
            low, high = self._keeper.get_watermark_offsets(_vendor(tp), timeout=self._timeout_s)
        except KafkaException as error:
            if not self._renewed(error):
                self._look_again()
            raise SourceUnavailableError(str(error)) from error
        self._ends[tp] = high
        return low, high

    def _renewed(self, error: KafkaException) -> bool:
        """Make the client that asks and commits anew if it has hung; what it was asked is asked again anyway."""
        if not has_hung(error):
            return False
        leave(self._keeper)
        self._keeper = Consumer(self._keeping)
        return True

    def _look_again(self) -> None:
        """Ask who leads what now: librdkafka remembers for minutes that there is no leader."""
        with suppress(KafkaException):
            self._keeper.list_topics(timeout=self._timeout_s)

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Ask the group's coordinator."""
        try:
            stored = self._keeper.committed([_vendor(tp) for tp in tps], timeout=self._timeout_s)
        except KafkaException as error:
            self._renewed(error)
            raise SourceUnavailableError(str(error)) from error
        positions: dict[TopicPartition, Position] = {}
        for item in stored:
            if item.error is not None:
                raise SourceUnavailableError(str(item.error))
            if item.offset >= 0:
                positions[TopicPartition(item.topic, item.partition)] = Position(
                    item.offset, item.metadata or ""
                )
        return positions

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit and wait for the coordinator's answer."""
        offsets = [
            VendorPartition(tp.topic, tp.partition, position.next, position.note)
            for tp, position in positions.items()
        ]
        try:
            answers = self._keeper.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self._renewed(error)
            raise SourceUnavailableError(str(error)) from error
        for item in answers or ():
            if item.error is not None:
                raise SourceUnavailableError(str(item.error))

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        """Start fetching from these offsets, from the second time on with a new client: the former may have hung."""
        self._damaged = None
        if self._assigned:
            leave(self._consumer)
            self._consumer = Consumer(self._fetching, logger=speaker())
        self._assigned = True
        self._consumer.assign([_vendor(tp, offset) for tp, offset in starts.items()])

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Assign the partition anew: unlike a seek, that can't fail halfway and also drops what was fetched."""
        vendor = _vendor(tp, offset)
        self._consumer.incremental_unassign([vendor])
        self._consumer.incremental_assign([vendor])

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        """Take what librdkafka has fetched. What precedes a damaged batch is returned; later calls raise."""
        if self._damaged is not None:
            raise self._damaged
        try:
            messages = self._consumer.consume(max_records, timeout_s)
        except KafkaException as error:
            raise SourceUnavailableError(str(error)) from error
        fetched, self._damaged = _sorted_out(cast("Sequence[_Message]", messages))
        for tp, part in fetched.items():
            end = self._consumer.get_watermark_offsets(_vendor(tp), cached=True)[1]
            self._ends[tp] = max(end, part.next)
        return fetched

    def known_end(self, tp: TopicPartition) -> int | None:
        """Return the end as it was when records of the partition last came, or `bounds` was asked."""
        return self._ends.get(tp)

    def close(self) -> None:
        """Leave without committing."""
        self._consumer.close()
        self._keeper.close()


class _Description(Protocol):
    """What the admin client says of a topic."""

    topic_id: object
    partitions: Sequence[object]


class TopicDescriber:
    """Topic ids and partition counts by the admin client."""

    def __init__(self, settings: SinkSourceSettings) -> None:
        self._timeout_s = settings.timeout_s
        self._admin = Admin({"bootstrap.servers": settings.bootstrap, **SILENT, **settings.client})

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count. Raises TopicMissingError, SourceUnavailableError."""
        topics = TopicCollection([topic])
        asked = cast(
            "Mapping[str, Future[_Description]]",
            self._admin.client.describe_topics(topics, request_timeout=self._timeout_s),
        )
        try:
            described = asked[topic].result()
        except KafkaException as error:
            if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise TopicMissingError(topic) from error
            if has_hung(error):
                self._admin.renew()
            raise SourceUnavailableError(str(error)) from error
        return TopicDescription(topic, str(described.topic_id), len(described.partitions))


def _vendor(tp: TopicPartition, offset: int | None = None) -> VendorPartition:
    if offset is None:
        return VendorPartition(tp.topic, tp.partition)
    return VendorPartition(tp.topic, tp.partition, offset)


def _sorted_out(
    messages: Sequence[_Message],
) -> tuple[Mapping[TopicPartition, Fetched], RecordsDamagedError | None]:
    """Sort messages into columns. This loop is the sink's hot path: one append a field and a message.

    It ends at a damaged batch: librdkafka goes on behind it as if nothing were missing.
    """
    damaged: RecordsDamagedError | None = None
    columns: dict[tuple[str, int], Columns] = {}
    ends: dict[tuple[str, int], int] = {}
    for message in messages:
        place = (message.topic(), message.partition())
        error = message.error()
        if error is not None:
            if error.code() == _BAD_MSG:
                damaged = RecordsDamagedError(TopicPartition(*place), error.str())
                break
            _note(error, place, message.offset(), ends)
            continue
        target = columns.get(place)
        if target is None:
            target = columns[place] = Columns()
        target.offsets.append(message.offset())
        target.timestamps_ms.append(message.timestamp()[1])
        target.keys.append(message.key())
        target.values.append(message.value())
    fetched: dict[TopicPartition, Fetched] = {}
    for place in columns.keys() | ends.keys():
        part = columns.get(place) or Columns()
        last = part.offsets[-1] + 1 if part.offsets else 0
        fetched[TopicPartition(*place)] = Fetched(part, max(last, ends.get(place, 0)))
    return fetched, damaged


def _note(
    error: KafkaError, place: tuple[str, int], offset: int, ends: dict[tuple[str, int], int]
) -> None:
    """Reaching the end tells the fetch position; an offset that is gone stops the sink; the rest mends itself."""
    if error.code() == _PARTITION_EOF:
        ends[place] = offset
    elif error.code() in _GONE:
        raise OffsetGoneError(TopicPartition(*place), error.str())
