"""A replay in a process of its own that a test may kill at any moment. Not a test itself.

Run as `python replayer.py FOLDER [statement|line N]`. The broker is a file: a flush appends the records and
forces them to disk before it returns, as a broker acknowledges what it has. The clock runs 0.5 s a step.
With `statement N` the process kills itself before the Nth SQL statement of the spool, with `line N`
before the Nth line that the broker takes: so every moment of a step can be hit, not only likely ones.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.programmes.programme import Chapter, Programme
from producers.reading import Reading
from producers.replay import Pace, Replay, Wiring
from producers.spool import Spool
from runtime.log import OutRecord
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

MINUTE = timedelta(minutes=1)
START = datetime(2007, 3, 1, tzinfo=UTC)
PLANTS = tuple(f"plant{number}" for number in range(5))


@dataclass(frozen=True)
class EveryMinute:
    """One reading a minute of every plant."""

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield the readings observed in (after, until]."""
        end = after + MINUTE
        while end <= until:
            for plant in PLANTS:
                yield a_reading(plant, end)
            end += MINUTE


def a_reading(plant: str, end: datetime) -> Reading:
    """Return the reading of one plant for the minute before `end`."""
    return Reading(
        source=f"meter/{plant}",
        facility=plant,
        material="fly_ash",
        direction=Direction.SUPPLY,
        form=Form.FLOW,
        source_kind=SourceKind.REPLAY,
        quantity=int(end.timestamp()) % 997,
        unit="GRM",
        period_start=end - MINUTE,
        period_end=end,
        observed_at=end,
        quality=Quality.ESTIMATED,
        data_kind=DataKind.SIMULATED,
        basis=Basis.DRY,
    )


def programme() -> Programme:
    """Return a programme of two chapters."""
    first_end = START + 1000 * MINUTE
    second = START + timedelta(days=50)
    return Programme(
        id="p",
        name="P",
        chapters=(
            Chapter(label="one", start=START, end=first_end, speed=600.0),
            Chapter(label="two", start=second, end=second + 500 * MINUTE, speed=600.0),
        ),
        facilities=tuple(
            Facility(
                id=plant,
                programme="p",
                name=plant,
                latitude=0.0,
                longitude=0.0,
                industry="3510",
                valid_from=datetime(2000, 1, 1, tzinfo=UTC),
                provenance=Provenance.SAMPLE,
                source="test",
                country="US",
            )
            for plant in PLANTS
        ),
        exclusions=(),
        streams=(EveryMinute(),),
    )


def line_of(event: object) -> bytes:
    """Encode what the test compares."""
    match event:
        case Availability():
            parts = (event.source, event.epoch, event.sequence, event.period_end, event.quantity)
            return ("reading|" + "|".join(map(str, parts))).encode()
        case Tick():
            return f"tick|{event.time.isoformat()}|{event.chapter}".encode()
        case _:
            return b"other"


class Countdown:
    """Kills the process at the Nth count, without any clean-up; never when N is 0."""

    def __init__(self, left: int) -> None:
        self._left = left

    def count(self, _statement: str = "") -> None:
        """Count one."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FileBroker:
    """A `runtime.publisher.Publisher` on a file."""

    def __init__(self, path: Path, dies: Countdown) -> None:
        self._file = path.open("ab")
        self._dies = dies
        self._buffer: list[bytes] = []

    def partitions(self, topic: str) -> int:
        """Return 1 for every topic."""
        del topic
        return 1

    def publish(self, record: OutRecord) -> None:
        """Take one record."""
        if record.tp.topic.startswith("synergy.availability"):
            self._buffer.append((record.value or b"") + b"\n")

    def flush(self) -> None:
        """Append line by line, so that a kill leaves a part of the records behind."""
        for line in self._buffer:
            self._dies.count()
            self._file.write(line)
            self._file.flush()
        os.fsync(self._file.fileno())
        self._buffer.clear()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def one_partition(routing_key: str, partitions: int) -> int:
    """Return 0."""
    del routing_key, partitions
    return 0


def main(folder: Path, statement: int, line: int) -> None:
    """Play to the end, from wherever the spool is."""
    broker = FileBroker(folder / "broker", Countdown(line))
    spool = Spool(folder / "p.spool", line_of, fresh_epoch=1)
    database = spool._database  # pyright: ignore[reportPrivateUsage]  # to die between its statements
    database.set_trace_callback(Countdown(statement).count)
    replay = Replay(programme(), spool, broker, Wiring(line_of, one_partition), Pace())
    replay.start()
    step = 0
    while not replay.ended:
        replay.step(step * 0.5)
        step += 1
    replay.step(step * 0.5 + 10)
    spool.close()
    broker.close()


if __name__ == "__main__":
    where, at = sys.argv[2:] if len(sys.argv) > 2 else ("none", "0")
    main(
        Path(sys.argv[1]),
        statement=int(at) if where == "statement" else 0,
        line=int(at) if where == "line" else 0,
    )
