"""The store process: the ledger sink in a thread, views and REST on the event loop. It owns the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.applications import Starlette

from console.app import application
from console.commands import CommandDesk
from console.documents import Documents
from console.feed import Feed
from console.state import LedgerAccess, StoreState
from console.views import Views
from runtime.clickhouse import ClickHouse, ClickHouseServer, EmbeddedEngine, open_database
from runtime.clock import Clock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_producer import KafkaPublisher
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.ledger_database import QueryLimits
from runtime.logs import Logger
from runtime.metrics import Metrics
from runtime.prefetching_source import PrefetchingSource
from schemas.codec import Codec
from schemas.topic_files import topic_files
from sinks.ledger import POLL_RECORDS, LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import RowSorter
from sinks.ledger_store import DatabaseStore
from sinks.ledger_tables import read_columns
from sinks.migrate import migrate, shipped
from sinks.writers import Writers, WriterSchemas

_STOP_S = 3
_COMMAND_TIMEOUT_MS = 4_000  # a person waits


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """What the store is told. `ledger` is the embedded engine's folder or a server."""

    ledger: EmbeddedEngine | ClickHouseServer
    connection: KafkaConnection
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTools:
    """What the store works with. `draw_bytes` gives eight random bytes."""

    codec: Codec
    schemas: WriterSchemas
    draw_bytes: Callable[[], bytes]
    documents: Documents
    views: Views
    clock: Clock
    log: Logger
    metrics: Metrics


def ledger_topics() -> tuple[str, ...]:
    """Return the topics that are kept in the ledger: all that carry events."""
    return tuple(name for name, topic in topic_files().items() if topic.records)


def _source(connection: KafkaConnection, group: str, kilobytes: int) -> KafkaSinkSource:
    client: Mapping[str, str | int | float | bool] = dict(connection.security)
    settings = SinkSourceSettings(
        bootstrap=connection.bootstrap, group=group, queue_kilobytes=kilobytes, client=client
    )
    return KafkaSinkSource(settings)


def _publisher(plan: StorePlan) -> KafkaPublisher:
    connection = plan.connection
    client: dict[str, str | int | float | bool] = {
        **connection.security,
        "bootstrap.servers": connection.bootstrap,
        "message.timeout.ms": _COMMAND_TIMEOUT_MS,
        "linger.ms": 0,
    }
    return KafkaPublisher(client)


def _sink(plan: StorePlan, tools: StoreTools, database: ClickHouse) -> LedgerSink:
    tables = read_columns(database)
    sorter = RowSorter(tables, Writers(tables, tools.schemas), tools.draw_bytes)
    writer = RangeWriter(DatabaseStore(database), sorter, tools.draw_bytes().hex())
    parts = SinkParts(
        source=PrefetchingSource(
            _source(plan.connection, "synergy.ledger", 16 * 1024), POLL_RECORDS
        ),
        writer=writer,
        clock=tools.clock,
        log=tools.log,
        metrics=tools.metrics,
    )
    return LedgerSink(parts, SinkPlan(topics=ledger_topics()))


def _access(database: ClickHouse) -> LedgerAccess:
    def query(
        sql: str, limits: QueryLimits
    ) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
        reader = database.reader(limits)
        try:
            found = reader.query(sql)
        finally:
            reader.close()
        return found.columns, found.rows

    return LedgerAccess(query)


class _SinkThread:
    """Runs the sink; `failed` is set when it ends by itself."""

    def __init__(self, sink: LedgerSink, log: Logger) -> None:
        self._sink = sink
        self._log = log
        self._stop = threading.Event()
        self.failed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def _run(self) -> None:
        try:
            self._sink.run(self._stop.wait)
        except Exception as error:
            self._log.error("the ledger has stopped", cause=str(error), exc_info=error)
            self.failed.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


async def run_store(plan: StorePlan, tools: StoreTools) -> bool:
    """Serve until SIGTERM or SIGINT, or until the sink fails; return whether it ended well.

    Raises:
        MigrationError, LedgerDatabaseError: the ledger can't be opened.
    """
    database = open_database(plan.ledger)
    try:
        for migration in migrate(database, shipped()):
            tools.log.info("migration applied", version=migration.version, name=migration.name)
        sink = _sink(plan, tools, database)
        feed = Feed(
            _source(plan.connection, "synergy.views", 4 * 1024), tools.codec, tools.views, tools.log
        )
        state = StoreState(
            views=tools.views,
            documents=tools.documents,
            feed=feed,
            sink_status=lambda: sink.status,
            ledger=_access(database),
            kafka=KafkaLog(plan.connection),
            commands=CommandDesk(_publisher(plan), tools.codec, tools.views, tools.clock),
            clock=tools.clock,
            log=tools.log,
        )
        thread = _SinkThread(sink, tools.log)
        thread.start()
        try:
            async with _running(feed.run(), state.run()):
                await _serve(plan, application(state, tools.metrics), thread)
        finally:
            thread.stop()
        return not thread.failed.is_set()
    finally:
        database.close()


@contextlib.asynccontextmanager
async def _running(*loops: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(plan: StorePlan, app: Starlette, thread: _SinkThread) -> None:
    config = uvicorn.Config(
        app,
        host=plan.host,
        port=plan.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_STOP_S,
    )
    server = uvicorn.Server(config)

    async def watch() -> None:
        while not thread.failed.is_set():
            await asyncio.sleep(0.2)
        server.should_exit = True

    async with _running(watch()):
        await server.serve()
