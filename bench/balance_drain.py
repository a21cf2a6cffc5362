"""CPU cost of the balance worker as it runs: fetch, checked decoding, state, output, Kafka transactions.

    .venv/bin/python -m bench.balance_drain [readings]

Writes readings of 2,000 facilities x 3 materials to an embedded broker, then lets one worker drain them. CPU is user +
system time of the worker's process, over all its threads, from the assignment to the last commit. The bar: <= 5
microseconds a reading.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.results import Bar, Result
from cli.embedded import kafka
from cli.worker import WorkerTools, balance_worker, partition_counts
from producers.load import LoadPlan, load_facility, load_records
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicPartition
from runtime.settings import load
from runtime.topics import TopicAdmin, TopicSpec
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.routing import partition_for
from synergy.catalogue import load_catalogue

PLAN = LoadPlan(facilities=2_000, start=datetime(2024, 7, 1, tzinfo=UTC))


def cpu_s() -> float:
    """Return user and system time of this process, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fill(connection: KafkaConnection, codec: Codec, readings: int) -> None:
    """Publish facilities, then readings."""
    publisher = KafkaPublisher({"bootstrap.servers": connection.bootstrap})
    partitions = partition_counts()[topic_files.AVAILABILITY]
    for number in range(PLAN.facilities):
        facility = load_facility(PLAN, number)
        tp = TopicPartition(topic_files.FACILITIES, partition_for(facility.id, partitions))
        publisher.publish(OutRecord(tp, facility.id.encode(), codec.encode(facility)))
    places: dict[str, TopicPartition] = {}
    for record in load_records(PLAN, codec.encode, readings):
        place = places.get(record.facility)
        if place is None:
            number = partition_for(record.facility, partitions)
            place = places[record.facility] = TopicPartition(topic_files.AVAILABILITY, number)
        publisher.publish(OutRecord(place, record.key, record.value))
    publisher.flush()


async def drain(connection: KafkaConnection, codec: Codec, data: Path) -> tuple[float, float]:
    """Run one worker to the end of the input; return CPU seconds and wall seconds."""
    clock, log = SystemClock(), KafkaLog(connection)
    count = partition_counts()[topic_files.AVAILABILITY]
    ends = {p: log.bounds(TopicPartition(topic_files.AVAILABILITY, p))[1] for p in range(count)}
    worker = balance_worker(WorkerTools(connection, codec, load_catalogue(), data), rebuild=False)
    stop = asyncio.Event()
    began_cpu, began = cpu_s(), clock.monotonic_s()
    running = asyncio.create_task(worker.run(stop))
    while True:
        await asyncio.sleep(0.1)
        tasks = worker.assignment.tasks
        done = {p: t.committed_next.get(topic_files.AVAILABILITY, 0) for p, t in tasks.items()}
        if done and all(done.get(p, 0) >= end for p, end in ends.items()):
            break
        if running.done():
            running.result()
    spent, took = cpu_s() - began_cpu, clock.monotonic_s() - began
    stop.set()
    await running
    return spent, took


def measure(readings: int = 2_000_000) -> Iterator[Result]:
    """Fill the topics of a broker of its own, drain them with one worker, and yield its CPU time a reading."""
    with tempfile.TemporaryDirectory() as folder:
        cache = load().settings.embedded.jar_cache.expanduser()
        spec = kafka.BrokerSpec(var=Path(folder), jar_cache=cache)
        broker = kafka.start(spec, lambda _: None)
        try:
            connection = KafkaConnection(broker.bootstrap)
            names = sorted(record_schemas())
            codec = Codec({name: number + 1 for number, name in enumerate(names)})
            files = topic_files.topic_files().values()
            specs = [TopicSpec(t.name, t.partitions, t.config, 1) for t in files]
            TopicAdmin({"bootstrap.servers": broker.bootstrap}).apply(specs)
            fill(connection, codec, readings)
            spent, took = asyncio.run(drain(connection, codec, Path(folder) / "faust"))
        finally:
            broker.stop()
    conditions = (
        f"{readings} readings, 2,000 facilities x 3 materials, 4 partitions, embedded broker"
    )
    cpu_us = spent / readings * 1e6
    yield Result("balance_cpu_per_reading", cpu_us, "us", Bar("at most", 5), conditions)
    yield Result("balance_readings_per_second", readings / took, "readings/s", None, conditions)


def main() -> None:
    """Measure and print: `python -m bench.balance_drain [READINGS]`."""
    for result in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000):
        sys.stdout.write(result.line() + "\n")


if __name__ == "__main__":
    main()
