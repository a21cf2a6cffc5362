"""A question about one plant reads what belongs to it, however many readings the ledger has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import pytest

from console.audit.named_queries import named_queries
from console.audit.parameters import PARAMETERS
from runtime.ledger_database import QueryLimits, QueryRefusedError
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import availability, rejected

PLANTS: Final = 10
READINGS_EACH: Final = 65_536
ALL: Final = PLANTS * READINGS_EACH


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineLedger]:
    """Fifteen months of every plant, a reading every ten minutes; one record was rejected."""
    with open_ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        ledger.append("availability", availability(0, facility="plant00"))
        ledger.append("rejected", rejected(0))
        ledger.drain()
        plant = f"leftPad(toString(intDiv(number, {READINGS_EACH})), 2, '0')"
        step = f"number % {READINGS_EACH} + 1"
        changed = (
            f"concat('plant', {plant}) AS facility, {step} AS sequence, number + 1 AS _offset, "
            f"period_start + INTERVAL 10 * ({step}) MINUTE AS period_start, "
            f"period_end + INTERVAL 10 * ({step}) MINUTE AS period_end"
        )
        for first in range(0, ALL, ALL // 5):
            numbers = f"numbers({first}, {ALL // 5})"
            ledger.database.command(
                f"INSERT INTO availability SELECT * EXCEPT (number) REPLACE ({changed}) "  # noqa: S608
                f"FROM (SELECT * FROM availability WHERE _offset = 0) AS one CROSS JOIN {numbers} AS n"
            )
        yield ledger


def ask(
    ledger: EngineLedger, name: str, asked: Mapping[str, Any], read_rows: int
) -> tuple[tuple[object, ...], ...]:
    query = named_queries()[name]
    values = {one: PARAMETERS[one].absent for one in query.takes} | dict(asked)
    reader = ledger.database.reader(QueryLimits(read_rows=read_rows))
    try:
        return reader.query(query.sql, values).rows
    finally:
        reader.close()


PLANT: Final = {"facility": "plant07"}
MAY: Final = {"from": date(2007, 5, 1), "to": date(2007, 6, 1)}


@pytest.mark.parametrize(
    ("name", "asked", "times"),
    [("tonnes", PLANT, 3), ("tonnes", PLANT | MAY, 7), ("rejected_late", PLANT, 3)],
    ids=str,
)
def test_a_question_about_one_plant_reads_only_its_readings_a_few_times(
    ledger: EngineLedger, name: str, asked: dict[str, Any], times: int
) -> None:
    limit = times * READINGS_EACH
    assert ask(ledger, name, asked, limit) or name == "rejected_late"
    with pytest.raises(QueryRefusedError, match="rows"):
        ask(ledger, name, {}, limit)


def test_the_readings_of_a_month_are_found_by_an_index(ledger: EngineLedger) -> None:
    reader = ledger.database.reader(QueryLimits(read_rows=ALL // 3))
    may = "period_end > '2007-05-01' AND period_start < '2007-06-01'"
    (found,) = reader.query(f"SELECT count() FROM availability WHERE {may}").rows  # noqa: S608
    reader.close()
    assert int(str(found[0])) > PLANTS * 4_000
