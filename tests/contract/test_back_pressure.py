"""A database that is down, and then slow: Kafka keeps what the sink does not take, and every record counts once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from confluent_kafka import Producer

from runtime.clock import SystemClock
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.ledger_database import DatabaseUnavailableError
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.metrics import Metrics
from runtime.prefetching_source import PrefetchingSource
from runtime.sink_source import Fetched
from runtime.topics import TopicAdmin, TopicSpec
from sinks.container import Place
from sinks.ledger import LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_partition import FlushRules
from sinks.ledger_protocol import OffsetRange
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import Block, RowSorter
from sinks.ledger_store import TopicEnd
from sinks.ledger_tables import LEDGER_TABLES, TableColumns
from sinks.writers import Writers
from tests.ledger.samples import availability, frame, registry
from tests.ledger.world import ANY_COLUMN, Fate, MemoryStore, Tables

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

TOPIC = "back-pressure"
PARTITIONS = 2
FIRST, MORE = 12_000, 4_000
POLL_RECORDS = 500
HELD_BYTES = 200_000
SLOW_S = 0.05
LONG_S = 60.0
CLOCK = SystemClock()


class CountedSource(KafkaSinkSource):
    """Counts the bytes that were taken out of librdkafka, whose own queue has a limit."""

    taken = 0

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        fetched = super().poll(max_records, timeout_s)
        self.taken += sum(
            len(value or b"") for part in fetched.values() for value in part.columns.values
        )
        return fetched


@dataclass
class TryingStore:
    """Tables in memory that are out of reach, or slow, as the test wants it."""

    there: MemoryStore
    down: bool = True
    attempts: int = 0
    bytes: int = 0
    kept: threading.Event = field(default_factory=threading.Event)

    def insert(self, block: Block, token: str) -> None:
        self.attempts += 1
        if self.down:
            raise DatabaseUnavailableError("the server does not answer")
        CLOCK.sleep(SLOW_S)
        self.there.insert(block, token)
        self.bytes += sum(len(value or b"") for value in block.records.values)

    def accepts(self, block: Block) -> bool:
        return self.there.accepts(block)

    def present(
        self, tables: Collection[str], place: Place, offsets: OffsetRange
    ) -> Mapping[int, int]:
        if self.down:
            raise DatabaseUnavailableError("the server does not answer")
        return self.there.present(tables, place, offsets)

    def ends(self) -> Collection[TopicEnd]:
        return self.there.ends()


def publish(bootstrap: str, first: int, count: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for number in range(first, first + count):
        value = frame("availability", availability(number + 1))
        producer.produce(TOPIC, value, b"key", number % PARTITIONS)
        producer.poll(0)
    assert producer.flush(60) == 0


def eventually(what: str, holds: Callable[[], bool]) -> None:
    deadline = CLOCK.monotonic_s() + LONG_S
    while not holds():
        assert CLOCK.monotonic_s() < deadline, what
        CLOCK.sleep(0.05)


@contextmanager
def running(sink: LedgerSink) -> Generator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=sink.run, args=(stop.wait,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_database_that_is_down_or_slow_costs_time_and_neither_memory_nor_records(
    kafka: str,
) -> None:
    TopicAdmin({"bootstrap.servers": kafka}).apply([TopicSpec(TOPIC, PARTITIONS, {}, 1)])
    tables = Tables()
    store = TryingStore(MemoryStore(tables, Fate()))
    source = CountedSource(SinkSourceSettings(bootstrap=kafka, group="slow", queue_kilobytes=64))
    columns = TableColumns(dict.fromkeys(LEDGER_TABLES, ANY_COLUMN))
    sorter = RowSorter(columns, Writers(columns, registry()), lambda: b"8 bytes.")
    parts = SinkParts(
        source=PrefetchingSource(source, POLL_RECORDS),
        writer=RangeWriter(store, sorter, "session"),
        clock=CLOCK,
        log=logger("tests"),
        metrics=Metrics(),
    )
    rules = FlushRules(linger_s=0.0, spacing_s=0.0, max_rows=1_000, total_bytes=HELD_BYTES)
    sink = LedgerSink(parts, SinkPlan(topics=[TOPIC], rules=rules))
    record_bytes = len(frame("availability", availability(1)))
    most_bytes = HELD_BYTES + (2 * PARTITIONS * 1_000 + 4 * POLL_RECORDS) * record_bytes
    publish(kafka, 0, FIRST)
    with running(sink):
        eventually("it tries", lambda: store.attempts > 0)
        eventually("it says why it waits", lambda: sink.status.problem is not None)
        eventually("it knows how far it is behind", lambda: (sink.status.lag or 0) >= FIRST - 2_000)
        behind = sink.status.lag or 0
        publish(kafka, FIRST, MORE)
        eventually("the lag grows", lambda: (sink.status.lag or 0) >= behind + MORE)
        assert source.taken <= most_bytes < FIRST * record_bytes
        store.down = False
        held: list[int] = []

        def caught_up() -> bool:
            held.append(source.taken - store.bytes)
            return sink.status.lag == 0

        eventually("it catches up", caught_up)
        assert sink.status.problem is None
    assert max(held) <= most_bytes
    assert len(tables.rows) == FIRST + MORE
    assert set(tables.rows.values()) == {1}
