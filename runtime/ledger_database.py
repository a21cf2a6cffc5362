"""The port to the ledger's database, and the values and errors that cross it.

`runtime.clickhouse` implements it on the embedded engine and on a server with the same code. No vendor object crosses
this port. A statement that fails says which of three things happened, because the sink does something else for each:

- `DatabaseUnavailableError`: nothing is known about the outcome; wait, then settle what is really there;
- `StatementFailedError`: the engine refused the statement or its data; nothing was written;
- `QueryRefusedError`: a read-only query asked for something that it may not do, or for too much of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Rows:
    """The result of a query: column names, and one tuple a row in the same order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


Encoding: TypeAlias = Literal["Avro", "ArrowStream"]
"""How rows are written, by ClickHouse's name of the format: an Avro object container, or an Arrow stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockInsert:
    """One insert of encoded rows. It becomes one part of one table, or nothing.

    `token` names the rows: the engine keeps one copy of inserts that carry the same token. `columns` are the fields of
    the rows that the table takes; other fields are ignored.
    """

    table: str
    columns: tuple[str, ...]
    encoding: Encoding
    rows: bytes
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLimits:
    """What one read-only query may cost at most; beyond it the query is refused with an explanation."""

    seconds: float = 10.0
    result_rows: int = 10_000
    read_rows: int = 500_000_000
    memory_bytes: int = 256 * 1024 * 1024
    threads: int = 1


class LedgerDatabaseError(Exception):
    """Root of the database's errors."""


class DatabaseUnavailableError(LedgerDatabaseError):
    """The database could not be reached or is overloaded; the outcome of the statement is unknown."""


class DatabaseLockedError(LedgerDatabaseError):
    """Another process owns the embedded engine's folder."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is in use by another process: one store process owns a ledger. "
            "Stop that process, or give this one a folder of its own."
        )
        self.path = path


class StatementFailedError(LedgerDatabaseError):
    """The engine refused the statement. `code` is ClickHouse's error code, 0 when it gave none."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class QueryRefusedError(LedgerDatabaseError):
    """A read-only query was refused. `reason` is stable, `fix` says what to do."""

    def __init__(self, reason: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.fix = fix


class ReadOnlyDatabase(Protocol):
    """A handle that can't change anything. Every call may block for `QueryLimits.seconds`."""

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Run one SELECT (or SHOW, DESCRIBE, EXPLAIN) within the limits.

        Raises:
            QueryRefusedError: it is no query, or it needs more than the limits allow.
            StatementFailedError: the engine does not understand it.
            DatabaseUnavailableError: try again later.
        """
        ...

    def stop(self) -> None:
        """End the query that another thread runs here: it raises DatabaseUnavailableError there. Never raises."""
        ...

    def close(self) -> None:
        """Release the handle. Never raises."""
        ...


class LedgerDatabase(Protocol):
    """The ledger's database. Every call may block; none is made on an event loop."""

    def command(self, statement: str) -> None:
        """Run one statement without a result.

        Raises:
            StatementFailedError: the engine refused it.
            DatabaseUnavailableError: the outcome is unknown.
        """
        ...

    def insert(self, insert: BlockInsert) -> None:
        """Insert one block. Returning means that its rows, or earlier ones of the same token, are there.

        That promise does not hold across a kill of the engine: settle a range with `sinks.ledger_insert.settle`.

        Raises:
            StatementFailedError: the engine refused the data; no row was written.
            DatabaseUnavailableError: the outcome is unknown.
        """
        ...

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Run one query. Raises StatementFailedError and DatabaseUnavailableError."""
        ...

    def reader(self, limits: QueryLimits) -> ReadOnlyDatabase:
        """Open a read-only handle of its own on the same data."""
        ...

    def close(self) -> None:
        """Release the engine. Never raises."""
        ...
