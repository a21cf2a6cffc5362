"""A durable outbox in SQLite: it gives readings their identities and keeps them until they are sent.

One transaction assigns the sequence numbers, stores the encoded events and moves the source's position.
After a crash the source goes on from that position, and what was stored but not acknowledged is sent
again under the same identities: nothing is lost, and a repeat is told by its identity.

Write-ahead log with synchronous FULL: NORMAL would survive a killed process but not a lost power supply,
and then a sequence that Kafka has already seen would be given to another reading.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from producers.errors import SpoolError
from producers.reading import Reading
from schemas.events import Availability
from schemas.identity import series_key

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE spool (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, position TEXT);
CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    facility TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    UNIQUE (source, facility)
);
CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL REFERENCES streams,
    sequence INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A stored event that the broker has not acknowledged. `place` orders the spool."""

    place: int
    facility: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True, order=True)
class SpooledRange:
    """The identities of one source and facility: sequences 1 to `last`, of which 1 to `acknowledged` are sent."""

    source: str
    facility: str
    epoch: int
    last: int
    acknowledged: int


class Spool:
    """One spool file. One thread at a time, one process at a time.

    Args:
        path: The SQLite file; the folder exists. Beside it, `<path>.epoch` outlives a lost spool.
        encode: Makes the record's value of an event.
        fresh_epoch: Least epoch for a spool that starts empty, for example seconds since 1970; it is
            raised above the epoch that `<path>.epoch` remembers.

    Raises:
        SpoolError: the file is not a spool of this version, or another process has it.
    """

    def __init__(
        self, path: Path, encode: Callable[[Availability], bytes], fresh_epoch: int
    ) -> None:
        self._path = path
        self._encode = encode
        self._epoch = 0
        self._streams: dict[tuple[str, str], list[int]] = {}
        self._lock = _locked(path)
        self._database = sqlite3.connect(path, isolation_level=None)
        try:
            self._prepare(fresh_epoch)
        except sqlite3.DatabaseError as error:
            self.close()
            raise SpoolError(str(path), str(error)) from error
        except SpoolError:
            self.close()
            raise

    @property
    def epoch(self) -> int:
        """The epoch of every identity that this spool gives."""
        return self._epoch

    @property
    def position(self) -> str | None:
        """What the source last stored as its position, or None in an empty spool."""
        (position,) = self._database.execute("SELECT position FROM spool").fetchone()
        return None if position is None else str(position)

    def append(self, readings: Iterable[Reading], position: str) -> int:
        """Give identities to the readings, store them and move the position: all or nothing.

        Returns:
            How many were stored.
        """
        rows: list[tuple[int, int, bytes, bytes]] = []
        try:
            with self._transaction():
                rows.extend(self._row(reading) for reading in readings)
                self._database.executemany(
                    "INSERT INTO outbox (stream, sequence, key, value) VALUES (?, ?, ?, ?)", rows
                )
                self._store_sequences(rows)
                self._database.execute("UPDATE spool SET position = ?", (position,))
        except BaseException:
            self._streams = self._read_streams()
            raise
        return len(rows)

    def unsent(self, after: int, limit: int) -> list[Spooled]:
        """Return stored events behind this place that are not acknowledged, oldest first."""
        rows = self._database.execute(
            "SELECT place, facility, key, value FROM outbox JOIN streams USING (stream)"
            " WHERE place > ? ORDER BY place LIMIT ?",
            (after, limit),
        )
        return [Spooled(*row) for row in rows]

    def acknowledge(self, place: int) -> None:
        """Note that the broker has everything up to and including this place, and drop it."""
        with self._transaction():
            self._database.execute(
                "UPDATE streams SET acknowledged = sent.last FROM"
                " (SELECT stream, max(sequence) AS last FROM outbox WHERE place <= ? GROUP BY stream)"
                " AS sent WHERE streams.stream = sent.stream",
                (place,),
            )
            self._database.execute("DELETE FROM outbox WHERE place <= ?", (place,))

    def identities(self) -> tuple[SpooledRange, ...]:
        """Return every identity ever given, as ranges, in order of source and facility."""
        return _ranges(self._database)

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._database.close()
        self._lock.close()

    def _row(self, reading: Reading) -> tuple[int, int, bytes, bytes]:
        name = (reading.source, reading.facility)
        stream = self._streams.get(name)
        if stream is None:
            inserted = self._database.execute(
                "INSERT INTO streams (source, facility, sequence, acknowledged) VALUES (?, ?, 0, 0)",
                name,
            )
            stream = self._streams[name] = [int(inserted.lastrowid or 0), 0]
        stream[1] += 1
        event = reading.identified(self._epoch, stream[1])
        key = series_key(event.facility, event.material, event.direction)
        return stream[0], stream[1], key, self._encode(event)

    def _store_sequences(self, rows: list[tuple[int, int, bytes, bytes]]) -> None:
        latest = {stream: sequence for stream, sequence, _, _ in rows}
        self._database.executemany(
            "UPDATE streams SET sequence = ? WHERE stream = ?",
            [(sequence, stream) for stream, sequence in latest.items()],
        )

    def _read_streams(self) -> dict[tuple[str, str], list[int]]:
        rows = self._database.execute("SELECT source, facility, stream, sequence FROM streams")
        return {(row[0], row[1]): [row[2], row[3]] for row in rows}

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _prepare(self, fresh_epoch: int) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise SpoolError(str(self._path), f"it has version {version}, not {SCHEMA_VERSION}")
        if version == 0:
            self._create(fresh_epoch)
        (self._epoch,) = self._database.execute("SELECT epoch FROM spool").fetchone()
        self._streams = self._read_streams()

    def _create(self, fresh_epoch: int) -> None:
        epoch = raised_epoch(self._path.with_name(self._path.name + ".epoch"), fresh_epoch)
        with self._transaction():
            for statement in SCHEMA.split(";"):
                self._database.execute(statement)
            self._database.execute("INSERT INTO spool VALUES (1, ?, NULL)", (epoch,))
            self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def spooled_identities(path: Path) -> tuple[SpooledRange, ...]:
    """Return the identities of a spool that may be in use by another process; empty without a spool.

    Raises:
        SpoolError: the file is no spool.
    """
    if not path.exists():
        return ()
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            return _ranges(database)
    except sqlite3.DatabaseError as error:
        raise SpoolError(str(path), str(error)) from error


def _ranges(database: sqlite3.Connection) -> tuple[SpooledRange, ...]:
    rows = database.execute(
        "SELECT source, facility, epoch, sequence, acknowledged FROM streams, spool"
        " ORDER BY source, facility"
    )
    return tuple(SpooledRange(*row) for row in rows)


def _locked(path: Path) -> TextIO:
    """Return the lock file of a spool, held as long as it is open; the system frees it after a kill."""
    lock = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise SpoolError(str(path), "another process is using it") from error
    return lock


def raised_epoch(path: Path, fresh_epoch: int) -> int:
    """Return an epoch above every earlier one and remember it durably before it is used."""
    stored = int(path.read_text()) if path.exists() else 0
    epoch = max(fresh_epoch, stored + 1)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w") as stream:
        stream.write(str(epoch))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    return epoch
