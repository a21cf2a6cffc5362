"""Kafka by confluent-kafka, as a sink reads it: explicit partitions and offsets, read committed, no resets.

`fetch.queue.backoff.ms` is 10: with librdkafka's default of a second, a full queue stops fetching for so long that a
reader of 400,000 records a second stands still two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as VendorPartition

from runtime.clock import Clock, SystemClock
from runtime.fetch_watch import LOOK_S, FetchWatch
from runtime.kafka_clients import SILENT, SPEAKING, Admin, has_hung, leave, speaker
from runtime.kafka_keeper import KafkaKeeper
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
_BAD_COMPRESSION, _AUTHENTICATION, _FATAL = -198, -169, -150
_DAMAGED = (_BAD_MSG, _BAD_COMPRESSION)
_REFUSED = (
    _AUTHENTICATION,
    _FATAL,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
)
"""Errors that do not mend themselves. The client goes on after all others."""
_logger = structlog.get_logger("kafka")


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSourceSettings:
    """Where Kafka is and how much of it may be held in memory. `client` passes TLS and SASL settings on.

    The broker answers a fetch when it has `gather_bytes`, or after half a second with what there is.
    """

    bootstrap: str
    group: str
    queue_kilobytes: int = 16 * 1024
    gather_bytes: int = 1
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

    def __init__(self, settings: SinkSourceSettings, clock: Clock | None = None) -> None:
        self._ends: dict[TopicPartition, int] = {}
        self._damaged: RecordsDamagedError | None = None
        self._told: str | None = None
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
            "fetch.min.bytes": settings.gather_bytes,
            "fetch.wait.max.ms": 500,
            "fetch.message.max.bytes": 1024 * 1024,
            "queued.min.messages": 100_000,
            "queued.max.messages.kbytes": settings.queue_kilobytes,
            **SPEAKING,
            **settings.client,
        }
        self._consumer = Consumer(self._fetching, logger=speaker())
        clock = clock or SystemClock()
        self._watch = FetchWatch(clock)
        self._keeper = KafkaKeeper({**shared, **settings.client}, settings.timeout_s, clock)
        self._describer = TopicDescriber(settings)

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count."""
        return self._describer.describe(topic)

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return log start and the end that a read-committed reader sees."""
        start, self._ends[tp] = self._keeper.bounds(tp)
        return start, self._ends[tp]

    def claim(self, topics: Sequence[str]) -> None:
        """Join the group in place of its former member."""
        self._keeper.claim(topics)

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Ask the group's coordinator."""
        return self._keeper.committed(tps)

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit and wait for the coordinator's answer."""
        self._keeper.commit(positions)

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        """Start fetching from these offsets."""
        self._damaged = None
        self._watch.start(starts)
        self._consumer.assign([_vendor(tp, offset) for tp, offset in starts.items()])

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Assign the partition anew: unlike a seek, that can't fail halfway and also drops what was fetched."""
        vendor = _vendor(tp, offset)
        self._consumer.incremental_unassign([vendor])
        self._consumer.incremental_assign([vendor])
        self._watch.places[tp] = offset

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        """Take what librdkafka has fetched. What precedes a damaged batch is returned; later calls raise.

        A client that gives nothing of what Kafka has is replaced by a new one.
        """
        if self._damaged is not None:
            raise self._damaged
        if self._told is not None:
            told, self._told = self._told, None
            raise SourceUnavailableError(f"Kafka refuses to be read: {told}")
        if self._watch.is_due():
            self._look_at_fetching()
        try:
            messages = self._consumer.consume(max_records, timeout_s)
        except KafkaException as error:
            raise SourceUnavailableError(str(error)) from error
        fetched, self._damaged, self._told = _sorted_out(cast("Sequence[_Message]", messages))
        for tp, part in fetched.items():
            self._ends[tp] = part.next
            self._watch.places[tp] = part.next
            with suppress(KafkaException):  # what was fetched is given out in any case
                end = self._consumer.get_watermark_offsets(_vendor(tp), cached=True)[1]
                self._ends[tp] = max(end, part.next)
        return fetched

    def _look_at_fetching(self) -> None:
        ends: dict[TopicPartition, int] = {}
        with suppress(SourceUnavailableError):
            ends = {tp: self.bounds(tp)[1] for tp in self._watch.places}
        standing = self._watch.look(ends)
        if not standing:
            return
        _logger.warning(
            "a client gave nothing of what Kafka has: a new one goes on",
            partitions=[f"{tp.topic}[{tp.partition}]" for tp in standing],
            seconds=LOOK_S,
        )
        try:
            another = Consumer(self._fetching, logger=speaker())
        except KafkaException as error:
            raise SourceUnavailableError(str(error)) from error
        leave(self._consumer)
        self._consumer = another
        self.assign(self._watch.places)

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
) -> tuple[Mapping[TopicPartition, Fetched], RecordsDamagedError | None, str | None]:
    """Sort messages into columns; the last item is why Kafka refuses to be read.

    This is the sink's hot path. It ends at a damaged batch: librdkafka goes on behind it as if nothing were missing.
    """
    damaged: RecordsDamagedError | None = None
    refused: str | None = None
    sorted_out: dict[tuple[str, int], list[_Message]] = {}
    ends: dict[tuple[str, int], int] = {}
    for message in messages:
        place = (message.topic(), message.partition())
        error = message.error()
        if error is None:
            if place in sorted_out:
                sorted_out[place].append(message)
            else:
                sorted_out[place] = [message]
        elif error.code() in _DAMAGED:
            damaged = RecordsDamagedError(TopicPartition(*place), error.str())
            break
        elif error.code() in _REFUSED:
            refused = error.str()
        else:
            _note(error, place, message.offset(), ends)
    fetched: dict[TopicPartition, Fetched] = {}
    for place in sorted_out.keys() | ends.keys():
        part = _columns(sorted_out.get(place, ()))
        last = part.offsets[-1] + 1 if part.offsets else 0
        fetched[TopicPartition(*place)] = Fetched(part, max(last, ends.get(place, 0)))
    return fetched, damaged, refused


def _columns(messages: Sequence[_Message]) -> Columns:
    return Columns(
        [message.offset() for message in messages],
        [message.timestamp()[1] for message in messages],
        [message.key() for message in messages],
        [message.value() for message in messages],
    )


def _note(
    error: KafkaError, place: tuple[str, int], offset: int, ends: dict[tuple[str, int], int]
) -> None:
    """Reaching the end tells the fetch position; an offset that is gone stops the sink; the rest mends itself."""
    if error.code() == _PARTITION_EOF:
        ends[place] = offset
    elif error.code() in _GONE:
        raise OffsetGoneError(TopicPartition(*place), error.str())
