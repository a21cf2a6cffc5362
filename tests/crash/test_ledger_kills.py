"""The ledger sink, killed with SIGKILL again and again while the engine inserts, holds every record once.

    python -m tests.crash.test_ledger_kills 200

runs as many lives as are asked for.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer

from runtime.clickhouse import EmbeddedEngine, open_database
from runtime.topics import TopicAdmin, TopicSpec
from schemas.topic_files import AVAILABILITY
from sinks.ledger_tables import LEDGER_TABLES
from tests.conftest import running_kafka
from tests.crash.ledger_life import PARTITIONS
from tests.ledger.samples import availability, frame, tick

LIFE = Path(__file__).with_name("ledger_life.py")
ROOT = Path(__file__).resolve().parents[2]
KILLS_IN_CI = 8
RECORDS_A_LIFE = 1_500


@contextmanager
def cluster(var: Path) -> Generator[tuple[Producer, str]]:
    """Give a producer for a broker with the topic, and the broker's address.

    librdkafka's mock cluster won't do: it knows nothing of static members, so that each life waits for the session of
    the one before.
    """
    with running_kafka(var) as bootstrap:
        config = {"bootstrap.servers": bootstrap}
        TopicAdmin(config).apply([TopicSpec(AVAILABILITY, PARTITIONS)])
        yield Producer({**config, "linger.ms": 0}), bootstrap


def produce(producer: Producer, first: int, count: int) -> None:
    """Write events, a tick now and then, tombstones and records that are no event."""
    ticked = frame("tick", tick())
    for number in range(first, first + count):
        value: bytes | None = frame("availability", availability(number + 1))
        match number % 50:
            case 11:
                value = ticked
            case 23:
                value = b"no event"
            case 37:
                value = None
            case _:
                pass
        producer.produce(AVAILABILITY, value, b"key", number % PARTITIONS)
        if number % 1_000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0


def live(bootstrap: str, folder: Path, session: int, milliseconds: int) -> str | None:
    """Run one life; return what it said, or None when it was killed."""
    done = subprocess.run(
        [sys.executable, str(LIFE), bootstrap, str(folder), f"life-{session}", str(milliseconds)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-2_000:]
    return done.stdout if done.returncode == 0 else None


def offsets_in(folder: Path) -> list[tuple[int, int]]:
    """Return partition and offset of every row of every table."""
    selects = " UNION ALL ".join(
        f"SELECT _partition, _offset FROM {table}"  # noqa: S608 - names of our own tables
        for table in LEDGER_TABLES
    )
    database = open_database(EmbeddedEngine(path=folder))
    found = database.query(selects).rows
    database.close()
    return [(int(str(partition)), int(str(offset))) for partition, offset in found]


def rounds(folder: Path, kills: int, seed: int) -> tuple[int, int]:
    """Kill so many lives, let the last one live, and check; return records and kills that hit."""
    choose = random.Random(seed)  # noqa: S311 - moments, no secrets
    hits = 0
    ledger = folder / "ledger"
    with cluster(folder / "kafka") as (producer, bootstrap):
        written = 0
        for session in range(kills):
            produce(producer, written, RECORDS_A_LIFE)
            written += RECORDS_A_LIFE
            hits += live(bootstrap, ledger, session, choose.randint(1, 400)) is None
        said = live(bootstrap, ledger, kills, 0)
        assert said is not None
        found = offsets_in(ledger)
        expected = {(number % PARTITIONS, number // PARTITIONS) for number in range(written)}
        assert expected - set(found) == set(), "lost"
        assert len(found) == len(set(found)), "doubled"
        assert set(found) == expected
    return written, hits


@pytest.mark.slow
def test_a_sink_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    _, hits = rounds(tmp_path, KILLS_IN_CI, seed=7)
    assert hits > 0


def main() -> None:
    """Run as many lives as asked for."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        written, hits = rounds(Path(folder), kills, seed=kills)
    sys.stdout.write(f"{written} records, {hits} kills: none lost, none doubled\n")


if __name__ == "__main__":
    main()
