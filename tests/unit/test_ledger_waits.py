"""A database that answers questions and takes no rows: what the ledger holds stays bounded, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runtime.ledger_database import DatabaseUnavailableError
from runtime.log import TopicPartition
from runtime.sink_source import Columns
from sinks.container import Place
from sinks.ledger_partition import FlushRules
from sinks.ledger_protocol import OffsetRange
from sinks.ledger_range import RangeWriter, Settled
from sinks.ledger_rows import Block
from tests.ledger.samples import availability, frame
from tests.ledger.world import TOPIC, Fate, MemoryStore, World

RETRIES, ROWS = 50, 20


@dataclass(slots=True)
class FullStore(MemoryStore):
    """Its disk is full."""

    full: bool = True

    def insert(self, block: Block, token: str) -> None:
        if self.full:
            raise DatabaseUnavailableError("not enough space")
        MemoryStore.insert(self, block, token)


def test_nothing_more_is_read_while_the_database_takes_no_rows() -> None:
    world = World()
    store = FullStore(world.tables, Fate())
    world.make_writer = lambda _, sorter, session: RangeWriter(store, sorter, session)
    sink = world.sink(Fate(), max_rows=10)
    waits: list[float] = []

    def until_it_waited_long(seconds: float) -> bool:
        """Publish while it waits; the disk has room again in the end."""
        if seconds:
            waits.append(seconds)
            world.produce(ROWS)
            world.clock.advance(seconds)
            store.full = len(waits) < RETRIES
            assert len(world.taken) <= 2 * ROWS
        return not store.full and sink.status.lag == 0

    world.produce(ROWS)
    sink.run(until_it_waited_long)
    assert len(waits) >= RETRIES
    assert not world.lost()
    assert not world.doubled()


def test_what_an_outage_keeps_from_the_tables_is_lag() -> None:
    world = World()
    store = FullStore(world.tables, Fate())
    world.make_writer = lambda _, sorter, session: RangeWriter(store, sorter, session)
    sink = world.sink(Fate(), max_rows=1_000)
    world.produce(24)
    seen: list[int | None] = []

    def until_all_is_there(seconds: float) -> bool:
        del seconds
        seen.append(sink.status.lag)
        world.clock.advance(1)
        store.full = len(seen) < 2 * ROWS
        return not store.full and sink.status.lag == 0

    sink.run(until_all_is_there)
    assert 0 not in seen[2 : 2 * ROWS]
    assert not world.lost()


def test_a_range_to_recover_is_settled_in_portions_that_fit_in_memory() -> None:
    world = World()
    tp = TopicPartition(TOPIC, 0)
    value = frame("availability", availability(1, document="x" * 10_000))
    for _ in range(3_000):
        world.topics.append(tp, b"key", value)
    topic_id = world.topics.describe(TOPIC).topic_id
    world.tables.rows[topic_id, 0, 2_999] = 1  # and nothing else of 30 MB
    world.expected = {(topic_id, 0, offset) for offset in range(3_000)}
    largest: list[int] = []

    class Watched(RangeWriter):
        def settle(
            self, place: Place, offsets: OffsetRange, records: Columns, announce: Callable[[], None]
        ) -> Settled:
            largest.append(records.size())
            return super().settle(place, offsets, records, announce)

    world.make_writer = Watched
    assert world.live(None, max_rows=25_000)
    assert not world.lost()
    assert not world.doubled()
    assert max(largest) <= 2 * FlushRules().max_bytes


def test_large_records_are_written_as_fast_as_they_are_read() -> None:
    world = World()
    tp = TopicPartition(TOPIC, 0)
    value = frame("availability", availability(1, document="x" * 10_000))
    sink = world.sink(Fate(), max_rows=25_000)
    sink.open()
    held: list[int] = []
    for _ in range(6):
        for _ in range(3_000):
            world.topics.append(tp, b"key", value)
        sink.step(0.0)
        held.append(len(world.taken) - len(world.tables.rows))
    sink.finish()
    rules = FlushRules()
    assert max(held) <= 3_000 + (rules.total_bytes + 2 * rules.max_bytes) // len(value)
    assert len(world.tables.rows) == 18_000
