"""The REST server on topics in memory and an engine of its own, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from console.app import Served, application
from console.changes import Changes
from console.commands import Commands
from console.documents import Documents
from console.feed import Feed
from console.ledger_readers import LedgerReaders
from console.rows import Rows
from console.state import StoreState
from console.stream import Stream
from console.views import Views
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.memory_sink_source import MemoryTopics
from runtime.metrics import Metrics
from runtime.publisher import MemoryPublisher, Publisher
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.events import Event
from sinks.ledger_status import LedgerStatus
from synergy.catalogue import load_catalogue
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import SCHEMA_IDS

TOPICS = (
    topic_files.MATCHES,
    topic_files.TRANSACTIONS,
    topic_files.POSITIONS,
    topic_files.COMMANDS,
    topic_files.OUTCOMES,
    topic_files.ALERTS,
    topic_files.REJECTED,
)
LEDGER_CODEC = Codec(
    {
        "".join(part.title() for part in name.split("_")): number
        for name, number in SCHEMA_IDS.items()
    }
)


@dataclass
class Desk:
    """`show` puts an event on a topic and lets the feed read it."""

    app: Starlette
    topics: MemoryTopics
    feed: Feed
    views: Views
    changes: Changes
    stream: Stream
    codec: Codec
    publisher: MemoryPublisher
    ledger: EngineLedger
    readers: LedgerReaders

    def record(self, topic: str, event: Event) -> None:
        """Put an event into the ledger, as its sink does."""
        self.ledger.append_bytes(LEDGER_CODEC.encode(event), topic=topic)
        self.ledger.drain()

    def show(self, topic: str, event: Event) -> None:
        self.topics.append(TopicPartition(topic, 0), b"key", self.codec.encode(event))
        self.read()

    def read(self) -> None:
        self.feed.take(self.feed.source.poll(1000, 0.0))


@contextmanager
def open_desk(path: Path, publisher: Publisher | None = None) -> Generator[Desk]:
    """Open a desk; commands go to `publisher`, or are kept in memory."""
    ids = {name: number for number, name in enumerate(sorted(record_schemas()), start=1)}
    codec, views, changes = Codec(ids), Views(), Changes("run1")
    topics = MemoryTopics(dict.fromkeys(TOPICS, 1))
    catalogue = load_catalogue()
    documents, rows = Documents(views, catalogue), Rows.of(views, catalogue)
    feed = Feed(topics.source("views"), codec, views, changes, logger("tests"))
    kept = MemoryPublisher({topic_files.COMMANDS: 4})
    with open_ledger(path) as ledger:
        readers = LedgerReaders.of(ledger.database)
        state = StoreState(
            views=views,
            documents=documents,
            feed=feed,
            sink_status=lambda: LedgerStatus(problem=None),
            ledger=readers,
            kafka=KafkaLog(KafkaConnection("127.0.0.1:1")),
            clock=SystemClock(),
            log=logger("tests"),
        )
        stream = Stream(changes, views, documents, rows)
        commands = Commands(publisher or kept, codec, views, changes, SystemClock(), asyncio.Lock())
        served = Served(state=state, commands=commands, stream=stream, metrics=Metrics())
        feed.open()
        yield Desk(
            app=application(served),
            topics=topics,
            feed=feed,
            views=views,
            changes=changes,
            stream=stream,
            codec=codec,
            publisher=kept,
            ledger=ledger,
            readers=readers,
        )
        readers.close()
