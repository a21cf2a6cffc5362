"""A ledger on the embedded engine, fed from topics in memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runtime.clickhouse import EmbeddedEngine, open_database
from runtime.clock import FakeClock
from runtime.ledger_database import LedgerDatabase
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.memory_sink_source import MemoryTopics
from runtime.metrics import Metrics
from schemas.topic_files import AVAILABILITY, topic_files, topics_of
from sinks.ledger import LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_opening import Permissions
from sinks.ledger_partition import FlushRules
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import RowSorter
from sinks.ledger_store import DatabaseStore
from sinks.ledger_tables import read_columns
from sinks.migrate import migrate, shipped
from sinks.writers import Writers
from tests.ledger.samples import FileSchemas, frame, registry

OTHERS = [name for name, topic in topic_files().items() if topic.records and name != AVAILABILITY]


@dataclass
class EngineLedger:
    """Produce, `drain`, and query."""

    database: LedgerDatabase
    topics: MemoryTopics = field(
        default_factory=lambda: MemoryTopics({AVAILABILITY: 2} | dict.fromkeys(OTHERS, 1))
    )
    permissions: Permissions = field(default_factory=Permissions)
    schemas: FileSchemas = field(default_factory=registry)
    now_ms: int = 1_172_750_400_123
    sessions: int = 0

    def append(self, name: str, event: dict[str, object], partition: int = 0) -> int:
        """Append an event to its own topic; `name` is that of its schema file."""
        record = "".join(part.title() for part in name.split("_"))
        return self.append_bytes(frame(name, event), partition, topics_of(record)[0].name)

    def append_bytes(
        self, value: bytes | None, partition: int = 0, topic: str = AVAILABILITY
    ) -> int:
        tp = TopicPartition(topic, partition)
        return self.topics.append(tp, b"key", value, self.now_ms)

    def sink(self) -> LedgerSink:
        self.sessions += 1
        columns = read_columns(self.database)
        sorter = RowSorter(columns, Writers(columns, self.schemas), lambda: b"8 bytes.")
        parts = SinkParts(
            source=self.topics.source("ledger"),
            writer=RangeWriter(DatabaseStore(self.database), sorter, f"s{self.sessions}"),
            clock=FakeClock(),
            log=logger("tests"),
            metrics=Metrics(),
        )
        rules = FlushRules(linger_s=0.0, spacing_s=0.0)
        plan = SinkPlan(topics=[AVAILABILITY, *OTHERS], rules=rules, permissions=self.permissions)
        return LedgerSink(parts, plan)

    def drain(self) -> LedgerSink:
        sink = self.sink()
        sink.open()
        sink.step(0.0)
        while sink.status.lag:
            sink.step(0.0)
        sink.finish()
        return sink

    def one(self, sql: str) -> tuple[object, ...]:
        (row,) = self.database.query(sql).rows
        return row

    def all(self, sql: str) -> list[tuple[object, ...]]:
        return list(self.database.query(sql).rows)


@contextmanager
def open_ledger(path: Path) -> Generator[EngineLedger]:
    database = open_database(EmbeddedEngine(path=path))
    try:
        migrate(database, shipped())
        yield EngineLedger(database)
    finally:
        database.close()
