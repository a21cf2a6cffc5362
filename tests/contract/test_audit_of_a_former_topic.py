"""A topic that was made again has other records at the same offsets: an audit speaks of the ones that were there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console.audit.named_queries import named_queries
from runtime.ledger_database import QueryLimits
from schemas.topic_files import AVAILABILITY, POSITIONS
from sinks.ledger_opening import Permissions
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import availability, every_record

DAY = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLANT = availability(1)["facility"]


def readings(ledger: EngineLedger, epoch: int, grams: int, hour: int) -> None:
    for number in (1, 2, 3):
        start = DAY + (hour + number) * HOUR
        period = {"period_start": start, "period_end": start + HOUR, "observed_at": start}
        sent = availability(number, epoch=epoch, quantity=grams, form="FLOW", direction="SUPPLY")
        ledger.append("availability", {**sent, **period})


def stated(ledger: EngineLedger, number: int, grams: int, hour: int) -> dict[str, object]:
    """Publish a position of three readings and the match that rests on it, as it was said then."""
    records = every_record()
    of = {"facility": PLANT, "material": availability(1)["material"], "direction": "SUPPLY"}
    applied = {"topic": AVAILABILITY, "partition": 0, "offset": 3}
    as_of = DAY + (hour + 4) * HOUR
    position = {**records["position"], **of, "as_of": as_of, "quantity_24h": 3 * grams}
    offset = ledger.append("position", {**position, "applied": applied})
    place = {"topic": POSITIONS, "partition": 0, "offset": offset}
    sides = {"supply_position": place, "need_position": place, "revision": number}
    match = {**records["match"], "giver": PLANT, "material": of["material"], **sides}
    ledger.append("match", match)
    return match


def tonnes(ledger: EngineLedger, match: dict[str, object]) -> float:
    """Add up what the audit says of the giver's 24 hours."""
    query = named_queries()["match_readings"]
    reader = ledger.database.reader(QueryLimits())
    rows = reader.query(query.sql, {"match": str(match["id"]), "from": None}).rows
    reader.close()
    names = [column.name for column in query.columns]
    of_giver: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    return float(sum(one["in_24h"] for one in of_giver if one["side"] == "GIVER"))


def test_the_readings_behind_a_match_are_those_of_its_time(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger") as ledger:
        readings(ledger, epoch=1, grams=1_000_000, hour=0)
        first = stated(ledger, 1, 1_000_000, 0)
        ledger.drain()
        assert tonnes(ledger, first) == 3.0
        ledger.topics.recreate(AVAILABILITY)
        ledger.now_ms += 3_600_000
        ledger.permissions = Permissions(accept_new_topic=True)
        readings(ledger, epoch=2, grams=5_000_000, hour=4)
        ledger.drain()
        assert tonnes(ledger, first) == 3.0, (
            "what was made again does not change what was said before"
        )
        second = stated(ledger, 2, 5_000_000, 4)
        ledger.drain()
        assert tonnes(ledger, second) == 15.0
