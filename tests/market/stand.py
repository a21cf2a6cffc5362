"""The market stage of one partition on topics in memory, with its changelog and what its group has committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field

from runtime.log import Batch, OutRecord, Record, Records, TopicPartition
from schemas import topic_files
from schemas.errors import DecodeError
from schemas.events import Alert, Command, Event, FacilityFacts, Position, Tick
from schemas.identity import series_key
from stream_processors.market import MarketPartition, MarketStage
from stream_processors.outbox import Outbox
from tests.market.plants import CATALOGUE
from tests.market.values import BLOCKS, CODEC

INPUTS = (topic_files.POSITIONS, topic_files.COMMANDS, topic_files.ALERTS)
OUTPUTS = (
    topic_files.MATCHES,
    topic_files.TRANSACTIONS,
    topic_files.OUTCOMES,
    topic_files.ALERTS,
    topic_files.REJECTED,
)
ONE_EACH = dict.fromkeys(topic_files.topic_files(), 1)
STAGE = MarketStage(CATALOGUE, BLOCKS, Outbox("market", CODEC, ONE_EACH))
NOON_MS = 1_794_000_000_000
"""Some noon of 2026: the clock and the log agree."""


@dataclass
class Topics:
    """Every topic has one partition; implements `runtime.stage.Past`. A transaction ends with a marker."""

    records: dict[str, list[Record]] = field(default_factory=dict[str, list[Record]])
    ends: dict[str, int] = field(default_factory=dict[str, int])
    committed: dict[str, int] = field(default_factory=dict[str, int])
    starts: dict[str, int] = field(default_factory=dict[str, int])

    def append(self, topic: str, key: bytes | None, value: bytes | None, at_ms: int) -> None:
        """Write one record."""
        offset = self.ends.get(topic, 0)
        self.records.setdefault(topic, []).append(Record(offset, key, value, at_ms))
        self.ends[topic] = offset + 1

    def commit(self, records: Sequence[OutRecord], at_ms: int) -> None:
        """Write the outputs of one transaction."""
        for record in records:
            self.append(record.tp.topic, record.key, record.value, at_ms)
        for topic in {record.tp.topic for record in records}:
            self.ends[topic] += 1

    def cut(self, topic: str) -> None:
        """Delete every record of a topic, as retention does."""
        self.starts[topic] = self.ends[topic]
        self.records[topic] = []

    def recreate(self, topic: str) -> None:
        """Delete a topic and make it anew; the broker forgets what the group had committed of it."""
        for known in (self.records, self.ends, self.committed):
            known.pop(topic, None)

    def bounds(self, topic: str) -> tuple[int, int]:
        """See `runtime.stage.Past.bounds`."""
        return self.starts.get(topic, 0), self.ends.get(topic, 0)

    def reached(self, topic: str) -> int:
        """See `runtime.stage.Past.reached`."""
        return self.committed.get(topic, self.bounds(topic)[0])

    def read(self, topic: str, start: int, end: int) -> Iterator[Record]:
        """See `runtime.stage.Past.read`."""
        found = self.records.get(topic, [])
        return iter([record for record in found if start <= record.offset < end])

    def part(self, key: bytes) -> bytes | None:
        """See `runtime.stage.Past.part`."""
        return None


def topic_of(event: Event) -> tuple[str, bytes]:
    """Return topic and key of an input."""
    match event:
        case Position():
            key = series_key(event.facility, event.material, event.direction)
            return topic_files.POSITIONS, key
        case FacilityFacts():
            return topic_files.POSITIONS, event.facility.encode()
        case Command():
            return topic_files.COMMANDS, event.subject.encode()
        case Tick():
            return topic_files.COMMANDS, event.programme.encode()
        case Alert():
            return topic_files.ALERTS, str(event.id).encode()
        case _:
            raise AssertionError(event)


@dataclass
class Stand:
    """A market at work. `parts` is its changelog; `next` is what its state includes."""

    topics: Topics = field(default_factory=Topics)
    parts: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    next: dict[str, int] = field(default_factory=lambda: dict.fromkeys(INPUTS, 0))
    now_ms: int = NOON_MS
    state: MarketPartition = field(default_factory=lambda: STAGE.restore(0, {}))

    def say(self, *events: Event) -> None:
        """Write inputs."""
        for event in events:
            topic, key = topic_of(event)
            self.topics.append(topic, key, CODEC.encode(event), self.now_ms)

    def say_bytes(self, topic: str, value: bytes) -> None:
        """Write an input that may be no event."""
        self.topics.append(topic, b"key", value, self.now_ms)

    def apply(self) -> None:
        """Take in what is there, after the clock."""
        STAGE.tick(self.state, self.now_us)
        for topic in INPUTS:
            tp, end = TopicPartition(topic, 0), self.topics.bounds(topic)[1]
            records = Records.of(self.topics.read(topic, self.next[topic], end))
            STAGE.apply(self.state, Batch(tp, self.next[topic], end, 1, records), self.now_us)
            self.next[topic] = end

    @property
    def now_us(self) -> int:
        """The clock."""
        return self.now_ms * 1_000

    def solve(self) -> None:
        """Run jobs until none is due."""
        for _ in range(60):
            job = STAGE.job(self.state)
            if job is None:
                return
            STAGE.absorb(self.state, job.run(), self.now_us)
        raise AssertionError("the market does not come to rest")

    def commit(self) -> list[OutRecord]:
        """Write what changed, let a second pass, and return what was published."""
        changes = STAGE.freeze(self.state, self.next)
        for key, part in changes.parts.items():
            if part is None:
                self.parts.pop(key, None)
            else:
                self.parts[key] = part
        self.topics.commit(changes.outputs, self.now_ms)
        self.topics.committed = dict(self.next)
        self.now_ms += 1_000
        return list(changes.outputs)

    def work(self) -> list[OutRecord]:
        """Apply, solve and commit until nothing is left to read; return what was published."""
        published: list[OutRecord] = []
        while True:
            self.apply()
            self.solve()
            published += self.commit()
            if all(self.next[topic] >= self.topics.bounds(topic)[1] for topic in INPUTS):
                return published

    def rebuilt(self) -> Stand:
        """The stand of another worker that rebuilt the state, before its first commit."""
        topics = deepcopy(self.topics)
        begun = STAGE.begin(0, topics)
        return Stand(topics, {}, dict(begun.next), self.now_ms, begun.state)

    def restored(self) -> Stand:
        """The stand of another worker that read the changelog."""
        state = STAGE.restore(0, self.parts)
        return Stand(deepcopy(self.topics), dict(self.parts), dict(self.next), self.now_ms, state)


def published(topics: Topics, names: Sequence[str] = OUTPUTS) -> list[Event]:
    """Every event on some topics, topic by topic."""
    found: list[Event] = []
    for record in (record for name in names for record in topics.records.get(name, [])):
        with suppress(DecodeError):
            found.append(CODEC.decode(record.value or b""))
    return found
