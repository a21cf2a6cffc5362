"""Publishing to Kafka: an idempotent producer that writes to explicit partitions.

Idempotence keeps the order and keeps out the repeats that the client itself makes. Repeats across a
restart of the process are told by the reading's identity, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.kafka_clients import SPEAKING, speaker
from runtime.log import OutRecord, TopicMissingError
from runtime.publisher import PublishError

METADATA_TIMEOUT_S = 10.0
FLUSH_TIMEOUT_S = 90.0
FULL_BUFFER_POLL_S = 0.1
DEFAULTS: Mapping[str, str | int | bool] = MappingProxyType(
    {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 200_000,
        "message.timeout.ms": 60_000,
        "message.max.bytes": 1_048_588,  # what a topic takes: a rejected record can be sent again
        **SPEAKING,
        "delivery.report.only.error": True,  # a report for each of millions costs more than sending
    }
)


class KafkaPublisher:
    """A `runtime.publisher.Publisher` on a Kafka cluster.

    Args:
        config: Client properties, at least `bootstrap.servers`; they win over `DEFAULTS`, except that
            idempotence can't be switched off.
    """

    def __init__(self, config: Mapping[str, str | int | float | bool]) -> None:
        self._failed = 0
        self._first = ""
        self._partitions: dict[str, int] = {}
        self._producer = Producer(
            {**DEFAULTS, **config, "enable.idempotence": True}, logger=speaker()
        )

    def partitions(self, topic: str) -> int:
        """Return the number of partitions, asked once. Raises TopicMissingError, PublishError."""
        if topic not in self._partitions:
            try:
                metadata = self._producer.list_topics(topic, timeout=METADATA_TIMEOUT_S)
            except KafkaException as error:
                raise PublishError(0, f"the cluster does not answer: {error}") from error
            description = metadata.topics.get(topic)
            if description is None or description.error is not None:
                raise TopicMissingError(topic)
            self._partitions[topic] = len(description.partitions)
        return self._partitions[topic]

    def publish(self, record: OutRecord) -> None:
        """Take one record; blocks while the client's buffer is full."""
        while True:
            try:
                self._producer.produce(
                    record.tp.topic,
                    value=record.value,
                    key=record.key,
                    partition=record.tp.partition,
                    headers=list(record.headers),
                    on_delivery=self._report,
                )
            except BufferError:
                self._producer.poll(FULL_BUFFER_POLL_S)
            else:
                return

    def flush(self) -> None:
        """Block until everything is acknowledged. Raises PublishError."""
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        failed, first = self._failed, self._first
        self._failed, self._first = 0, ""
        if left or failed:
            reason = first or f"no answer within {FLUSH_TIMEOUT_S:g} s"
            raise PublishError(left + failed, reason)

    def close(self) -> None:
        """Drop what is not acknowledged and let the connections go. The spool still has it."""
        self._producer.purge()
        self._producer.flush(FLUSH_TIMEOUT_S)

    def _report(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed += 1
            topic = f"{message.topic()}[{message.partition()}]"
            self._first = self._first or f"{topic}: {error.str()}"
