"""Rows per second of the ledger sink: a real Kafka to the embedded engine, every step included.

    .venv/bin/python -m bench.ledger_sink [readings]

Fills the availability topic of an embedded broker, then lets the sink of the store drain it: fetch, block check,
pending range, insert, next announcement. Beside it stands the raw limit: the same rows as native blocks, prepared
beforehand, inserted one after the other without Kafka, decoding and check. The bars: >= 80,000 rows/s end to end, and
80 % of the raw limit. The rate is that of the time in which the sink has work: the last rows of each partition wait for
more to come, up to `FlushRules.spacing_s`, and are left out of it. The CPU of a row is that of all rows.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import clickhouse_connect

from bench.foundation import say, take_free_ports
from bench.machine import conditions
from bench.results import Bar, Figure, record
from cli.embedded import kafka
from cli.worker import partition_counts
from producers.load import LoadPlan, load_records
from runtime.clickhouse import ClickHouse, EmbeddedEngine, open_database
from runtime.clock import SystemClock, process_cpu_s
from runtime.kafka_producer import KafkaPublisher
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.log import OutRecord, TopicPartition
from runtime.logs import logger
from runtime.metrics import Metrics
from runtime.prefetching_source import PrefetchingSource
from runtime.process_memory import collect_rarely
from runtime.settings import load
from runtime.sink_source import SourceUnavailableError
from runtime.topics import TopicAdmin, TopicSpec
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.routing import partition_for
from sinks.ledger import POLL_RECORDS, LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_partition import FlushRules
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import RowSorter
from sinks.ledger_store import DatabaseStore
from sinks.ledger_tables import read_columns
from sinks.migrate import migrate, shipped
from sinks.writers import Writers

PLAN = LoadPlan(facilities=2_000, start=datetime(2024, 7, 1, tzinfo=UTC))
BAR = 80_000.0
BESIDE_RAW = 0.8
READINGS = 1_000_000


@dataclass(frozen=True, slots=True)
class Drained:
    """Rows a second while there was work, seconds until every row was in, and CPU seconds until then."""

    rate: float
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The drain of so many readings, and the rate of raw inserts of their rows."""

    readings: int
    drained: Drained
    raw_rate: float


class ShippedSchemas:
    """The shipped schemas under the ids that the benchmark's codec writes."""

    def __init__(self, ids: dict[str, int]) -> None:
        self._texts = {ids[name]: schema.text for name, schema in record_schemas().items()}

    def text(self, schema_id: int) -> str | None:
        """See `sinks.writers.WriterSchemas.text`."""
        return self._texts.get(schema_id)


def fill(bootstrap: str, codec: Codec, readings: int) -> None:
    publisher = KafkaPublisher({"bootstrap.servers": bootstrap})
    count = partition_counts()[topic_files.AVAILABILITY]
    for one in load_records(PLAN, codec.encode, readings):
        place = TopicPartition(topic_files.AVAILABILITY, partition_for(one.facility, count))
        publisher.publish(OutRecord(place, one.key, one.value))
    publisher.flush()


def sorter_of(database: ClickHouse, schemas: ShippedSchemas) -> RowSorter:
    columns = read_columns(database)
    return RowSorter(columns, Writers(columns, schemas), partial(secrets.token_bytes, 8))


def drain(bootstrap: str, database: ClickHouse, schemas: ShippedSchemas, readings: int) -> Drained:
    """Let the sink work until every reading is in."""
    clock = SystemClock()
    source = KafkaSinkSource(SinkSourceSettings(bootstrap=bootstrap, group="ledger"))
    parts = SinkParts(
        source=PrefetchingSource(source, POLL_RECORDS),
        writer=RangeWriter(DatabaseStore(database), sorter_of(database, schemas), "bench"),
        clock=clock,
        log=logger("bench"),
        metrics=Metrics(),
    )
    sink = LedgerSink(parts, SinkPlan(topics=[topic_files.AVAILABILITY]))
    while True:
        try:
            sink.open()
            break
        except SourceUnavailableError:
            clock.sleep(0.2)
    collect_rarely()  # as the store does
    began, cpu = clock.monotonic_s(), process_cpu_s()
    waiting_at_most = partition_counts()[topic_files.AVAILABILITY] * FlushRules().max_rows
    rows = _written(sink, max(1, readings - waiting_at_most))
    rate = rows / (clock.monotonic_s() - began)
    _written(sink, readings)
    drained = Drained(rate, clock.monotonic_s() - began, process_cpu_s() - cpu)
    sink.finish()
    return drained


def _written(sink: LedgerSink, enough: int) -> int:
    """Let the sink work until so many rows are in; return how many are."""
    while (rows := sum(count for _, count in sink.status.written)) < enough:
        sink.step(0.1)
    return rows


def raw_limit(ledger: Path, readings: int) -> float:
    """Return rows per second of inserting the rows that the sink wrote as prepared native blocks of the sink's size."""
    clock, size = SystemClock(), FlushRules().max_rows
    client = clickhouse_connect.get_client(interface="chdb", path=str(ledger))
    try:
        client.command("CREATE TABLE raw_limit AS availability")
        rows = "SELECT * FROM availability ORDER BY _partition, _offset"
        blocks = [
            client.raw_query(f"{rows} LIMIT {size} OFFSET {start}", fmt="Native")
            for start in range(0, readings, size)
        ]
        client.command("TRUNCATE TABLE availability")  # its merges are not this one's
        began = clock.monotonic_s()
        for block in blocks:
            client.raw_insert("raw_limit", insert_block=block, fmt="Native")
        return readings / (clock.monotonic_s() - began)
    finally:
        client.close()


def measure(readings: int) -> list[Figure]:
    """Fill a broker, drain it, insert the raw containers; return the figures."""
    ids = {name: number + 1 for number, name in enumerate(sorted(record_schemas()))}
    codec, schemas = Codec(ids), ShippedSchemas(ids)
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        take_free_ports(Path(folder))
        cache = load().settings.embedded.jar_cache.expanduser()
        spec = kafka.BrokerSpec(var=Path(folder), jar_cache=cache)
        broker = kafka.start(spec, say)
        database = open_database(EmbeddedEngine(path=Path(folder) / "ledger"))
        migrate(database, shipped())
        try:
            topic = topic_files.topic_files()[topic_files.AVAILABILITY]
            topics = [TopicSpec(topic.name, topic.partitions, topic.config, 1)]
            TopicAdmin({"bootstrap.servers": broker.bootstrap}).apply(topics)
            fill(broker.bootstrap, codec, readings)
            say(f"{readings:,} readings published")
            drained = drain(broker.bootstrap, database, schemas, readings)
        finally:
            database.close()
            broker.stop()
        limit = raw_limit(Path(folder) / "ledger", readings)
    return figures(Measured(readings, drained, limit), topic.partitions)


def figures(found: Measured, partitions: int) -> list[Figure]:
    """Return the sink's rate and cost, the raw limit, and what of it the sink reached."""
    readings, rate = found.readings, found.drained.rate
    said = conditions(
        {"readings": readings, "partitions": partitions, "wall_s": round(found.drained.wall_s, 1)}
    )
    rows: list[tuple[str, float, str, Bar | None]] = [
        ("rows per second", rate, "rows/s end to end", Bar(">=", BAR)),
        ("CPU per row", found.drained.cpu_s / readings * 1e6, "us of user+system CPU", None),
        ("raw inserts of the same rows", found.raw_rate, "rows/s", None),
        ("beside raw inserts", rate / found.raw_rate, "of their rows/s", Bar(">=", BESIDE_RAW)),
    ]
    return [
        Figure(name=f"ledger sink: {what}", value=value, unit=unit, bar=bar, conditions=said)
        for what, value, unit, bar in rows
    ]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS))


if __name__ == "__main__":
    main()
