"""The REST server on topics in memory and an engine of its own, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from cli.reading_gateway import Gateway
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
from producers.spool import Spool
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
from schemas.event_blocks import EventBlocks
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

EVERYTHING = "token-of-the-operator"
ONE_MILL = "token-of-the-one-mill"
TOKENS = f"operator {EVERYTHING} *; mill {ONE_MILL} mill programme:elsewhere"


@dataclass
class Desk:
    """`show` puts an event on a topic and lets the feed read it; `sent` is where readings go once `intake` sends."""

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
    intake: ReadingIntake
    sent: MemoryPublisher

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
    feed = Feed(
        topics.source("views"), EventBlocks(codec, lambda: 7), views, changes, logger("tests")
    )
    clock = SystemClock()
    kept = MemoryPublisher({topic_files.COMMANDS: 4})
    sent = MemoryPublisher({topic_files.AVAILABILITY: 4})
    intake = ReadingIntake(Spool(path.parent / "readings.sqlite", codec.encode, 1), sent, clock)
    with open_ledger(path) as ledger:
        readers = LedgerReaders.of(ledger.database)
        state = StoreState(
            views=views,
            documents=documents,
            feed=feed,
            sink_status=lambda: LedgerStatus(problem=None),
            ledger=readers,
            kafka=KafkaLog(KafkaConnection("127.0.0.1:1")),
            clock=clock,
            log=logger("tests"),
        )
        stream = Stream(changes, views, documents, rows)
        commands = Commands(publisher or kept, codec, views, changes, clock, asyncio.Lock())
        served = Served(
            state=state,
            commands=commands,
            readings=Readings(
                Gateway(intake, documents.catalogue),
                Tokens.parse(TOKENS),
                SeenPlants(views, clock),
                lambda: feed.caught_up,
            ),
            stream=stream,
            metrics=Metrics(),
        )
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
            intake=intake,
            sent=sent,
        )
        readers.close()
    intake.close()
