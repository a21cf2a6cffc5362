"""What is written is written beside other work, and what has to be opened again is left alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from runtime.clock import FakeClock
from runtime.ledger_database import DatabaseUnavailableError
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.memory_sink_source import MemorySinkSource, MemoryTopics
from runtime.metrics import Metrics
from runtime.sink_source import Columns, Fetched
from sinks.container import Place
from sinks.ledger_flush import Flusher, SinkParts
from sinks.ledger_opening import Opening
from sinks.ledger_partition import FlushRules, LedgerPartition
from sinks.ledger_protocol import OffsetRange, PartitionProtocol, Phase
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import Block, RowSorter
from sinks.ledger_tables import LEDGER_TABLES, TableColumns
from sinks.writers import Writers
from tests.ledger.samples import availability, frame, registry
from tests.ledger.world import ANY_COLUMN, TOPIC, Fate, MemoryStore, Tables

EVENT = frame("availability", availability(1))


@dataclass
class GatedStore(MemoryStore):
    """Inserts only once the gate is open; raises instead when it is told to."""

    gate: threading.Event = field(default_factory=threading.Event)
    broken: bool = False

    def insert(self, block: Block, token: str) -> None:
        assert self.gate.wait(30.0)
        if self.broken:
            raise DatabaseUnavailableError("gone")
        super().insert(block, token)


class Bench:
    """A flusher with two partitions whose inserts wait for `open`."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.store = GatedStore(self.tables, Fate())
        topics = MemoryTopics({TOPIC: 2})
        self.source: MemorySinkSource = topics.source("ledger")
        columns = TableColumns(dict.fromkeys(LEDGER_TABLES, ANY_COLUMN))
        sorter = RowSorter(columns, Writers(columns, registry()), lambda: b"8 bytes.")
        parts = SinkParts(
            source=self.source,
            writer=RangeWriter(self.store, sorter, "session"),
            clock=FakeClock(),
            log=logger("tests"),
            metrics=Metrics(),
        )
        self.flusher = Flusher(parts, FlushRules(max_rows=4))
        self.partitions = [
            LedgerPartition.opened(
                Place(TopicPartition(TOPIC, number), "id"),
                Opening(next=0, last=None, recover=None),
            )
            for number in range(2)
        ]

    def take(self, number: int, *offsets: int) -> None:
        count = len(offsets)
        columns = Columns([*offsets], [1] * count, [b"k"] * count, [EVENT] * count)
        self.partitions[number].take(Fetched(columns, offsets[-1] + 1), 0.0)

    @property
    def phases(self) -> Mapping[int, Phase]:
        return {one.place.tp.partition: one.protocol.phase for one in self.partitions}


def test_a_write_returns_while_the_insert_runs_and_the_next_waits_for_it() -> None:
    bench = Bench()
    bench.take(0, 0, 1)
    bench.flusher.write(bench.partitions[:1])
    assert bench.phases == {0: Phase.ANNOUNCED, 1: Phase.IDLE}
    assert not bench.tables.rows
    bench.store.gate.set()
    bench.take(1, 0, 1)
    bench.flusher.write(bench.partitions[1:])
    bench.flusher.wait()
    assert bench.phases == {0: Phase.WRITTEN, 1: Phase.WRITTEN}
    assert set(bench.tables.rows.values()) == {1}
    assert len(bench.tables.rows) == 4
    bench.flusher.close()


def test_what_an_insert_met_is_raised_later_and_what_was_not_announced_still_waits() -> None:
    bench = Bench()
    bench.take(0, 0, 1)
    bench.flusher.write(bench.partitions[:1])
    bench.take(1, 0, 1)
    bench.store.broken = True
    bench.store.gate.set()
    with pytest.raises(DatabaseUnavailableError):
        bench.flusher.write(bench.partitions[1:])
    assert bench.phases == {0: Phase.ABANDONED, 1: Phase.IDLE}
    assert bench.partitions[1].waiting.offsets == [0, 1]
    bench.flusher.check()
    bench.flusher.close()


def test_a_partition_that_has_to_be_opened_again_is_not_written() -> None:
    bench = Bench()
    bench.take(0, 0, 1)
    bench.store.broken = True
    bench.store.gate.set()
    bench.flusher.write(bench.partitions[:1])
    with pytest.raises(DatabaseUnavailableError):
        bench.flusher.wait()
    bench.take(0, 2, 3)
    bench.take(1, 0, 1)
    bench.store.broken = False
    bench.flusher.write(bench.partitions)
    bench.flusher.wait()
    assert bench.phases == {0: Phase.ABANDONED, 1: Phase.WRITTEN}
    assert bench.partitions[0].waiting.offsets == [2, 3]
    bench.flusher.close()


def test_who_sees_that_a_range_is_written_sees_how_far_that_is() -> None:
    """The thread that reads looks at what the thread that inserts has just changed."""
    seen: list[tuple[int, int | None]] = []

    class Watched(PartitionProtocol):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if value is Phase.WRITTEN:
                seen.append((self.next, self.last))

    protocol = Watched(TopicPartition("readings", 0), "id", 0, None)
    protocol.announce(OffsetRange(0, 4), 6)
    protocol.announced(0.0)
    protocol.written()
    assert seen == [(6, 4)]
