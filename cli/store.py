"""The store process: the ledger sink in a thread, views and REST on the event loop. It owns the ledger."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette

from cli.loops import running
from cli.reading_gateway import Gateway
from cli.sending import SendingThread
from cli.store_checks import StoreChecks
from cli.store_views import begin_views
from console.alarms import Alarms
from console.app import Served, application
from console.changes import Changes
from console.commands import Commands
from console.documents import Documents
from console.feed import Feed
from console.ledger_readers import LedgerReaders
from console.readings import Readings, SeenPlants
from console.rows import Rows
from console.state import StoreState
from console.stream import Stream
from console.tokens import Tokens
from console.views import Views
from producers.gateway.intake import ReadingIntake
from runtime.clickhouse import ClickHouse, ClickHouseServer, EmbeddedEngine, open_database
from runtime.clock import Clock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_producer import KafkaPublisher
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.logs import Logger
from runtime.metrics import Metrics
from runtime.prefetching_source import PrefetchingSource
from runtime.process_memory import collect_rarely
from schemas.codec import Codec
from schemas.event_blocks import EventBlocks
from schemas.topic_files import topic_files
from sinks.ledger import POLL_RECORDS, LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_opening import LedgerStoppedError, Permissions
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import RowSorter
from sinks.ledger_store import DatabaseStore
from sinks.ledger_tables import read_columns
from sinks.migrate import migrate, shipped
from sinks.writers import Writers, WriterSchemas

_STOP_S = 2
_LEDGER_FETCH_BYTES = 256 * 1024
"""Under load a partition is written every two seconds: asked for less, the broker answers a hundred times a second."""
_COMMAND_TIMEOUT_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """What the store is told. `ledger` is the embedded engine's folder or a server."""

    ledger: EmbeddedEngine | ClickHouseServer
    connection: KafkaConnection
    host: str
    port: int
    names: frozenset[str] = frozenset()
    permissions: Permissions = field(default_factory=Permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTools:
    """What the store works with. `draw_bytes` gives eight random bytes."""

    codec: Codec
    schemas: WriterSchemas
    draw_bytes: Callable[[], bytes]
    documents: Documents
    rows: Rows
    views: Views
    intake: ReadingIntake
    tokens: Tokens
    clock: Clock
    log: Logger
    metrics: Metrics


def ledger_topics() -> tuple[str, ...]:
    """Return the topics that are kept in the ledger: all that carry events."""
    return tuple(name for name, topic in topic_files().items() if topic.records)


def _source(
    connection: KafkaConnection, group: str, kilobytes: int, gather_bytes: int = 1
) -> KafkaSinkSource:
    client: Mapping[str, str | int | float | bool] = dict(connection.security)
    settings = SinkSourceSettings(
        bootstrap=connection.bootstrap,
        group=group,
        queue_kilobytes=kilobytes,
        gather_bytes=gather_bytes,
        client=client,
    )
    return KafkaSinkSource(settings)


def _sink(plan: StorePlan, tools: StoreTools, database: ClickHouse) -> LedgerSink:
    tables = read_columns(database)
    sorter = RowSorter(tables, Writers(tables, tools.schemas), tools.draw_bytes)
    writer = RangeWriter(DatabaseStore(database), sorter, tools.draw_bytes().hex())
    parts = SinkParts(
        source=PrefetchingSource(
            _source(plan.connection, "synergy.ledger", 16 * 1024, _LEDGER_FETCH_BYTES),
            POLL_RECORDS,
        ),
        writer=writer,
        clock=tools.clock,
        log=tools.log,
        metrics=tools.metrics,
    )
    return LedgerSink(parts, SinkPlan(topics=ledger_topics(), permissions=plan.permissions))


class _SinkThread:
    """Runs the sink; `failed` is set when it, or another loop of the store, ends by itself."""

    def __init__(self, sink: LedgerSink, log: Logger) -> None:
        self.sink = sink
        self._log = log
        self._stop = threading.Event()
        self.failed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def loop_ended(self, loop: str, error: BaseException | None) -> None:
        """Take a loop of the store that ended by itself as its end: half a store would look like a whole one."""
        self._log.error("a loop has ended", loop=loop, cause=str(error), exc_info=error)
        self.failed.set()

    def _run(self) -> None:
        try:
            self.sink.run(self._stop.wait)
        except LedgerStoppedError as error:
            self._log.error("the ledger has stopped", cause=str(error), code=error.reason)
            self.failed.set()
        except Exception as error:
            self._log.error("the ledger has stopped", cause=str(error), exc_info=error)
            self.failed.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
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
        collect_rarely()
        thread = _SinkThread(_sink(plan, tools, database), tools.log)
        readers = LedgerReaders.of(database)
        try:
            await _run(plan, tools, readers, thread)
        finally:
            thread.stop()
            readers.close()
        return not thread.failed.is_set()
    finally:
        database.close()


async def _run(
    plan: StorePlan, tools: StoreTools, readers: LedgerReaders, thread: _SinkThread
) -> None:
    changes = Changes(tools.draw_bytes().hex())
    source = _source(plan.connection, "synergy.views", 4 * 1024)
    blocks = EventBlocks(tools.codec, lambda: int.from_bytes(tools.draw_bytes()) >> 1)
    feed = Feed(source, blocks, tools.views, changes, tools.log)
    await asyncio.to_thread(begin_views, feed, readers, tools.log)
    state = StoreState(
        views=tools.views,
        documents=tools.documents,
        feed=feed,
        sink_status=lambda: thread.sink.status,
        ledger=readers,
        kafka=KafkaLog(plan.connection),
        clock=tools.clock,
        log=tools.log,
    )
    served = _served(plan, tools, state, changes)
    checks = StoreChecks(
        source=lambda: _source(plan.connection, "synergy.ledger.check", 4 * 1024),
        database=readers.database,
        state=state,
        metrics=tools.metrics,
        clock=tools.clock,
        log=tools.log,
    )
    alarms = _alarms(plan, tools, state)
    thread.start()
    sending = SendingThread(tools.intake, tools.log, tools.metrics)
    sending.start()
    try:
        loops = (feed.run(), state.run(), checks.run(), alarms.run())
        async with running(*loops, ended=thread.loop_ended):
            await _serve(plan, application(served), thread, changes)
    finally:
        await asyncio.to_thread(sending.stop)


def _commands(plan: StorePlan, tools: StoreTools, changes: Changes) -> Commands:
    return Commands(
        _publisher(plan), tools.codec, tools.views, changes, tools.clock, asyncio.Lock()
    )


def _served(plan: StorePlan, tools: StoreTools, state: StoreState, changes: Changes) -> Served:
    return Served(
        state=state,
        commands=_commands(plan, tools, changes),
        readings=_readings(tools, state.feed),
        stream=Stream(changes, tools.views, tools.documents, tools.rows),
        metrics=tools.metrics,
        names=plan.names,
    )


def _alarms(plan: StorePlan, tools: StoreTools, state: StoreState) -> Alarms:
    alarms = Alarms(
        publisher=_publisher(plan),
        codec=tools.codec,
        views=tools.views,
        lags=state.partition_lags,
        clock=tools.clock,
        log=tools.log,
    )
    state.feed.listener = alarms.hear
    return alarms


def _publisher(plan: StorePlan) -> KafkaPublisher:
    return KafkaPublisher(
        {
            "bootstrap.servers": plan.connection.bootstrap,
            **plan.connection.security,
            "message.timeout.ms": _COMMAND_TIMEOUT_MS,
        }
    )


def _readings(tools: StoreTools, feed: Feed) -> Readings:
    gateway = Gateway(tools.intake, tools.documents.catalogue)
    known = SeenPlants(tools.views, tools.clock)
    return Readings(gateway, tools.tokens, known, lambda: feed.caught_up)


async def _serve(plan: StorePlan, app: Starlette, thread: _SinkThread, changes: Changes) -> None:
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
        while not (thread.failed.is_set() or server.should_exit):
            await asyncio.sleep(0.1)
        server.should_exit = True
        changes.close()  # streams would keep the server waiting

    async with running(watch(), ended=lambda _name, _error: None):
        await server.serve()
