"""The client that a sink asks and commits with, beside the one that fetches."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as VendorPartition

from runtime.kafka_clients import FENCED, TRANSACTION_MS, has_hung, leave
from runtime.log import TopicPartition
from runtime.sink_source import ClaimLostError, Position, SourceUnavailableError, TakenOverError

_BACKOFF_MS = 10
"""Kafka refuses a transaction while it writes the end of the one before; by default librdkafka then waits 100 ms."""


class _Owner(NamedTuple):
    """Who may commit for a group."""

    producer: Producer
    group: object


class KafkaKeeper:
    """Knows where partitions begin and end, and keeps a group's positions. Any thread may call it.

    Every method raises SourceUnavailableError when Kafka does not answer. A client that has hung is made anew then:
    what it was asked is asked again anyway.

    After `claim` positions are committed in transactions of a producer whose `transactional.id` is the group's name:
    Kafka lets only the latest such producer commit (ADR 41).
    """

    def __init__(
        self, config: Mapping[str, str | int | float | bool], group: str, timeout_s: float
    ) -> None:
        """Connect lazily. `config` is librdkafka's, of a consumer and of a producer alike."""
        self._producing = {
            **config, "transactional.id": group, "transaction.timeout.ms": TRANSACTION_MS,
            "socket.timeout.ms": int(1000 * timeout_s), "retry.backoff.ms": _BACKOFF_MS,
        }  # fmt: skip
        self._config = {
            **config, "group.id": group, "enable.auto.commit": False,
            "auto.offset.reset": "error", "isolation.level": "read_committed",
        }  # fmt: skip
        self._group = group
        self._timeout_s = timeout_s
        self._client = Consumer(self._config)
        self._renewing = Lock()
        self._claimed = False
        self._owner: _Owner | None = None

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return log start and the end that a read-committed reader sees."""
        asked = VendorPartition(tp.topic, tp.partition)
        with self._asking(leaders=True) as client:
            low, high = client.get_watermark_offsets(asked, timeout=self._timeout_s)
        return low, high

    def claim(self) -> None:
        """Fence whoever committed for the group before, and end a transaction that was left open."""
        self._claimed, self._owner = True, None
        with self._renewing:  # a client that is being closed has no group any more
            group = self._client.consumer_group_metadata()
        producer = Producer(self._producing)
        try:
            producer.init_transactions(self._timeout_s)
        except KafkaException as error:
            raise SourceUnavailableError(str(error)) from error
        self._owner = _Owner(producer, group)

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Ask the group's coordinator."""
        asked = [VendorPartition(tp.topic, tp.partition) for tp in tps]
        with self._asking() as client:
            stored = client.committed(asked, timeout=self._timeout_s)
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
        if self._claimed:
            self._commit_as_owner(offsets)
            return
        with self._asking() as client:
            answers = client.commit(offsets=offsets, asynchronous=False)
        for item in answers or ():
            if item.error is not None:
                raise SourceUnavailableError(str(item.error))

    def _commit_as_owner(self, offsets: list[VendorPartition]) -> None:
        """Commit in a transaction. One that failed is left to the next claim, which ends it."""
        owner, self._owner = self._owner, None
        if owner is None:
            raise ClaimLostError(f"{self._group}: the group has to be claimed first")
        try:
            owner.producer.begin_transaction()
            owner.producer.send_offsets_to_transaction(offsets, owner.group, self._timeout_s)
            owner.producer.commit_transaction(self._timeout_s)
        except KafkaException as error:
            if error.args[0].code() in FENCED:
                raise TakenOverError(f"{self._group}: {error.args[0].str()}") from error
            raise ClaimLostError(f"{self._group}: {error}") from error
        self._owner = owner

    def close(self) -> None:
        """Leave."""
        self._client.close()

    @contextmanager
    def _asking(self, *, leaders: bool = False) -> Generator[Consumer]:
        """Let a question be put to the client. One to `leaders` fails until librdkafka has looked for them again."""
        client = self._client
        try:
            yield client
        except KafkaException as error:
            if has_hung(error):
                self._renew(client)
            elif leaders:  # librdkafka remembers for minutes that there is none
                with suppress(KafkaException):
                    client.list_topics(timeout=self._timeout_s)
            raise SourceUnavailableError(str(error)) from error

    def _renew(self, client: Consumer) -> None:
        with self._renewing:
            if self._client is client:  # of two threads that it kept waiting, one does it
                self._client = Consumer(self._config)
                leave(client)
