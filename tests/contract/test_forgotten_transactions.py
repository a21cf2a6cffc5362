"""A transaction that its coordinator took for over and that is still open in partitions: the next writer ends it.

A real one needs a broker that loses its partitions for a moment within a commit (ADR 48). Here a producer writes
without telling the coordinator, on a broker that does not check that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as VendorPartition
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.log import LogError, OutRecord, TopicPartition
from tests.stateful.kafka_control import KafkaControl, wait_for
from tests.stateful.tally import INPUT, OUTPUT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
NUMBERS = count()


@pytest.fixture
def unchecked(kafka: str) -> Iterator[str]:
    """The broker, as long as it takes transactional records of partitions that no transaction was told of."""
    admin = AdminClient({"bootstrap.servers": kafka})
    for value in ("false", "true"):
        entry = ConfigEntry(
            "transaction.partition.verification.enable",
            value,
            incremental_operation=AlterConfigOpType.SET,
        )
        broker = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[entry])
        wait_for(admin.incremental_alter_configs([broker]))
        if value == "false":
            yield kafka


async def leave_open(bootstrap: str, transactional_id: str, tps: Sequence[TopicPartition]) -> None:
    """Write one record to each partition in a transaction of which the coordinator does not know."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id)
    await producer.start()
    await producer.begin_transaction()
    parts: dict[str, Any] = vars(producer)
    told: Any = parts["_txn_manager"]._txn_partitions
    for tp in tps:
        told.add(VendorPartition(tp.topic, tp.partition))  # it is not told when it has been
        await producer.send_and_wait(tp.topic, b"forgotten", b"k", partition=tp.partition)
    told.clear()  # nor is there anything to end
    await producer.stop()


def values(log: KafkaLog, tp: TopicPartition) -> list[bytes | None]:
    return [record.value for record in log.read(tp, *log.bounds(tp))]


@pytest.fixture
def prefix() -> str:
    return f"forgotten-{next(NUMBERS)}."


def test_what_the_coordinator_forgot_is_aborted_by_the_next_writer(
    unchecked: str, prefix: str
) -> None:
    control = KafkaControl(unchecked, prefix, partitions=2)
    log = KafkaLog(KafkaConnection(unchecked))
    changelog, output = TopicPartition(prefix + INPUT, 0), TopicPartition(prefix + OUTPUT, 1)
    former = log.open_writer(prefix)
    former.commit([OutRecord(tp, b"k", b"before") for tp in (changelog, output)])
    former.close()
    asyncio.run(leave_open(unchecked, prefix, [changelog, output]))

    writer = log.open_writer(prefix, changelog, [output.topic])
    writer.commit([OutRecord(tp, b"k", b"after") for tp in (changelog, output)])
    writer.close()

    log.open_writer(prefix).close()  # it comes when all markers are written
    for tp in (changelog, output):
        assert values(log, tp) == [b"before", b"after"]
    control.close(prefix)


def test_a_changelog_that_somebody_else_holds_open_is_not_read(kafka: str, prefix: str) -> None:
    control = KafkaControl(kafka, prefix)
    log = KafkaLog(KafkaConnection(kafka))
    changelog = TopicPartition(prefix + INPUT, 0)
    other = Producer({"bootstrap.servers": kafka, "transactional.id": f"{prefix}other"})
    other.init_transactions(10)
    other.begin_transaction()
    other.produce(changelog.topic, b"v", b"k", 0)
    other.flush(10)

    with pytest.raises(LogError, match="another producer"):
        log.open_writer(prefix, changelog, [])

    other.abort_transaction(10)
    log.open_writer(prefix, changelog, []).close()
    control.close(prefix)
