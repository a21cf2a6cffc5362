"""Writing one offset range into the tables: for the first time, and again when the outcome is unknown.

Why settling takes three steps. On a table that is not replicated, ClickHouse notes an insert's token *before* it
commits the part. Killed in between, it answers the repeated insert with success and keeps nothing: token alone loses
rows. Looking alone is not enough either: on a server, the first insert may still be running. So: repeat under the same
token (that ends any race), look what is really there, and insert exactly what is missing under a token of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from runtime.ledger_database import StatementFailedError
from runtime.sink_source import Columns
from sinks.container import FRAME_LENGTH, Place
from sinks.ledger_protocol import OffsetRange, insert_token
from sinks.ledger_rows import Block, RowSorter
from sinks.ledger_store import LedgerStore
from sinks.ledger_tables import LEDGER_TABLES, TOMBSTONES, UNDECODABLE
from sinks.writers import MOST_TEXT, Bad


class RepairFailedError(Exception):
    """Rows are missing although they were inserted again under a new token."""

    def __init__(self, place: Place, missing: frozenset[int]) -> None:
        super().__init__(
            f"{place.tp.topic}[{place.tp.partition}]: {len(missing)} records are still missing after their repair, "
            f"the first at offset {min(missing)}"
        )
        self.place = place
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling found: how many records it repaired, and the offsets that are in the tables more than once."""

    repaired: int
    doubled: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RangeWriter:
    """Writes ranges. `session` differs at every start of the process: repairs take their tokens from it."""

    store: LedgerStore
    sorter: RowSorter
    session: str

    def sort(self, place: Place, records: Columns) -> tuple[Block, ...]:
        """Return the blocks of the records. Raises SchemasUnavailableError."""
        return self.sorter.sort(place, records)

    def insert(self, place: Place, block: Block, token_of: Callable[[str], str]) -> None:
        """Insert one block under its token; rows that the database does not take become undecodable.

        Raises:
            StatementFailedError: the database takes no rows of this kind at all.
            DatabaseUnavailableError: the outcome is unknown.
        """
        try:
            self.store.insert(block, token_of(block.label))
        except StatementFailedError as error:
            for part in self._isolated(place, block, error):
                self.store.insert(
                    part,
                    token_of(part.label if part.table == block.table else f"refused:{block.label}"),
                )

    def settle(
        self, place: Place, offsets: OffsetRange, records: Columns, announce: Callable[[], None]
    ) -> Settled:
        """Make sure that every record of the range is in the tables, whatever was there before.

        `announce` fails when another sink has claimed the ledger. It is called before rows come under a token that
        another sink does not know.

        Raises:
            SinkSourceError: the range could not be announced.
            RepairFailedError: the database keeps losing them.
            DatabaseUnavailableError: settle again later.
        """
        there = self.store.present(LEDGER_TABLES, place, offsets)
        replayed = self._insert_missing(
            place, records, there, lambda label: self._token(place, offsets, label)
        )
        if replayed:
            there = self.store.present(LEDGER_TABLES, place, offsets)
        if set(records.offsets) - there.keys():
            announce()
        repaired = self._insert_missing(
            place,
            records,
            there,
            lambda label: self._token(place, offsets, f"{label}:repair:{self.session}"),
        )
        if repaired:
            there = self.store.present(LEDGER_TABLES, place, offsets)
            missing = frozenset(records.offsets) - there.keys()
            if missing:
                raise RepairFailedError(place, missing)
        return Settled(
            repaired, tuple(sorted(offset for offset, count in there.items() if count > 1))
        )

    def _insert_missing(
        self,
        place: Place,
        records: Columns,
        there: Mapping[int, int],
        token_of: Callable[[str], str],
    ) -> int:
        missing = records.only(set(records.offsets) - there.keys())
        if not len(missing):
            return 0
        for block in self.sort(place, missing):
            self.insert(place, block, token_of)
        return len(missing)

    def _token(self, place: Place, offsets: OffsetRange, label: str) -> str:
        return insert_token(place.topic_id, place.tp, offsets, label)

    def _isolated(self, place: Place, block: Block, error: StatementFailedError) -> Iterator[Block]:
        """Yield the rows that the database takes, and the others as undecodable."""
        if block.table in (UNDECODABLE, TOMBSTONES) or not self._takes(place, block, Columns()):
            raise error
        bad = self._explained(block.records)
        sound = block.records.only(set(block.records.offsets) - bad.keys())
        by_database = Bad("refused_by_database", str(error)[:MOST_TEXT])
        bad |= dict.fromkeys(self._refused(place, block, sound), by_database)
        if not bad:
            raise error
        taken = block.records.only(set(block.records.offsets) - bad.keys())
        if len(taken):
            yield self._like(place, block, taken)
        yield self.sorter.undecodable(place, block.records.only(bad.keys()), bad)

    def _explained(self, records: Columns) -> dict[int, Bad]:
        """Return what the product's own decoder says of records: to ask the database takes a tenth of a second each."""
        found = {
            offset: self.sorter.explained(cast("bytes", value))
            for offset, value in zip(records.offsets, records.values, strict=True)
        }
        return {offset: bad for offset, bad in found.items() if bad is not None}

    def _refused(self, place: Place, block: Block, records: Columns) -> Iterator[int]:
        if not len(records) or self._takes(place, block, records):
            return
        if len(records) == 1:
            yield records.offsets[0]
            return
        middle = len(records) // 2
        yield from self._refused(place, block, records.at(range(middle)))
        yield from self._refused(place, block, records.at(range(middle, len(records))))

    def _takes(self, place: Place, block: Block, records: Columns) -> bool:
        return self.store.accepts(self._like(place, block, records))

    def _like(self, place: Place, block: Block, records: Columns) -> Block:
        frame = cast("bytes", block.records.values[0])[:FRAME_LENGTH]
        return self.sorter.events(place, records, frame)
