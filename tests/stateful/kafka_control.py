"""Moves topics of a real broker; every example has its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as VendorPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.log import TopicPartition
from tests.stateful.world import TOPICS


def wait_for(answers: Any) -> None:
    """Wait for what the admin client was asked; its futures have no types."""
    for answer in answers.values():
        answer.result()


class KafkaControl:
    """Implements `tests.stateful.world.Control`."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int = 1) -> None:
        connection = KafkaConnection(bootstrap)
        self.log = KafkaLog(connection)
        self._connection = connection
        self._partitions = partitions
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self._create([prefix + topic for topic in TOPICS])

    def _create(self, topics: list[str]) -> None:
        new = [NewTopic(topic, self._partitions, 1) for topic in topics]
        wait_for(self._admin.create_topics(new))

    def append(self, tp: TopicPartition, key: bytes, value: bytes) -> int:
        offsets: list[int | None] = []
        self._producer.produce(
            tp.topic, value, key, tp.partition, on_delivery=lambda _, m: offsets.append(m.offset())
        )
        self._producer.flush(10)
        [offset] = offsets
        assert offset is not None
        return offset

    def append_soon(self, tp: TopicPartition, key: bytes, value: bytes) -> None:
        """Write one record of many; `flush` waits for them."""
        self._producer.produce(tp.topic, value, key, tp.partition)

    def flush(self) -> None:
        """Wait until everything written is there."""
        self._producer.flush(10)

    def cut(self, tp: TopicPartition, start: int) -> None:
        _, end = self.log.bounds(tp)
        place = VendorPartition(tp.topic, tp.partition, min(start, end))
        wait_for(self._admin.delete_records([place]))

    def compact(self, tp: TopicPartition) -> None:
        """The broker compacts when it likes; the memory log shows what that does to a reader."""

    def recreate(self, topic: str) -> None:
        wait_for(self._admin.delete_topics([topic]))
        self._create([topic])

    def grow(self, topic: str, partitions: int) -> None:
        """Add partitions to a live topic."""
        wait_for(self._admin.create_partitions([NewPartitions(topic, partitions)]))

    def commit_group(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        consumer = Consumer(self._connection.config(group_id=group, enable_auto_commit=False))
        offsets = [VendorPartition(tp.topic, tp.partition, n) for tp, n in positions.items()]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()

    def close(self, prefix: str) -> None:
        """Delete the topics of one example."""
        wait_for(self._admin.delete_topics([prefix + topic for topic in TOPICS]))
