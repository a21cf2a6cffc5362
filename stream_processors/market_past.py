"""Where the market's state comes from when there is no changelog: its own topics, and its inputs as far as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runtime.log import LogError, Record, TopicPartition
from runtime.stage import Begun, Past
from schemas import topic_files
from schemas.codec import Codec
from schemas.errors import DecodeError
from schemas.events import (
    Alert,
    Command,
    Event,
    FacilityFacts,
    Match,
    Outcome,
    Position,
    Rejected,
    Tick,
    Transaction,
    Unmatched,
)
from stream_processors.rejection import coordinates
from synergy.catalogue import Catalogue
from synergy.market import MarketState, Received
from synergy.market.fold import Fold

Place = tuple[str, int, bytes | None]


class UnreadablePastError(LogError):
    """A record of an output topic is no event: the state can't be folded from it."""

    def __init__(self, tp: TopicPartition, offset: int, error: DecodeError) -> None:
        super().__init__(
            f"{tp.topic}[{tp.partition}] at {offset} can't be read, and the state is the fold of that topic: {error}"
        )


@dataclass(frozen=True, slots=True)
class MarketPast:
    """The past of one partition. `rejected` are the inputs that the market did not accept: they changed nothing."""

    past: Past
    partition: int
    codec: Codec
    fold: Fold
    rejected: set[Place]

    @classmethod
    def of(cls, past: Past, partition: int, codec: Codec, catalogue: Catalogue) -> MarketPast:
        """Return the past of a partition, with nothing folded."""
        return cls(past, partition, codec, Fold(catalogue), set())

    def begun(self, stage: str) -> Begun[MarketState]:
        """Fold everything and say where reading goes on."""
        self._note_rejected(stage)
        for topic in (topic_files.MATCHES, topic_files.TRANSACTIONS, topic_files.OUTCOMES):
            for event, record in self._published(topic):
                self._take(event, record.timestamp_ms)
        next_ = {
            topic_files.POSITIONS: self._fold_positions(),
            topic_files.COMMANDS: self._fold_commands(),
            topic_files.ALERTS: self._fold_alerts(),
        }
        return Begun(self.fold.state(), next_)

    def _note_rejected(self, stage: str) -> None:
        topic = topic_files.REJECTED
        for record in self.past.read(topic, *self.past.bounds(topic)):
            event = self._input(topic, record)
            if isinstance(event, Rejected) and event.stage == stage:
                self.rejected.add((event.origin.topic, event.origin.offset, event.value))

    def _take(self, event: Event, at_ms: int) -> None:
        match event:
            case Match():
                self.fold.take_match(event, at_ms)
            case Unmatched():
                self.fold.take_unmatched(event, at_ms)
            case Transaction():
                self.fold.take_transaction(event, at_ms)
            case Outcome():
                self.fold.take_outcome(event, at_ms)
            case _:
                return  # not the market's word

    def _fold_positions(self) -> int:
        """Fold what was applied, and return where that ends."""
        topic = topic_files.POSITIONS
        start, end = self.past.bounds(topic)
        next_, cited = self.past.reached(topic), self.fold.cited()
        for record in self.past.read(topic, next_, end):
            if (record.offset, record.key) in cited or self._is_rejected(topic, record):
                next_ = record.offset + 1
        tp = TopicPartition(topic, self.partition)
        for record in self.past.read(topic, start, next_):
            event = self._input(topic, record)
            if isinstance(event, Position):
                at, value = coordinates(tp, record.offset), record.value or b""
                self.fold.take_position(Received(event, at, value))
            elif isinstance(event, FacilityFacts):
                self.fold.take_facts(event)
        return next_

    def _fold_commands(self) -> int:
        """Fold the ticks before the first command that was not answered, as far as they were applied."""
        topic = topic_files.COMMANDS
        start, end = self.past.bounds(topic)
        next_ = self.past.reached(topic)
        for record in self.past.read(topic, next_, end):
            event = self._input(topic, record)
            if isinstance(event, Command) and not self.fold.has_answered(event):
                break
            spoken = isinstance(event, Tick) and self.fold.has_spoken_at(event)
            if spoken or isinstance(event, Command) or self._is_rejected(topic, record):
                next_ = record.offset + 1
        for record in self.past.read(topic, start, next_):
            event = self._input(topic, record)
            if isinstance(event, Tick):
                self.fold.take_tick(event)
        return next_

    def _fold_alerts(self) -> int:
        """Fold all alerts, and return the first record that asks for a word of the market."""
        topic = topic_files.ALERTS
        start, end = self.past.bounds(topic)
        next_, reached = end, self.past.reached(topic)
        for record in self.past.read(topic, start, end):
            event = self._input(topic, record)
            if isinstance(event, Alert):
                self.fold.take_alert(event, record.offset)
            elif record.offset >= reached and not self._changed_nothing(topic, record):
                next_ = min(next_, record.offset)
        return min((next_, *self.fold.unanswered()))

    def _published(self, topic: str) -> Iterator[tuple[Event, Record]]:
        tp = TopicPartition(topic, self.partition)
        for record in self.past.read(topic, *self.past.bounds(topic)):
            try:
                yield self.codec.decode(record.value or b""), record
            except DecodeError as error:
                raise UnreadablePastError(tp, record.offset, error) from error

    def _input(self, topic: str, record: Record) -> Event | None:
        """Return the event of an input; None for what changed nothing."""
        if record.value is None or self._is_rejected(topic, record):
            return None
        try:
            return self.codec.decode(record.value)
        except DecodeError:
            return None

    def _is_rejected(self, topic: str, record: Record) -> bool:
        return (topic, record.offset, record.value) in self.rejected

    def _changed_nothing(self, topic: str, record: Record) -> bool:
        return record.value is None or self._is_rejected(topic, record)
