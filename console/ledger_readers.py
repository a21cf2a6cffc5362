"""Read-only handles on the ledger: one that the store keeps for itself, and a few for people's questions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.ledger_database import LedgerDatabase, QueryLimits, ReadOnlyDatabase, Rows

_AT_ONCE = 2
_OWN = QueryLimits(seconds=30.0, result_rows=500_000, read_rows=2_000_000_000)


@dataclass(slots=True)
class LedgerReaders:
    """`own` answers the store's questions; `ask` opens a handle a question, at most two at a time."""

    database: LedgerDatabase
    own: ReadOnlyDatabase
    limits: QueryLimits = field(default_factory=QueryLimits)
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @classmethod
    def of(cls, database: LedgerDatabase) -> LedgerReaders:
        """Open the store's own handle."""
        return cls(database, database.reader(_OWN))

    async def ask(self, sql: str, parameters: Mapping[str, object] | None = None) -> Rows:
        """Answer a person's question in a thread; `{name:Type}` in it stands for a parameter.

        Raises:
            QueryRefusedError, StatementFailedError: the question is wrong or costs too much.
            DatabaseUnavailableError: ask again later.
        """
        async with self._free:
            return await asyncio.to_thread(self._ask, sql, parameters)

    def close(self) -> None:
        """Release the store's own handle."""
        self.own.close()

    def _ask(self, sql: str, parameters: Mapping[str, object] | None) -> Rows:
        reader = self.database.reader(self.limits)
        try:
            return reader.query(sql, parameters)
        finally:
            reader.close()
