"""ClickHouse by clickhouse-connect: the embedded engine (chDB) and a server behind one class.

The embedded engine lives in this process: one process owns its folder, and a process can own one folder. Each handle
serialises its own calls, so the sink and the readers have one each. Inserts turn asynchronous inserting off: the sink
builds the batches, and a token only names rows that arrive in one piece.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from runtime.ledger_database import (
    BlockInsert,
    DatabaseLockedError,
    DatabaseUnavailableError,
    LedgerDatabaseError,
    QueryLimits,
    QueryRefusedError,
    Rows,
    StatementFailedError,
)
from runtime.query_guard import check_functions, check_text
from runtime.quiet_engine import load_engine

_MEGABYTE = 1024 * 1024
# The engine could not do it now: open files, timeouts, memory, disk, too many parts or queries, network, shutdown.
_TRANSIENT = frozenset((76, 159, 202, 209, 210, 236, 241, 242, 243, 252, 279, 298, 319, 394, 999))
_TOO_MUCH = frozenset((158, 159, 160, 241, 307, 396))
_READ_ONLY = 164
_CANNOT_LOCK = ("Cannot lock file", "already running")
_EMBEDDED_CAUSE = "EmbeddedServer"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedEngine:
    """The engine in this process, with its data under `path`."""

    path: Path
    memory_bytes: int = 1024 * _MEGABYTE
    cache_bytes: int = 32 * _MEGABYTE
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickHouseServer:
    """A ClickHouse server over HTTP."""

    host: str
    port: int = 8123
    username: str = "default"
    password: str = ""
    database: str = "default"
    secure: bool = False
    threads: int = 2


def open_database(where: EmbeddedEngine | ClickHouseServer) -> ClickHouse:
    """Open the database.

    Raises:
        DatabaseLockedError: another process owns the folder of the embedded engine.
        DatabaseUnavailableError: the server can't be reached.
    """
    settings = {
        "async_insert": "0",
        "max_threads": str(where.threads),
        "max_insert_threads": "1",
        "max_memory_usage": str(512 * _MEGABYTE),
        "max_bytes_before_external_group_by": str(128 * _MEGABYTE),
        "max_bytes_before_external_sort": str(128 * _MEGABYTE),
    }
    return ClickHouse(where, _connect(where, settings))


def _connect(where: EmbeddedEngine | ClickHouseServer, settings: Mapping[str, str]) -> Client:
    with _translated():
        if isinstance(where, ClickHouseServer):
            return clickhouse_connect.get_client(
                host=where.host,
                port=where.port,
                username=where.username,
                password=where.password,
                database=where.database,
                secure=where.secure,
                settings=dict(settings),
                autogenerate_session_id=False,
            )
        where.path.mkdir(parents=True, exist_ok=True)
        load_engine()
        try:
            return clickhouse_connect.get_client(
                interface="chdb",
                path=str(where.path),
                chdb_options=_engine_options(where),
                settings=dict(settings),
            )
        except ClickHouseError as error:
            if _locked(error):
                raise DatabaseLockedError(str(where.path)) from error
            raise


def _engine_options(where: EmbeddedEngine) -> dict[str, str]:
    """Caches are sized for a process that shares a small machine; the engine's own defaults are gigabytes."""
    cache = str(where.cache_bytes)
    return {
        "max_server_memory_usage": str(where.memory_bytes),
        "mark_cache_size": cache,
        "primary_index_cache_size": cache,
        "uncompressed_cache_size": "0",
        "memory_worker_use_cgroup": "0",
    }


def _locked(error: ClickHouseError) -> bool:
    text = str(error)
    return any(sign in text for sign in _CANNOT_LOCK) or (
        _EMBEDDED_CAUSE in text and "different path" not in text
    )


@contextmanager
def _translated() -> Generator[None]:
    """Turn the driver's errors into the port's."""
    try:
        yield
    except LedgerDatabaseError:
        raise
    except ClickHouseError as error:
        code = getattr(error, "code", None) or 0
        if code == 0 or code in _TRANSIENT:
            raise DatabaseUnavailableError(str(error)) from error
        raise StatementFailedError(code, str(error)) from error
    except OSError as error:
        raise DatabaseUnavailableError(str(error)) from error


class ClickHouse:
    """A handle that may write. Implements `runtime.ledger_database.LedgerDatabase`."""

    def __init__(self, where: EmbeddedEngine | ClickHouseServer, client: Client) -> None:
        self._where = where
        self._client = client

    def command(self, statement: str) -> None:
        """Run one statement without a result."""
        with _translated():
            self._client.command(statement)

    def insert(self, insert: BlockInsert) -> None:
        """Insert the rows as one block, so that they become one part or nothing."""
        with _translated():
            self._client.raw_insert(
                insert.table,
                column_names=insert.columns,
                insert_block=insert.rows,
                fmt=insert.encoding,
                settings={
                    "async_insert": "0",
                    "insert_deduplication_token": insert.token,
                    "max_insert_block_size": "1048576",
                    "min_insert_block_size_rows": "1048576",
                    "min_insert_block_size_bytes": str(1024 * _MEGABYTE),
                },
            )

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Run one query and return every row."""
        with _translated():
            return _rows(self._client, sql, parameters)

    def reader(self, limits: QueryLimits) -> ClickHouseReader:
        """Open a read-only handle. `readonly` comes last: nothing can be set after it."""
        bounded = {
            "max_execution_time": str(limits.seconds),
            "max_memory_usage": str(limits.memory_bytes),
            "max_threads": str(limits.threads),
            "read_in_order_use_buffering": "0",
            "max_bytes_before_external_group_by": str(limits.memory_bytes // 2),
            "max_bytes_before_external_sort": str(limits.memory_bytes // 2),
        }
        rows = {
            "max_result_rows": str(limits.result_rows),
            "max_rows_to_read": str(limits.read_rows),
        }
        runs = _connect(self._where, {**bounded, **rows, "readonly": "1"})
        parses = _connect(self._where, {**bounded, "readonly": "1"})
        return ClickHouseReader(limits, runs, parses, self._where)

    def close(self) -> None:
        """Release the engine."""
        self._client.close()


class ClickHouseReader:
    """A handle that can't change anything. Implements `runtime.ledger_database.ReadOnlyDatabase`."""

    def __init__(
        self,
        limits: QueryLimits,
        client: Client,
        parser: Client,
        where: EmbeddedEngine | ClickHouseServer,
    ) -> None:
        self._limits = limits
        self._client = client
        self._parser = parser
        self._where = where
        self._mark = f"/* {token_hex(16)} */"

    def query(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Check the text and the functions it calls, then run it within the limits."""
        text = check_text(sql)
        try:
            with _translated():
                tree = _rows(self._parser, f"EXPLAIN AST {text}", parameters)
                check_functions("\n".join(str(row[0]) for row in tree.rows))
                return _rows(self._client, f"{text}\n{self._mark}", parameters)
        except (StatementFailedError, DatabaseUnavailableError) as error:
            raise self._explained(error) from error

    def _explained(self, error: LedgerDatabaseError) -> LedgerDatabaseError:
        cause = error.__cause__
        code = getattr(cause, "code", None) or 0
        if code == _READ_ONLY:
            return QueryRefusedError(
                "read_only",
                "the ledger is read-only here: the query would change something",
                "Send one SELECT.",
            )
        if code in _TOO_MUCH:
            limits = self._limits
            return QueryRefusedError(
                "too_much",
                f"the query needs more than it may: {error}",
                f"Ask for less: at most {limits.seconds:g} s, {limits.result_rows} result rows, "
                f"{limits.read_rows} rows read, {limits.memory_bytes // _MEGABYTE} MB.",
            )
        return error

    def stop(self) -> None:
        """End the query that another thread runs, which the mark behind its text tells from others."""
        with suppress(LedgerDatabaseError), _translated():
            killer = _connect(self._where, {})
            killer.command(f"KILL QUERY WHERE position(query, '{self._mark}') > 0 ASYNC")
            killer.close()

    def close(self) -> None:
        """Release the handle."""
        self._client.close()
        self._parser.close()


def _rows(client: Client, sql: str, parameters: Mapping[str, object] | None) -> Rows:
    result = client.query(sql, parameters=dict(parameters) if parameters else None)
    return Rows(tuple(result.column_names), tuple(tuple(row) for row in result.result_rows))
