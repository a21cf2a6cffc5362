"""Questions to the ledger take turns, and a queue that has grown long is said to be so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, cast

import pytest

from console.ledger_readers import LedgerReaders
from runtime.ledger_database import DatabaseUnavailableError, LedgerDatabase, QueryLimits, Rows
from tests.ledger.engine import open_ledger


def test_two_questions_run_twenty_wait_and_more_are_sent_away(tmp_path: Path) -> None:
    async def asked(readers: LedgerReaders) -> list[Rows | BaseException]:
        questions = [readers.ask("SELECT count() FROM numbers(1000)") for _ in range(30)]
        return await asyncio.gather(*questions, return_exceptions=True)

    with open_ledger(tmp_path / "ledger") as ledger:
        readers = LedgerReaders.of(ledger.database)
        found = asyncio.run(asked(readers))
        readers.close()
    answered = [one.rows for one in found if isinstance(one, Rows)]
    refused = [one for one in found if isinstance(one, DatabaseUnavailableError)]
    assert answered == [((1000,),)] * 22
    assert len(refused) == 8
    assert readers.waiting == 0


def test_a_question_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    long = "SELECT sum(cityHash64(number)) FROM numbers(40000000000)"

    async def given_up(readers: LedgerReaders) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(readers.ask(long), 0.5)

    with open_ledger(tmp_path / "ledger") as ledger:
        limits = QueryLimits(seconds=100.0, read_rows=10**12)
        readers = replace(LedgerReaders.of(ledger.database), limits=limits)
        began = monotonic()
        asyncio.run(given_up(readers))  # ends when its threads have ended
        assert monotonic() - began < 50.0
        assert ledger.one("SELECT count() FROM system.processes WHERE query LIKE '%4000%'") == (1,)
        readers.close()


class Hanging:
    """A database whose answers never come, and that does not take an order to stop them either."""

    def __init__(self) -> None:
        self.going_on = Event()

    def reader(self, _: QueryLimits) -> Any:
        return self

    def query(self, *_: object) -> Rows:
        self.going_on.wait(20.0)
        raise DatabaseUnavailableError

    def stop(self) -> None:
        self.going_on.wait(20.0)

    def close(self) -> None:
        pass


def test_a_database_that_hangs_holds_up_nothing_but_its_question() -> None:
    database = Hanging()

    async def given_up() -> bool:
        readers = LedgerReaders.of(cast("LedgerDatabase", database))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(readers.ask("SELECT 1"), 0.1)
        hung = not database.going_on.is_set()
        database.going_on.set()
        return hung

    began = monotonic()
    assert asyncio.run(given_up())
    assert monotonic() - began < 10.0
