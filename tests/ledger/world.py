"""A ledger in memory whose process can be killed between any two steps, the crash hole of ClickHouse included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runtime.clock import FakeClock
from runtime.log import TopicDescription, TopicPartition
from runtime.logs import logger
from runtime.memory_sink_source import MemorySinkSource, MemoryTopics
from runtime.metrics import Metrics
from runtime.sink_source import Fetched, Position
from sinks.container import Place
from sinks.ledger import LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_opening import Permissions
from sinks.ledger_partition import FlushRules
from sinks.ledger_protocol import OffsetRange
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import Block, RowSorter
from sinks.ledger_store import TopicEnd
from sinks.ledger_tables import LEDGER_TABLES, TableColumns
from sinks.writers import Writers
from tests.ledger.samples import availability, frame, registry, tick

TOPIC = "synergy.availability.v1"
ANY_COLUMN = frozenset(
    ("_topic", "_topic_id", "_partition", "_offset", "_timestamp", "_schema_id", "_key", "_value")
)


class KilledError(BaseException):
    """The process is gone: no except clause of the product may catch it."""


@dataclass(slots=True)
class Fate:
    """Kills the process at the given step, counted from its start; None lets it live."""

    steps_left: int | None = None

    def step(self) -> None:
        if self.steps_left is None:
            return
        if self.steps_left == 0:
            raise KilledError
        self.steps_left -= 1


@dataclass(slots=True)
class Tables:
    """What is on the disk of the database."""

    rows: Counter[tuple[str, int, int]] = field(default_factory=Counter[tuple[str, int, int]])
    tokens: set[str] = field(default_factory=set[str])


@dataclass(slots=True)
class MemoryStore:
    """Implements `LedgerStore`: like ClickHouse, it notes the token before it keeps the rows."""

    tables: Tables
    fate: Fate

    def insert(self, block: Block, token: str) -> None:
        self.fate.step()
        if token in self.tables.tokens:
            return
        self.tables.tokens.add(token)
        self.fate.step()
        topic_id, partition = token.split(":")[:2]
        self.tables.rows.update((topic_id, int(partition), at) for at in block.records.offsets)
        self.fate.step()

    def accepts(self, block: Block) -> bool:
        del block
        return True

    def present(
        self, tables: Collection[str], place: Place, offsets: OffsetRange
    ) -> Mapping[int, int]:
        del tables
        self.fate.step()
        return {
            offset: count
            for (topic_id, partition, offset), count in self.tables.rows.items()
            if (topic_id, partition) == (place.topic_id, place.tp.partition)
            and offsets.first <= offset <= offsets.last
        }

    def ends(self) -> Collection[TopicEnd]:
        lasts: dict[tuple[str, int], int] = {}
        for topic_id, partition, offset in self.tables.rows:
            lasts[topic_id, partition] = max(offset, lasts.get((topic_id, partition), -1))
        return [
            TopicEnd(TOPIC, topic_id, partition, last)
            for (topic_id, partition), last in lasts.items()
        ]


@dataclass(frozen=True, slots=True)
class MortalSource:
    """A source whose process can die before and after each commit."""

    source: MemorySinkSource
    fate: Fate
    taken: set[tuple[int, int]]

    def describe(self, topic: str) -> TopicDescription:
        return self.source.describe(topic)

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        return self.source.bounds(tp)

    def claim(self, topics: Sequence[str]) -> None:
        self.fate.step()
        self.source.claim(topics)

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        return self.source.committed(tps)

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        self.fate.step()
        self.source.commit(positions)
        self.fate.step()

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        self.source.assign(starts)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.source.seek(tp, offset)

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        fetched = self.source.poll(max_records, timeout_s)
        for tp, part in fetched.items():
            self.taken.update((tp.partition, offset) for offset in part.columns.offsets)
        return fetched

    def known_end(self, tp: TopicPartition) -> int | None:
        return self.source.known_end(tp)

    def close(self) -> None:
        self.source.close()


MakeWriter = Callable[[MemoryStore, RowSorter, str], RangeWriter]
MakeSource = Callable[[MemoryTopics, str], MemorySinkSource]


@dataclass(slots=True)
class World:
    """Kafka and a database that outlive the sink's process."""

    topics: MemoryTopics = field(default_factory=lambda: MemoryTopics({TOPIC: 2}))
    tables: Tables = field(default_factory=Tables)
    clock: FakeClock = field(default_factory=FakeClock)
    make_writer: MakeWriter = RangeWriter
    make_source: MakeSource = MemoryTopics.source
    permissions: Permissions = field(default_factory=Permissions)
    expected: set[tuple[str, int, int]] = field(default_factory=set[tuple[str, int, int]])
    taken: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    _starts: int = 0

    def produce(self, count: int) -> None:
        """Append events, ticks, tombstones, garbage and markers to all partitions."""
        partitions = self.topics.describe(TOPIC).partitions
        for number in range(count):
            tp = TopicPartition(TOPIC, number % partitions)
            if number % 11 == 7:
                self.topics.append_marker(tp)
                continue
            offset = self.topics.append(tp, b"key", _value(number))
            self.expected.add((self.topics.describe(TOPIC).topic_id, tp.partition, offset))

    def sink(self, fate: Fate, max_rows: int, linger_s: float = 0.0) -> LedgerSink:
        """Start a process of the sink."""
        self._starts += 1
        tables = TableColumns(dict.fromkeys(LEDGER_TABLES, ANY_COLUMN))
        sorter = RowSorter(tables, Writers(tables, registry()), lambda: b"8 bytes.")
        parts = SinkParts(
            source=MortalSource(self.make_source(self.topics, "ledger"), fate, self.taken),
            writer=self.make_writer(MemoryStore(self.tables, fate), sorter, f"s{self._starts}"),
            clock=self.clock,
            log=logger("tests"),
            metrics=Metrics(),
        )
        rules = FlushRules(linger_s=linger_s, spacing_s=0.0, max_rows=max_rows)
        return LedgerSink(
            parts, SinkPlan(topics=[TOPIC], rules=rules, permissions=self.permissions)
        )

    def live(self, steps_until_kill: int | None, max_rows: int = 3) -> bool:
        """Run one process until it is killed or everything is read; return whether it survived."""
        sink = self.sink(Fate(steps_until_kill), max_rows)
        try:
            sink.open()
            for _ in range(60):
                sink.step(0.0)
                self.clock.advance(0.5)
                if sink.status.lag == 0 and all(
                    part.phase == "idle" for part in sink.status.partitions
                ):
                    break
            sink.finish()
        except KilledError:
            return False
        return True

    def lost(self) -> set[tuple[str, int, int]]:
        return self.expected - set(self.tables.rows)

    def doubled(self) -> set[tuple[str, int, int]]:
        return {place for place, count in self.tables.rows.items() if count > 1}


def every_step() -> Iterator[int]:
    """Count the steps that one process makes on a fresh world, to be killed at each of them."""
    step = 0
    while True:
        world = World()
        world.produce(24)
        if world.live(step):
            return
        yield step
        step += 1


_EVENTS = [frame("availability", availability(number)) for number in range(1, 6)]
_TICK = frame("tick", tick())


def _value(number: int) -> bytes | None:
    match number % 9:
        case 3:
            return _TICK
        case 5:
            return _EVENTS[0] + b"!"
        case 8:
            return None
        case _:
            return _EVENTS[number % len(_EVENTS)]
