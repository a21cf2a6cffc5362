"""The audit's SQL beside plain Python, over readings that were sent again with other content, rejected and late."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from console.audit.named_queries import named_queries
from console.audit.parameters import PARAMETERS
from runtime.ledger_database import QueryLimits, QueryRefusedError
from sinks.ledger_opening import Permissions
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import availability, every_record, rejected

AVAILABILITY: Final = "synergy.availability.v1"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
BEGIN: Final = datetime(2026, 1, 20, 3, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MONTH_OF: Final = {"river": timedelta(hours=8), "sea": timedelta(hours=-5)}
PLANTS: Final = {"mill": "river", "kiln": "river", "dock": "sea", "shed": ""}
READINGS: Final = 700


@dataclass(frozen=True)
class Sent:
    """A reading as it stands in the ledger, and whether it was rejected."""

    values: Mapping[str, Any]
    refused: bool

    @property
    def identity(self) -> tuple[object, ...]:
        return tuple(self.values[name] for name in ("facility", "source", "epoch", "sequence"))

    @property
    def series(self) -> tuple[object, ...]:
        return tuple(self.values[name] for name in ("facility", "material", "direction", "basis"))


def some_readings(chance: random.Random) -> Iterator[dict[str, object]]:
    """Yield readings whose numbers lie far apart; every fourth is a number of before, mostly with other content."""
    sent: list[dict[str, object]] = []
    for number in range(READINGS):
        if sent and chance.random() < 0.25:
            again = dict(chance.choice(sent))
            if chance.random() < 0.7:
                again |= {"quantity": chance.randrange(10**6), **_period(chance, number)}
            if chance.random() < 0.3:
                again |= {"material": chance.choice(("fly-ash", "slag"))}
            yield again
            continue
        plant = chance.choice(list(PLANTS))
        sent.append(
            availability(
                37 * number + 1,
                facility=plant,
                source=f"meter/{plant}/{chance.randrange(2)}",
                material=chance.choice(("fly-ash", "slag")),
                quantity=chance.randrange(10**6),
                form=chance.choice(("FLOW", "FLOW", "FLOW", "STOCK")),
                quality=chance.choice(("GOOD", "GOOD", "GOOD", "BAD")),
                data_kind=chance.choice(("MEASURED", "ESTIMATED")),
                **_period(chance, number),
            )
        )
        yield sent[-1]


def _period(chance: random.Random, number: int) -> dict[str, object]:
    """A reading of about its time, now and then one of long ago or over the end of a month."""
    start = BEGIN + number * 4 * 60 * MINUTE + chance.randrange(-600, 600) * MINUTE
    start -= DAY * chance.choice((0,) * 9 + (60,))
    length = chance.choice((15 * MINUTE, 60 * MINUTE, 40 * DAY, 0 * MINUTE))
    return {"period_start": start, "period_end": start + length, "observed_at": start + length}


def filled(ledger: EngineLedger) -> list[Sent]:
    """Put readings into the ledger, some of them rejected; return them in the order of their offsets."""
    for plant, programme in PLANTS.items():
        if programme:
            place = {"country": "CN" if programme == "river" else "US", "longitude": -75.0}
            fact = every_record()["facility"] | {"id": plant, "programme": programme, **place}
            ledger.append("facility", fact | {"park": f"park of {plant}"})
    chance = random.Random(20261130)  # noqa: S311 - of a test
    sent: list[Sent] = []
    for made_again in (False, True):
        if made_again:
            ledger.drain()
            ledger.topics.recreate(AVAILABILITY)
            ledger.permissions = Permissions(accept_new_topic=True)
            ledger.now_ms += 3_600_000
        for one in some_readings(chance):
            values = one | {"epoch": 2 if made_again else 1}
            offset = ledger.append("availability", values)
            refused = chance.random() < 0.1
            if refused:
                about = {"facility": values["facility"], "source": values["source"]}
                ledger.append("rejected", rejected(offset, **about))
            sent.append(Sent(values, refused))
    ledger.drain()
    return sent


def counted(sent: Sequence[Sent]) -> list[Mapping[str, Any]]:
    """Return the first accepted copy of each reading."""
    first: dict[tuple[object, ...], Mapping[str, Any]] = {}
    for one in sent:
        if not one.refused:
            first.setdefault(one.identity, one.values)
    return list(first.values())


def tonnes(sent: Sequence[Sent], asked: Mapping[str, Any]) -> Counter[tuple[object, ...]]:
    """Return grams by month, facility, material and kind of data."""
    total: Counter[tuple[object, ...]] = Counter()
    for one in counted(sent):
        start, end = one["period_start"], one["period_end"]
        programme = PLANTS[one["facility"]]
        wanted = {"facility": one["facility"], "material": one["material"], "programme": programme}
        if any(asked.get(name, wanted[name]) != wanted[name] for name in wanted):
            continue
        if one["form"] != "FLOW" or end <= start or one["quality"] == "BAD":
            continue
        ahead = MONTH_OF.get(programme, timedelta(0))
        ahead = timedelta(hours=asked["utc_offset"]) if "utc_offset" in asked else ahead
        for month, grams in _spread(one["quantity"], start + ahead, end + ahead):
            if asked.get("from", month) <= month < asked.get("to", date.max):
                total[(month, one["facility"], one["material"], one["data_kind"])] += grams
    return total


def _spread(quantity: int, start: datetime, end: datetime) -> Iterator[tuple[date, int]]:
    """Split a quantity by the months that its period touches, in whole grams that add up."""
    us = timedelta(microseconds=1)
    length, given, month = (end - start) // us, 0, start.date().replace(day=1)
    while given < quantity or quantity == 0:
        following = (month + 31 * DAY).replace(day=1)
        until = min(datetime(following.year, following.month, 1, tzinfo=UTC), end)
        so_far = quantity * ((until - start) // us) // length
        yield month, so_far - given
        if until == end:
            return
        given, month = so_far, following


def series(sent: Sequence[Sent], asked: Mapping[str, Any]) -> set[tuple[object, object]]:
    """Return facility and material of every flow that was accepted."""
    found: set[tuple[object, object]] = set()
    for one in (each.values for each in sent if not each.refused):
        of = {**one, "programme": PLANTS[one["facility"]]}
        narrow = all(of[name] == asked.get(name, of[name]) for name in ("material", "programme"))
        if narrow and one["form"] == "FLOW" and one["period_end"] > one["period_start"]:
            found.add((one["facility"], one["material"]))
    return found


def late(sent: Sequence[Sent]) -> Counter[str]:
    """Count the flows that ended 35 days or more before the newest reading of their series, by material."""
    newest: dict[tuple[object, ...], int] = {}
    late = Counter[str]()
    for one in counted(sent):
        if one["quality"] == "BAD":
            continue
        name = (one["facility"], one["material"], one["direction"])
        day = (one["period_end"] - EPOCH - timedelta(microseconds=1)).days
        newest[name] = max(newest.get(name, day), day)
        late[one["material"]] += one["form"] == "FLOW" and day <= newest[name] - 35
    return late


def ask(
    ledger: EngineLedger, name: str, asked: Mapping[str, Any], limits: QueryLimits | None = None
) -> list[dict[str, Any]]:
    query = named_queries()[name]
    values = {one: PARAMETERS[one].absent for one in query.takes} | dict(asked)
    reader = ledger.database.reader(limits or QueryLimits())
    try:
        rows = reader.query(query.sql, values).rows
    finally:
        reader.close()
    return [dict(zip((one.name for one in query.columns), row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def filled_ledger(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[EngineLedger, list[Sent]]]:
    with open_ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger, filled(ledger)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"facility": "mill"},
        {"facility": "shed", "from": date(2026, 3, 1)},
        {"programme": "river", "to": date(2026, 3, 1)},
        {"programme": "sea", "from": date(2026, 2, 1), "to": date(2026, 4, 1)},
        {"material": "slag", "from": date(2026, 3, 1), "to": date(2026, 4, 1)},
        {"from": date(2026, 4, 15), "to": date(2026, 5, 2)},
        {"from": date(2027, 1, 1), "to": date(2027, 2, 1)},
        {"to": date(1970, 1, 1)},
        {"from": date(1900, 1, 1)},
        {"to": date(2299, 12, 31)},
        {"facility": "shed", "utc_offset": 14.0},
        {"from": date(1900, 1, 1), "to": date(2299, 1, 1)},
    ],
    ids=str,
)
def test_tonnes_are_those_of_the_first_accepted_copies(
    filled_ledger: tuple[EngineLedger, list[Sent]], asked: dict[str, Any]
) -> None:
    ledger, sent = filled_ledger
    if asked.get("to") == date(2299, 1, 1):
        # Every month has its row then: more than one answer may have.
        with pytest.raises(QueryRefusedError):
            ask(ledger, "tonnes", asked)
        return
    rows = ask(ledger, "tonnes", asked)
    said = Counter(
        {
            (row["month"], row["facility"], row["material"], kind.upper()): round(row[kind] * 10**6)
            for row in rows
            for kind in ("measured", "estimated")
        }
    )
    expected = tonnes(sent, asked)
    assert +said == +expected
    assert bool(expected) == (asked.get("from") != date(2027, 1, 1) and "1970" not in str(asked))
    if "from" in asked and "to" in asked:
        months = {row["month"] for row in rows}
        each = Counter((row["facility"], row["material"]) for row in rows)
        assert set(each.values()) == {len(months)}, "every month has its row in every series"
        assert set(each) == series(sent, asked), "every series has its rows"


def test_late_readings_are_those_of_the_definition(
    filled_ledger: tuple[EngineLedger, list[Sent]],
) -> None:
    ledger, sent = filled_ledger
    rows = ask(ledger, "rejected_late", {})
    told = Counter[str]()
    for row in rows:
        told[row["kind"]] += row["records"]
    expected = late(sent)
    assert told["late"] == expected.total() > 20
    assert told["rejected"] == sum(one.refused for one in sent) > 100
    for material, number in expected.items():
        rows = ask(ledger, "rejected_late", {"material": material})
        assert sum(row["records"] for row in rows if row["kind"] == "late") == number > 5
