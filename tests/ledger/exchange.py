"""Both stages on topics in memory, one partition each, whose every record goes into a real ledger.

`say` publishes readings and facilities, `order` a command; each is one more minute on the clock, which is the append
time of everything that it causes. `settle` writes it all into the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from runtime.log import Batch, OutRecord, Record, Records, TopicPartition
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.block import BlockReaders
from schemas.codec import Codec
from schemas.event_blocks import EventBlocks
from schemas.events import Availability, Command, Event, Facility, Match, Rejected, Tick
from schemas.topic_files import topics_of
from stream_processors.balance import BalanceStage, material_rules
from stream_processors.market import MarketStage
from stream_processors.outbox import Outbox
from synergy.catalogue import load_catalogue
from tests.ledger.engine import EngineLedger
from tests.ledger.samples import SCHEMA_IDS

MINUTE = timedelta(minutes=1)
MORNING = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
BALANCE = (topic_files.FACILITIES, topic_files.AVAILABILITY)
MARKET = (topic_files.POSITIONS, topic_files.COMMANDS, topic_files.ALERTS)
_FILE_NAMES = {name.lower(): number for name, number in SCHEMA_IDS.items()}


def ledger_codec() -> Codec:
    """A codec with the schema ids that the ledger's registry of the tests has."""
    ids = {record: _FILE_NAMES[_file_name(record)] for record in record_schemas()}
    return Codec(ids)


def _file_name(record: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in record).removeprefix("_")


@dataclass
class Exchange:
    """The stages and the ledger behind them."""

    ledger: EngineLedger
    codec: Codec = field(default_factory=ledger_codec)
    now: datetime = MORNING
    events: list[Event] = field(default_factory=list[Event])
    _next: dict[str, int] = field(default_factory=dict[str, int])
    _read: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        catalogue = load_catalogue()
        one_each = dict.fromkeys(topic_files.topic_files(), 1)
        self.balance = BalanceStage(
            material_rules(catalogue),
            BlockReaders(self.codec),
            Outbox("balance", self.codec, one_each),
            1,
            lambda: 7,
        )
        self.market = MarketStage(
            catalogue,
            EventBlocks(self.codec, lambda: 7),
            Outbox("market", self.codec, one_each),
        )
        self.balances = self.balance.restore(0, {})
        self.markets = self.market.restore(0, {})

    @property
    def now_us(self) -> int:
        """The clock."""
        return int(self.now.timestamp()) * 1_000_000

    def say(self, *events: Availability | Facility | Tick) -> int:
        """Publish events in one batch and let the stages work; return the offset of the first."""
        (topic,) = {_topic(event) for event in events}
        return self._publish(topic, [(_key(event), self.codec.encode(event)) for event in events])

    def order(self, command: Command) -> None:
        """Publish a command and let the market answer."""
        self._publish(topic_files.COMMANDS, [(b"key", self.codec.encode(command))])

    def send_bytes(self, *values: bytes) -> int:
        """Publish what may be no event on the topic of readings; return the offset of the first."""
        return self._publish(topic_files.AVAILABILITY, [(b"key", value) for value in values])

    def settle(self) -> None:
        """Write everything into the ledger."""
        self.ledger.drain()

    def matches(self) -> list[Match]:
        """The newest version of every match."""
        found = {event.id: event for event in self.events if isinstance(event, Match)}
        return list(found.values())

    def rejections(self) -> list[Rejected]:
        """What was rejected."""
        return [event for event in self.events if isinstance(event, Rejected)]

    def _publish(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> int:
        self.now += MINUTE
        first = self._write([OutRecord(TopicPartition(topic, 0), *one) for one in records])
        applied = self._applied(BALANCE)
        if topic in BALANCE:
            self.balance.apply(self.balances, self._batch(topic, first), self.now_us)
            self.balance.tick(self.balances, self.now_us)
            self._write(self.balance.freeze(self.balances, applied).outputs)
        while unread := [one for one in MARKET if self._end(one) > self._read.get(one, 0)]:
            self._let_market_read(unread)
        return first

    def _let_market_read(self, topics: Iterable[str]) -> None:
        for topic in topics:
            batch = self._batch(topic, self._read.get(topic, 0))
            self._read[topic] = batch.next
            self.market.apply(self.markets, batch, self.now_us)
        self.market.tick(self.markets, self.now_us)
        while (job := self.market.job(self.markets)) is not None:
            self.market.absorb(self.markets, job.run(), self.now_us)
        self._write(self.market.freeze(self.markets, self._applied(MARKET)).outputs)

    def _applied(self, topics: Iterable[str]) -> Mapping[str, int]:
        return {topic: self._end(topic) for topic in topics}

    def _end(self, topic: str) -> int:
        return self._next.get(topic, 0)

    def _write(self, records: Iterable[OutRecord]) -> int:
        first = -1
        for record in records:
            offset = self.ledger.topics.append(
                record.tp, record.key, record.value, self.now_us // 1_000
            )
            first = offset if first < 0 else first
            self._next[record.tp.topic] = offset + 1
            if record.value is not None and record.tp.topic != topic_files.AVAILABILITY:
                self.events.append(self.codec.decode(record.value))
        return first

    def _batch(self, topic: str, first: int) -> Batch:
        tp = TopicPartition(topic, 0)
        source = self.ledger.topics.source("exchange")
        source.assign({tp: first})
        columns = source.poll(1_000_000, 0.0)[tp].columns
        kept = zip(
            columns.offsets, columns.keys, columns.values, columns.timestamps_ms, strict=True
        )
        records = Records.of(Record(*one) for one in kept)
        return Batch(tp, first, self._end(topic), 1, records)


def _topic(event: Event) -> str:
    if isinstance(event, Tick):
        return topic_files.AVAILABILITY
    return topics_of(type(event).__name__)[0].name


def _key(event: Event) -> bytes:
    """A facility's record has its id as the key, as compaction needs it."""
    return event.id.encode() if isinstance(event, Facility) else b"key"
