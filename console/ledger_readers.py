"""Read-only handles on the ledger: one that the store keeps for itself, and a few for people's questions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runtime.ledger_database import (
    DatabaseUnavailableError,
    LedgerDatabase,
    QueryLimits,
    ReadOnlyDatabase,
    Rows,
)

_AT_ONCE = 2
_MOST_WAITING = 20
SEARCH = QueryLimits(seconds=60.0)
_OWN = QueryLimits(seconds=300.0, result_rows=500_000, read_rows=20_000_000_000)


@dataclass(slots=True)
class LedgerReaders:
    """`own` answers the store's questions; `ask` opens a handle a question, at most two at a time.

    `waiting` counts the questions whose turn has not come, `most_waiting` how many of them are let in.
    """

    database: LedgerDatabase
    own: ReadOnlyDatabase
    limits: QueryLimits = field(default_factory=QueryLimits)
    waiting: int = 0
    most_waiting: int = _MOST_WAITING
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @classmethod
    def of(cls, database: LedgerDatabase) -> LedgerReaders:
        """Open the store's own handle."""
        return cls(database, database.reader(_OWN))

    async def ask(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Answer a person's question in a thread; `{name:Type}` in it stands for a parameter.

        Raises:
            QueryRefusedError, StatementFailedError: the question is wrong or costs too much.
            DatabaseUnavailableError: ask again later; too many wait, or the database is out of reach.
        """
        if self.waiting >= self.most_waiting:
            message = f"so many questions wait for their turn already: {self.waiting}"
            raise DatabaseUnavailableError(message)
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        try:
            return await self._answered(sql, parameters)
        finally:
            self._free.release()

    def searching(self) -> LedgerReaders:
        """Return readers for questions that may have to read a whole table: a minute each, one at a time.

        Other people's questions have turns of their own.
        """
        return replace(self, limits=SEARCH, waiting=0, most_waiting=1, _free=asyncio.Semaphore(1))

    def close(self) -> None:
        """Release the store's own handle."""
        self.own.close()

    async def _answered(self, sql: str, parameters: Mapping[str, object] | None) -> Rows:
        """Answer with a handle of its own; end the query when nobody waits any more, as when the store stops."""
        reader = await asyncio.to_thread(self.database.reader, self.limits)
        try:
            return await asyncio.to_thread(_asked, reader, sql, parameters)
        except asyncio.CancelledError:
            # In a thread of its own: a server that hangs must not hold up everything else.
            asyncio.get_running_loop().run_in_executor(None, reader.stop)
            raise


def _asked(reader: ReadOnlyDatabase, sql: str, parameters: Mapping[str, object] | None) -> Rows:
    try:
        return reader.query(sql, parameters)
    finally:
        reader.close()
