"""The tables of the ledger as the sink uses them, on any `runtime.ledger_database.LedgerDatabase`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from runtime.ledger_database import BlockInsert, LedgerDatabase, Rows, StatementFailedError
from sinks.container import Place
from sinks.ledger_protocol import OffsetRange
from sinks.ledger_rows import Block
from sinks.ledger_tables import LEDGER_TABLES

_IN_RANGE = (
    "_topic = {topic:String} AND _topic_id = {topic_id:String} AND _partition = {partition:Int32} "
    "AND _offset BETWEEN {first:Int64} AND {last:Int64}"
)


@dataclass(frozen=True, slots=True)
class TopicEnd:
    """The largest offset that the tables hold of one partition of one topic id."""

    topic: str
    topic_id: str
    partition: int
    last: int


class LedgerStore(Protocol):
    """What the sink needs of the tables. Every call may block, and raises as `LedgerDatabase` does."""

    def insert(self, block: Block, token: str) -> None:
        """Insert a block under a token. Raises StatementFailedError when the database does not take the rows."""
        ...

    def accepts(self, block: Block) -> bool:
        """Whether the database could take the rows; nothing is kept."""
        ...

    def present(
        self, tables: Collection[str], place: Place, offsets: OffsetRange
    ) -> Mapping[int, int]:
        """Return how often each offset of the range is in these tables together; 0 is left out."""
        ...

    def ends(self) -> Collection[TopicEnd]:
        """Return what the tables hold of each partition."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseStore:
    """Implements LedgerStore."""

    database: LedgerDatabase

    def insert(self, block: Block, token: str) -> None:
        """Insert the rows as they are."""
        self.database.insert(_insert(block, block.table, token))

    def accepts(self, block: Block) -> bool:
        """Try the rows on a table of the same columns that keeps nothing."""
        probe = f"probe_{block.table}"
        self.database.command(f"CREATE OR REPLACE TABLE {probe} AS {block.table} ENGINE = Null")
        try:
            self.database.insert(_insert(block, probe, ""))
        except StatementFailedError:
            return False
        finally:
            self.database.command(f"DROP TABLE IF EXISTS {probe}")
        return True

    def present(
        self, tables: Collection[str], place: Place, offsets: OffsetRange
    ) -> Mapping[int, int]:
        """Look the offsets up."""
        selects = " UNION ALL ".join(
            f"SELECT _offset FROM {table} WHERE {_IN_RANGE}"  # noqa: S608 - names of our own tables
            for table in sorted(set(tables))
        )
        parameters = {
            "topic": place.tp.topic,
            "topic_id": place.topic_id,
            "partition": place.tp.partition,
            "first": offsets.first,
            "last": offsets.last,
        }
        found = self.database.query(
            f"SELECT _offset, count() FROM ({selects}) GROUP BY _offset",  # noqa: S608
            parameters,
        )
        return {int(str(offset)): int(str(count)) for offset, count in found.rows}

    def ends(self) -> Collection[TopicEnd]:
        """Ask every table for its largest offsets."""
        return table_ends(self.database)


def _insert(block: Block, table: str, token: str) -> BlockInsert:
    return BlockInsert(
        table=table, columns=block.columns, encoding=block.encoding, rows=block.rows, token=token
    )


class _Asked(Protocol):
    """Any handle that answers queries."""

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows: ...


def table_ends(database: _Asked) -> Collection[TopicEnd]:
    """Return the largest offset that the tables hold of each partition of each topic id."""
    selects = " UNION ALL ".join(
        f"SELECT _topic, _topic_id, _partition, max(_offset) AS last FROM {table} GROUP BY ALL"  # noqa: S608
        for table in LEDGER_TABLES
    )
    found = database.query(
        f"SELECT _topic, _topic_id, _partition, max(last) FROM ({selects}) GROUP BY ALL"  # noqa: S608
    )
    return [
        TopicEnd(str(topic), str(topic_id), int(str(partition)), int(str(last)))
        for topic, topic_id, partition, last in found.rows
    ]
