"""The log port on Kafka, by confluent-kafka. Every call blocks: callers use threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast

import structlog
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
)
from confluent_kafka import TopicPartition as VendorPartition
from confluent_kafka.admin._listoffsets import OffsetSpec

from runtime.clock import Clock, SystemClock
from runtime.kafka_clients import SILENT, Admin, has_hung, leave
from runtime.kafka_reading import offset_of, read_chunks
from runtime.kafka_writer import KafkaWriter
from runtime.log import (
    LogError,
    Record,
    TopicDescription,
    TopicMissingError,
    TopicPartition,
)

_logger = structlog.get_logger("log")
_TIMEOUT_S = 15.0
_ATTEMPTS, _PAUSE_S = 20, 0.1
# A topic that was just created and a broker that just started have no leader or coordinator for a moment. That there is
# no leader, or who it was, librdkafka remembers for minutes unless it is told to look again.
_LEADERLESS = {
    KafkaError._NOENT,  # noqa: SLF001
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
}
_SETTLING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """How to reach a cluster: bootstrap servers, and librdkafka's own keys for TLS and SASL."""

    bootstrap: str
    security: Mapping[str, str] = field(default_factory=dict[str, str])

    def config(self, **more: str | int | bool) -> dict[str, str | int | float | bool]:
        """Return a librdkafka configuration with more keys; underscores stand for dots."""
        own: dict[str, str | int | float | bool] = {
            key.replace("_", "."): value for key, value in more.items()
        }
        return {"bootstrap.servers": self.bootstrap, **SILENT, **self.security, **own}


class KafkaLog:
    """A Kafka cluster; implements `runtime.log.Log`."""

    def __init__(self, connection: KafkaConnection, clock: Clock | None = None) -> None:
        """Connect lazily: nothing is sent before the first call. The clock is for pauses."""
        self._connection = connection
        self._clock = clock or SystemClock()
        self._admin = Admin(connection.config())
        self._groups: dict[str, Consumer] = {}
        self._lock = Lock()

    def describe(self, topic: str) -> TopicDescription:
        """See `runtime.log.Log.describe`."""
        asked = TopicCollection([topic])
        found = self._patiently(
            topic, lambda: self._admin.client.describe_topics(asked, request_timeout=_TIMEOUT_S)
        )
        return TopicDescription(topic, str(found.topic_id), len(found.partitions))

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """See `runtime.log.Log.bounds`."""
        return self._offset(tp, _EARLIEST), self._offset(tp, _LATEST)

    def _offset(
        self,
        tp: TopicPartition,
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> int:
        asked = {VendorPartition(tp.topic, tp.partition): spec}
        found = self._patiently(
            tp.topic,
            lambda: self._admin.client.list_offsets(
                asked, isolation_level=isolation, request_timeout=_TIMEOUT_S
            ),
        )
        return int(found.offset)

    def _patiently(self, subject: str, ask: Callable[[], Mapping[Any, Future[Any]]]) -> Any:
        """Ask for one thing; ask again while the cluster is still settling."""
        for attempt in range(1, _ATTEMPTS + 1):
            [future] = ask().values()
            try:
                return future.result()
            except KafkaException as error:
                cause = error.args[0]
                if cause.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise TopicMissingError(subject) from error
                if has_hung(error):
                    self._admin.renew()
                if cause.code() not in _SETTLING | _LEADERLESS or attempt == _ATTEMPTS:
                    message = f"{subject}: {cause.str()}"
                    raise LogError(message) from error
                if cause.code() in _LEADERLESS:
                    self._look_again()
                self._clock.sleep(_PAUSE_S)
        raise AssertionError  # the last attempt returns or raises

    def _look_again(self) -> None:
        """Ask who leads what now."""
        with suppress(KafkaException):
            self._admin.client.list_topics(timeout=_TIMEOUT_S)

    def open_writer(
        self,
        transactional_id: str,
        changelog: TopicPartition | None = None,
        outputs: Sequence[str] = (),
    ) -> KafkaWriter:
        """See `runtime.log.Log.open_writer`. Raises LogError when the changelog stays open (ADR 48)."""
        writer = KafkaWriter(self._connection.config(), transactional_id)
        if changelog is None or not self._is_open(changelog):
            return writer
        places = [TopicPartition(t, n) for t in outputs for n in range(self.describe(t).partitions)]
        _logger.warning("forgotten transaction is aborted", id=transactional_id)
        writer.abort([changelog, *places])
        for _ in range(_ATTEMPTS):  # the markers come after the answer
            if not self._is_open(changelog):
                return writer
            self._clock.sleep(_PAUSE_S)
        writer.close()
        message = f"{changelog.topic}[{changelog.partition}]: another producer holds a transaction open there"
        raise LogError(message)

    def _is_open(self, tp: TopicPartition) -> bool:
        """Whether a transaction is open in a partition."""
        return self._offset(tp, _LATEST) < self._offset(
            tp, _LATEST, IsolationLevel.READ_UNCOMMITTED
        )

    def read(self, tp: TopicPartition, start: int, end: int) -> Iterator[Record]:
        """See `runtime.log.Log.read`. Raises LogError when the partition can't be read to its end."""
        for messages in read_chunks(self._connection.config(), self._clock, tp, start, end):
            for found in messages:
                yield Record(offset_of(found), found.key(), found.value(), found.timestamp()[1])

    def latest(self, tp: TopicPartition, start: int, end: int) -> dict[bytes, bytes]:
        """See `runtime.log.Log.latest`: by column, since a state has hundreds of thousands of parts."""
        latest: dict[bytes | None, bytes | None] = {}
        for messages in read_chunks(self._connection.config(), self._clock, tp, start, end):
            keys, values = map(Message.key, messages), map(Message.value, messages)
            latest.update(zip(keys, values, strict=True))
        latest.pop(None, None)
        if None in latest.values():
            latest = {key: value for key, value in latest.items() if value is not None}
        return cast("dict[bytes, bytes]", latest)

    def group_positions(
        self, group: str, tps: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """See `runtime.log.Log.group_positions`."""
        asked = [VendorPartition(tp.topic, tp.partition) for tp in tps]
        with self._lock:
            found = self._committed(group, asked)
        return {TopicPartition(p.topic, p.partition): p.offset for p in found if p.offset >= 0}

    def _committed(self, group: str, asked: list[VendorPartition]) -> list[VendorPartition]:
        """Ask as a member would, without joining.

        The admin client could be asked too, but librdkafka 2.16 ends the process there when the group's coordinator is
        still loading: it looks for a consumer group that an admin client does not have.
        """
        asking = self._groups.get(group)
        if asking is None:
            asking = Consumer(self._connection.config(group_id=group, enable_auto_commit=False))
            self._groups[group] = asking
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return asking.committed(asked, _TIMEOUT_S)
            except KafkaException as error:
                cause = error.args[0]
                if has_hung(error):
                    leave(self._groups.pop(group))
                if cause.code() not in _SETTLING | _LEADERLESS or attempt == _ATTEMPTS:
                    message = f"{group}: {cause.str()}"
                    raise LogError(message) from error
                self._clock.sleep(_PAUSE_S)
        raise AssertionError  # the last attempt returns or raises
