"""Questions to the ledger take turns, and a queue that has grown long is said to be so."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.ledger_readers import LedgerReaders
from runtime.ledger_database import DatabaseUnavailableError, Rows
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
