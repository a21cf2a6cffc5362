"""A database that is down, and then slow: Kafka keeps what the sink does not take, and every record counts once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

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
POLL_RECORDS, RANGE_RECORDS = 500, 1_000
HELD_BYTES = 200_000
MOST_RECORDS = 3 * POLL_RECORDS + 2 * PARTITIONS * RANGE_RECORDS + HELD_BYTES // 150
"""Fetched ahead, inserted, announced next, and waiting: records of 150 bytes and more."""
ATTEMPTS = 40
SLOW_S, PAUSE_S = 0.05, 0.1
LONG_S = 60.0
CLOCK = SystemClock()


class SeenSource(KafkaSinkSource):
    """Knows how far it gave records out of librdkafka, whose own queue has a limit."""

    def __init__(self, settings: SinkSourceSettings) -> None:
        super().__init__(settings)
        self.nexts: dict[TopicPartition, int] = {}

    @property
    def taken(self) -> int:
        """Records that were given out, each counted once."""
        return sum(self.nexts.values())

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        fetched = super().poll(max_records, timeout_s)
        for tp, part in fetched.items():
            self.nexts[tp] = max(part.next, self.nexts.get(tp, 0))
        return fetched


@dataclass
class TryingStore:
    """Tables in memory that are out of reach, or slow, as the test wants it."""

    there: MemoryStore
    down: bool = True
    attempts: int = 0

    def insert(self, block: Block, token: str) -> None:
        self.attempts += 1
        if self.down:
            raise DatabaseUnavailableError("the server does not answer")
        CLOCK.sleep(SLOW_S)
        self.there.insert(block, token)

    def accepts(self, block: Block) -> bool:
        return self.there.accepts(block)

    def present(
        self, tables: Collection[str], place: Place, offsets: OffsetRange
    ) -> Mapping[int, int]:
        self.attempts += 1
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

    def stopping(seconds: float) -> bool:
        return stop.wait(min(seconds, PAUSE_S))

    thread = threading.Thread(target=sink.run, args=(stopping,))
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
    source = SeenSource(SinkSourceSettings(bootstrap=kafka, group="slow", queue_kilobytes=64))
    columns = TableColumns(dict.fromkeys(LEDGER_TABLES, ANY_COLUMN))
    sorter = RowSorter(columns, Writers(columns, registry()), lambda: b"8 bytes.")
    parts = SinkParts(
        source=PrefetchingSource(source, POLL_RECORDS),
        writer=RangeWriter(store, sorter, "session"),
        clock=CLOCK,
        log=logger("tests"),
        metrics=Metrics(),
    )
    rules = FlushRules(linger_s=0.0, spacing_s=0.0, max_rows=RANGE_RECORDS, total_bytes=HELD_BYTES)
    sink = LedgerSink(parts, SinkPlan(topics=[TOPIC], rules=rules))
    assert len(frame("availability", availability(1))) >= 150
    publish(kafka, 0, FIRST)
    with running(sink):
        eventually("it tries", lambda: store.attempts > 0)
        eventually("it says why it waits", lambda: sink.status.problem is not None)
        eventually("it knows how far it is behind", lambda: (sink.status.lag or 0) >= FIRST - 2_000)
        behind = sink.status.lag or 0
        publish(kafka, FIRST, MORE)
        eventually("the lag grows", lambda: (sink.status.lag or 0) >= behind + MORE)
        eventually("it has tried for long", lambda: store.attempts >= ATTEMPTS)
        assert source.taken <= MOST_RECORDS < FIRST
        store.down = False
        held: list[int] = []

        def caught_up() -> bool:
            held.append(source.taken - len(tables.rows))
            return sink.status.lag == 0

        eventually("it catches up", caught_up)
        assert sink.status.problem is None
    assert max(held) <= MOST_RECORDS
    assert len(tables.rows) == FIRST + MORE
    assert set(tables.rows.values()) == {1}
