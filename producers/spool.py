"""A durable outbox in SQLite: it gives readings their identities and keeps them until they are sent.

One transaction assigns the sequence numbers, stores the encoded events and moves the source's position.
After a crash the source goes on from that position, and what was stored but not acknowledged is sent
again under the same identities: nothing is lost, and a repeat is told by its identity.

Write-ahead log with synchronous FULL: NORMAL would survive a killed process but not a lost power supply,
and then a sequence that Kafka has already seen would be given to another reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from producers.errors import SpoolError, SpoolWriteError
from producers.flow_ends import KEEP_END, SeriesName, flow_ends
from producers.reading import Reading
from producers.spool_files import ADDED, SCHEMA, SCHEMA_VERSION, locked, raised_epoch
from schemas.events import Availability
from schemas.identity import series_key

Statement: TypeAlias = tuple[str, Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Spooled:
    """A stored event that the broker has not acknowledged. `place` orders the spool."""

    place: int
    facility: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was answered to a request with this key; `fingerprint` tells another request with the same key."""

    key: str
    fingerprint: bytes
    answer: str
    received_us: int


@dataclass(frozen=True, slots=True, order=True)
class SpooledRange:
    """The identities of one source and facility: sequences 1 to `last`, of which 1 to `acknowledged` are sent."""

    source: str
    facility: str
    epoch: int
    last: int
    acknowledged: int


class Spool:
    """One spool file. One thread at a time, whichever it is, and one process at a time.

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
        self._lock = locked(path)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
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

        Raises:
            SpoolWriteError: the disk is full or broken; nothing was stored.
        """
        move = ("UPDATE spool SET position = ?", [(position,)])
        return len(self._store(readings, lambda _: [move]))

    def append_with_receipt(
        self, readings: Iterable[Reading], receipt: Callable[[Sequence[Availability]], Receipt]
    ) -> Receipt:
        """Give identities to the readings and store them with a receipt: all or nothing.

        Args:
            readings: what came with the request.
            receipt: makes the receipt of the events; its key must not have one yet.

        Raises:
            SpoolWriteError: the disk is full or broken; nothing was stored.
        """
        kept: list[Receipt] = []

        def insert(events: Sequence[Availability]) -> list[Statement]:
            kept.append(receipt(events))
            return [
                ("INSERT INTO receipts VALUES (?, ?, ?, ?)", [astuple(kept[-1])]),
                (KEEP_END, [(*name, end_us) for name, end_us in flow_ends(events).items()]),
            ]

        self._store(readings, insert)
        return kept[-1]

    def receipt(self, key: str) -> Receipt | None:
        """Return the receipt of a key."""
        found = self._database.execute("SELECT * FROM receipts WHERE key = ?", (key,)).fetchone()
        return None if found is None else Receipt(*found)

    def forget_receipts(self, before_us: int, latest: int) -> None:
        """Drop the receipts that were given before, but none of so many `latest`. Raises SpoolWriteError."""
        with self._transaction():
            self._database.execute(
                "DELETE FROM receipts WHERE received_us < min(?, (SELECT received_us FROM receipts"
                " ORDER BY received_us DESC LIMIT 1 OFFSET ?))",
                (before_us, latest - 1),
            )

    def flow_ends(self) -> dict[SeriesName, int]:
        """Return where the flows that came with receipts end, in microseconds since 1970."""
        rows = self._database.execute(
            "SELECT source, facility, material, direction, end_us FROM ends"
        )
        return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}

    def unsent_at_most(self) -> int:
        """Return how many stored events are not acknowledged, or somewhat more."""
        first, last = self._database.execute("SELECT min(place), max(place) FROM outbox").fetchone()
        return 0 if first is None else int(last) - int(first) + 1

    def _store(
        self, readings: Iterable[Reading], also: Callable[[Sequence[Availability]], list[Statement]]
    ) -> list[Availability]:
        events: list[Availability] = []
        rows: list[tuple[int, int, bytes, bytes]] = []
        try:
            with self._transaction():
                for reading in readings:
                    stream, event = self._identified(reading)
                    events.append(event)
                    key = series_key(event.facility, event.material, event.direction)
                    rows.append((stream, event.sequence, key, self._encode(event)))
                self._database.executemany(
                    "INSERT INTO outbox (stream, sequence, key, value) VALUES (?, ?, ?, ?)", rows
                )
                self._store_sequences(rows)
                for statement, values in also(events):
                    self._database.executemany(statement, values)
        except BaseException:
            self._streams = self._read_streams()
            raise
        return events

    def unsent(self, after: int, limit: int) -> list[Spooled]:
        """Return stored events behind this place that are not acknowledged, oldest first."""
        rows = self._database.execute(
            "SELECT place, facility, key, value FROM outbox JOIN streams USING (stream)"
            " WHERE place > ? ORDER BY place LIMIT ?",
            (after, limit),
        )
        return [Spooled(*row) for row in rows]

    def acknowledge(self, place: int) -> None:
        """Note that the broker has everything up to and including this place, and drop it. Raises SpoolWriteError."""
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

    def _identified(self, reading: Reading) -> tuple[int, Availability]:
        name = (reading.source, reading.facility)
        stream = self._streams.get(name)
        if stream is None:
            inserted = self._database.execute(
                "INSERT INTO streams (source, facility, sequence, acknowledged) VALUES (?, ?, 0, 0)",
                name,
            )
            stream = self._streams[name] = [int(inserted.lastrowid or 0), 0]
        stream[1] += 1
        return stream[0], reading.identified(self._epoch, stream[1])

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
        """All or nothing. Raises SpoolWriteError."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise SpoolWriteError(str(self._path), str(error)) from error
            raise

    def _prepare(self, fresh_epoch: int) -> None:
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if not 0 <= version <= SCHEMA_VERSION:
            raise SpoolError(str(self._path), f"it has version {version}, not {SCHEMA_VERSION}")
        if version == 0:
            self._create(fresh_epoch)
        elif version < SCHEMA_VERSION:
            with self._transaction():
                self._make("".join(ADDED[later] for later in ADDED if later > version))
        (self._epoch,) = self._database.execute("SELECT epoch FROM spool").fetchone()
        self._streams = self._read_streams()

    def _create(self, fresh_epoch: int) -> None:
        epoch = raised_epoch(self._path.with_name(self._path.name + ".epoch"), fresh_epoch)
        with self._transaction():
            self._make("".join([SCHEMA, *ADDED.values()]))
            self._database.execute("INSERT INTO spool VALUES (1, ?, NULL)", (epoch,))

    def _make(self, tables: str) -> None:
        for statement in tables.split(";"):
            self._database.execute(statement)
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
