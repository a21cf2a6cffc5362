"""A small programme, and a replay of it with everything around it, for tests of the replay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.programmes.programme import Chapter, Programme
from producers.reading import Reading
from producers.replay import AVAILABILITY, COMMANDS, FACILITIES, Pace, Replay, Wiring
from producers.spool import Spool
from runtime.log import OutRecord
from runtime.publisher import MemoryPublisher
from schemas.events import (
    Availability,
    Basis,
    DataKind,
    Direction,
    Facility,
    Form,
    Provenance,
    Quality,
    SourceKind,
    Tick,
)

HOUR = timedelta(hours=1)
FIRST = datetime(2007, 3, 1, tzinfo=UTC)
SECOND = datetime(2007, 4, 20, tzinfo=UTC)
PLANTS = ("a", "b", "c")
TOPICS = {AVAILABILITY: 3, FACILITIES: 3, COMMANDS: 2}


@dataclass(frozen=True)
class Hourly:
    """One reading an hour of every plant."""

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        end = after.replace(minute=0, second=0, microsecond=0) + HOUR
        while end <= until:
            for plant in PLANTS:
                yield Reading(
                    source=f"meter/{plant}",
                    facility=plant,
                    material="fly_ash",
                    direction=Direction.SUPPLY,
                    form=Form.FLOW,
                    source_kind=SourceKind.REPLAY,
                    quantity=int(end.timestamp()) % 1000,
                    unit="GRM",
                    period_start=end - HOUR,
                    period_end=end,
                    observed_at=end,
                    quality=Quality.ESTIMATED,
                    data_kind=DataKind.SIMULATED,
                    basis=Basis.DRY,
                )
            end += HOUR


def a_facility(name: str) -> Facility:
    return Facility(
        id=name,
        programme="p",
        name=name,
        latitude=0.0,
        longitude=0.0,
        industry="3510",
        valid_from=datetime(2000, 1, 1, tzinfo=UTC),
        provenance=Provenance.SAMPLE,
        source="test",
        country="US",
    )


PROGRAMME = Programme(
    id="p",
    name="P",
    chapters=(
        Chapter(label="one", start=FIRST, end=FIRST + 48 * HOUR, speed=7200.0),
        Chapter(label="two", start=SECOND, end=SECOND + 24 * HOUR, speed=3600.0),
    ),
    facilities=tuple(a_facility(plant) for plant in PLANTS),
    exclusions=(),
    streams=(Hourly(),),
)


class Book:
    """Encodes an event as its place in a list, so that a test gets the very event back."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def encode(self, event: object) -> bytes:
        self.events.append(event)
        return str(len(self.events) - 1).encode()

    def event(self, record: OutRecord) -> object:
        assert record.value is not None
        return self.events[int(record.value)]


def by_first_letter(routing_key: str, partitions: int) -> int:
    return ord(routing_key[0]) % partitions


@dataclass
class Stand:
    """A replay with everything around it."""

    folder: Path
    book: Book
    publisher: MemoryPublisher
    spool: Spool
    replay: Replay

    def ticks(self, topic: str = AVAILABILITY, partition: int = 0) -> list[Tick]:
        events = [self.book.event(one) for one in self.records(topic, partition)]
        return [event for event in events if isinstance(event, Tick)]

    def records(self, topic: str, partition: int) -> list[OutRecord]:
        place = (topic, partition)
        return [
            one for one in self.publisher.acknowledged if (one.tp.topic, one.tp.partition) == place
        ]

    def published(self) -> list[Availability]:
        events = [self.book.event(one) for one in self.publisher.acknowledged]
        return [event for event in events if isinstance(event, Availability)]

    def reopened(self, pace: Pace | None = None) -> Stand:
        """Start again on the same spool, as after a restart."""
        self.spool.close()
        return stand(self.folder, self.book, self.publisher, pace)


def stand(folder: Path, book: Book, publisher: MemoryPublisher, pace: Pace | None = None) -> Stand:
    spool = Spool(folder / "p.spool", book.encode, fresh_epoch=1)
    replay = Replay(PROGRAMME, spool, publisher, Wiring(book.encode, by_first_letter), pace)
    return Stand(folder, book, publisher, spool, replay)


def run(one: Stand, seconds: float, start: float = 0.0, step: float = 0.5) -> None:
    for number in range(int(seconds / step) + 1):
        one.replay.step(start + number * step)


def identity(event: Availability) -> tuple[str, str, int, int, datetime, int]:
    return (
        event.source,
        event.facility,
        event.epoch,
        event.sequence,
        event.period_end,
        event.quantity,
    )
