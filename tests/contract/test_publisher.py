"""One behaviour suite for the publisher in memory and the one on Kafka."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runtime import log
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicMissingError
from runtime.publisher import MemoryPublisher, Publisher, PublishError

TOPIC = "publisher.contract"
PARTITIONS = 3


@dataclass(frozen=True)
class Subject:
    """A publisher and a way to read back what it wrote."""

    publisher: Publisher
    read: Callable[[int], list[tuple[bytes | None, bytes | None]]]


def in_memory() -> Subject:
    publisher = MemoryPublisher({TOPIC: PARTITIONS})

    def read(partition: int) -> list[tuple[bytes | None, bytes | None]]:
        return [
            (one.key, one.value) for one in publisher.acknowledged if one.tp.partition == partition
        ]

    return Subject(publisher, read)


def on_kafka(bootstrap: str, topic: str) -> Subject:
    admin: Any = AdminClient({"bootstrap.servers": bootstrap})
    if topic not in admin.list_topics(timeout=10).topics:
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(20)

    def read(partition: int) -> list[tuple[bytes | None, bytes | None]]:
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "reads-back",
                "isolation.level": "read_committed",
            }
        )
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        consumer.assign([TopicPartition(topic, partition, 0)])
        found: list[tuple[bytes | None, bytes | None]] = []
        while len(found) < end:
            message = consumer.poll(10)
            assert message is not None
            found.append((message.key(), message.value()))
        consumer.close()
        return found

    return Subject(KafkaPublisher({"bootstrap.servers": bootstrap}), read)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "memory":
        return in_memory()
    bootstrap: str = request.getfixturevalue("kafka")
    return on_kafka(bootstrap, TOPIC)


def a_record(partition: int, number: int, topic: str = TOPIC) -> OutRecord:
    value = f"value {number}".encode()
    return OutRecord(log.TopicPartition(topic, partition), b"key", value)


def test_records_go_to_the_named_partition_in_order(subject: Subject) -> None:
    assert subject.publisher.partitions(TOPIC) == PARTITIONS
    for number in range(300):
        subject.publisher.publish(a_record(number % 2, number))
    subject.publisher.flush()
    for partition in (0, 1):
        values = [value for _, value in subject.read(partition)]
        expected = [f"value {number}".encode() for number in range(partition, 300, 2)]
        assert values == expected
    assert subject.read(2) == []


def test_a_topic_that_is_not_there_is_named(subject: Subject) -> None:
    with pytest.raises(TopicMissingError, match=r"publisher\.nowhere"):
        subject.publisher.partitions("publisher.nowhere")


def test_a_broker_that_does_not_answer_is_an_error_and_not_silence() -> None:
    publisher = KafkaPublisher(
        {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 300, "log_level": 0}
    )
    publisher.publish(a_record(0, 1))
    publisher.publish(a_record(0, 2))
    with pytest.raises(PublishError) as caught:
        publisher.flush()
    assert caught.value.failed == 2
    publisher.flush()  # an error is told once
    publisher.close()
