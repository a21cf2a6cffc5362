"""The named queries on the real engine: what they answer about records that both stages made, and what they refuse."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from starlette.testclient import TestClient

from console.audit.named_queries import named_queries
from console.audit.parameters import PARAMETERS
from console.documents import TRADE
from producers.programmes import shipped_folder
from producers.programmes.epa import EASTERN_STANDARD_TIME, StackStream, parse_stack_hours
from producers.programmes.files import read_lines
from producers.programmes.tables import Analyses
from schemas.events import (
    Basis,
    Command,
    DataKind,
    Direction,
    Form,
    Position,
    Property,
    Quality,
    Side,
    SourceKind,
    Transaction,
)
from synergy.derive.coefficients import parse_coefficients
from synergy.lifecycle.funnel import funnel
from synergy.lifecycle.history import History
from tests.end_to_end.plants import TONNE, facility, reading
from tests.ledger.desk import Desk
from tests.ledger.exchange import MORNING, Exchange
from tests.ledger.samples import availability

GIVER, RECEIVER, PROGRAMME = "power", "mix", "river"
NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c44")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OHIO = shipped_folder() / "ohio_valley"


@pytest.fixture
def exchange(desk: Desk) -> Exchange:
    return Exchange(desk.ledger)


def ask(client: TestClient, name: str, **filters: str) -> list[dict[str, Any]]:
    """Return the rows of a named query as objects."""
    document = client.get(f"/api/v1/audit/{name}", params=filters).json()
    assert "rows" in document, document
    columns = [column["name"] for column in document["columns"]]
    return [dict(zip(columns, row, strict=True)) for row in document["rows"]]


# -- tonnes ------------------------------------------------------------------------------------------------------------


def mitchell_hours() -> Iterator[Any]:
    """What the shipped stack data of 2007 say of Mitchell 1: all gypsum, and everything of January."""
    coefficients = parse_coefficients(read_lines(shipped_folder() / "coefficients.csv"))
    hours = parse_stack_hours(read_lines(OHIO / "epa_hourly_2007_mitchell_1.csv.gz"))
    stream = StackStream(hours, {"3948": "wv_mitchell"}, coefficients, Analyses({}))
    start = datetime(2007, 1, 1, tzinfo=EASTERN_STANDARD_TIME)
    for one in stream.readings(start, start + 365 * DAY):
        if one.material == "fgd_gypsum" or one.period_start.month == 1:
            yield one


def test_mitchell_1_made_the_gypsum_of_its_months_and_resent_readings_count_once(
    client: TestClient, exchange: Exchange
) -> None:
    exchange.say(facility("wv_mitchell", "ohio_valley", latitude=39.8297, longitude=-80.8153))
    readings = [one.identified(1, number) for number, one in enumerate(mitchell_hours(), 1)]
    assert len(readings) > 7_000
    exchange.say(*readings)
    exchange.say(*readings[-2_000:])
    exchange.settle()
    filters = {"facility": "wv_mitchell", "material": "fgd_gypsum"}
    rows = ask(client, "tonnes", **filters, **{"from": "2007-01", "to": "2008-01"})
    assert [row["month"][:7] for row in rows] == [f"2007-{month:02}" for month in range(1, 13)]
    made = {int(row["month"][5:7]): row for row in rows}
    assert {month: round(made[month]["estimated"]) for month in (1, 5, 7)} == {
        1: 0,
        5: 5304,
        7: 8111,
    }
    assert (made[1]["readings"], made[7]["readings"]) == (0, 744)
    assert {(row["utc_offset"], row["unit"], row["basis"]) for row in rows} == {(-5, "t", "DRY")}
    assert {row["measured"] + row["assumed"] + row["simulated"] for row in rows} == {0}
    july = [
        one.quantity
        for one in readings
        if one.material == "fgd_gypsum"
        and one.period_start.astimezone(EASTERN_STANDARD_TIME).month == 7
    ]
    assert made[7]["estimated"] == sum(july) / TONNE
    in_utc = ask(client, "tonnes", **filters, utc_offset="0")
    assert in_utc[0]["month"] == "2007-04-01"
    assert {row["estimated"] for row in in_utc} != {row["estimated"] for row in rows}
    assert sum(row["estimated"] for row in in_utc) == pytest.approx(
        sum(row["estimated"] for row in rows)
    )


def test_kinds_of_data_bases_units_and_bad_readings_stay_apart(
    client: TestClient, exchange: Exchange
) -> None:
    exchange.say(
        facility("north", PROGRAMME, park="upper"), facility("south", "sea", longitude=10.0)
    )
    start = datetime(2026, 10, 31, 18, tzinfo=UTC)
    period = {"period_start": start, "period_end": start + 10 * HOUR}
    kinds = ("MEASURED", "ESTIMATED", "ASSUMED", "SIMULATED")
    exchange.say(
        *(
            reading("north", number, quantity=number * TONNE, data_kind=DataKind(kind), **period)
            for number, kind in enumerate(kinds, 1)
        ),
        reading("north", 5, quantity=9 * TONNE, quality=Quality.BAD, **period),
        reading("south", 1, quantity=3_600, unit="KJO", material="waste_heat", **period),
        reading("south", 2, quantity=11, basis=Basis.AS_RECEIVED, **period),
    )
    exchange.settle()
    # By the longitude, -82.1, October ends at 05:00 UTC: the ten hours from 18:00 end before it.
    (october,) = ask(client, "tonnes", facility="north")
    assert {kind: october[kind.lower()] for kind in kinds} == dict(
        zip(kinds, (1, 2, 3, 4), strict=True)
    )
    assert (october["month"], october["readings"], october["bad_readings"]) == ("2026-10-01", 4, 1)
    # At 10 degrees east, one hour ahead of UTC, November began at 23:00 UTC: five of ten hours are in it.
    south = ask(client, "tonnes", programme="sea")
    assert [(row["month"][5:7], row["unit"], row["basis"], row["measured"]) for row in south] == [
        ("10", "t", "AS_RECEIVED", 0.000005),
        ("11", "t", "AS_RECEIVED", 0.000006),
        ("10", "MJ", "DRY", 1.8),
        ("11", "MJ", "DRY", 1.8),
    ]
    assert [row["facility"] for row in ask(client, "tonnes", park="upper")] == ["north"]


def test_a_flow_over_the_end_of_a_month_is_spread_in_whole_grams(
    client: TestClient, exchange: Exchange
) -> None:
    exchange.say(facility("north", PROGRAMME), facility("east", PROGRAMME, country="CN"))
    start = datetime(2026, 9, 30, 22, tzinfo=UTC)
    long = {"period_start": start, "period_end": start + 7 * HOUR, "quantity": 10}
    exchange.say(reading("north", 1, **long), reading("east", 1, **long))
    exchange.settle()
    spread = {
        name: [
            round(row["measured"] * TONNE) for row in ask(client, "tonnes", facility=name, **offset)
        ]
        for name, offset in (("north", {"utc_offset": "0"}), ("east", {}))
    }
    # Two of seven hours: floor(20 / 7) = 2 g. China's October began at 16:00 UTC: all of it is there.
    assert spread == {"north": [2, 8], "east": [10]}


# -- one match, traced -------------------------------------------------------------------------------------------------


def agreed(exchange: Exchange) -> UUID:
    """Let two plants be matched; both accept, and one load of two is received in part. Return the agreement."""
    exchange.say(
        facility(GIVER, PROGRAMME),
        facility(RECEIVER, PROGRAMME, industry="2395", latitude=39.0, longitude=-82.0),
    )
    sampled = MORNING - DAY
    analyses = tuple(
        Property(name=name, value=1.0, unit="%", sampled_at=sampled)
        for name in ("loi", "so3", "moisture")
    )
    begin = MORNING - 12 * HOUR
    flows = [
        reading(
            GIVER,
            number,
            quantity=400_000 + number,
            period_start=begin + (number - 1) * timedelta(minutes=1),
            period_end=begin + number * timedelta(minutes=1),
            observed_at=begin + number * timedelta(minutes=1),
            properties=analyses if number == 600 else (),
        )
        for number in range(1, 601)
    ]
    plan = reading(
        RECEIVER,
        1,
        material="portland_cement",
        direction=Direction.DEMAND,
        form=Form.PLAN,
        source_kind=SourceKind.ERP,
        data_kind=DataKind.ASSUMED,
        quantity=900 * TONNE,
        period_start=MORNING - DAY,
        period_end=MORNING + DAY,
        document="order-1",
        revision=1,
    )
    exchange.say(*flows)
    exchange.say(plan)
    (match,) = exchange.matches()
    _order(exchange, "accept", str(match.id), Side.GIVER, revision=match.revision)
    (match,) = exchange.matches()
    _order(exchange, "accept", str(match.id), Side.RECEIVER, revision=match.revision)
    agreement = next(one.agreement for one in exchange.events if isinstance(one, Transaction))
    _order(exchange, "dispatch", str(agreement), Side.GIVER, quantity=90 * TONNE)
    load = next(
        one.delivery for one in exchange.events if isinstance(one, Transaction) and one.delivery
    )
    _order(exchange, "receive", str(load), Side.RECEIVER, quantity=60 * TONNE, reason="wet")
    _order(exchange, "complete", str(load), Side.RECEIVER)
    return agreement


def _order(exchange: Exchange, action: str, subject: str, side: Side, **more: Any) -> None:
    number = sum(isinstance(one, Command) for one in exchange.events)
    if "revision" not in more:
        told = [one for one in exchange.events if isinstance(one, Transaction)]
        mine = [one for one in told if subject == str(one.delivery or one.agreement)]
        more["revision"] = mine[-1].revision
    exchange.order(
        Command(
            id=uuid5(NAMES, str(number)),
            programme=PROGRAMME,
            action=action,
            subject=subject,
            side=side,
            actor="ann",
            sent_at=exchange.now,
            **more,
        )
    )


def test_a_transaction_is_told_from_its_first_reading_to_its_end(
    client: TestClient, exchange: Exchange
) -> None:
    agreement = agreed(exchange)
    exchange.settle()
    rows = ask(client, "transaction_history", transaction=str(agreement)[:8])
    steps = [(row["step"], row["state"] or row["what"]) for row in rows]
    assert steps[0] == ("reading", "MEASURED")
    assert rows[0]["what"] == "first supply"
    assert rows[0]["id"] == f"meter:{GIVER}/1/1"
    assert {row["what"] for row in rows if row["step"] == "reading"} == {
        "first supply",
        "latest supply",
        "first demand",
        "latest demand",
    }
    story = [step for step in steps if step[0] not in ("reading", "position")]
    assert story == [
        ("match", "PROPOSED"),
        ("command", "accept"),
        ("match", "ACCEPTED_BY_GIVER"),
        ("outcome", "accepted"),
        ("command", "accept"),
        ("match", "AGREED"),
        ("agreement", "agreed"),
        ("outcome", "accepted"),
        ("command", "dispatch"),
        ("agreement", "running"),
        ("delivery", "dispatched"),
        ("outcome", "accepted"),
        ("command", "receive"),
        ("delivery", "received_in_part"),
        ("outcome", "accepted"),
        ("command", "complete"),
        ("delivery", "completed"),
        ("outcome", "accepted"),
    ]
    taken = next(row for row in rows if row["state"] == "received_in_part")
    assert (taken["quantity"], taken["unit"], taken["reason"]) == (60.0, "t", "wet")
    assert [row["arrived"] for row in rows] == sorted(row["arrived"] for row in rows)
    load = next(row["id"] for row in rows if row["step"] == "delivery")
    assert ask(client, "transaction_history", transaction=load) == rows


def test_the_readings_behind_a_match_add_up_to_its_position(
    client: TestClient, exchange: Exchange
) -> None:
    agreed(exchange)
    exchange.settle()
    (match,) = exchange.matches()
    rows = ask(client, "match_readings", match=str(match.id))
    given = [row for row in rows if row["side"] == "GIVER"]
    assert [row["sequence"] for row in given] == list(range(1, 601))
    assert {(row["topic"], row["partition"], row["source"]) for row in given} == {
        ("synergy.availability.v1", 0, f"meter:{GIVER}")
    }
    assert [row["offset"] for row in given] == list(range(600))
    position = next(
        one
        for one in reversed(exchange.events)
        if isinstance(one, Position) and one.facility == GIVER
    )
    assert round(sum(row["in_24h"] for row in given) * TONNE) == position.quantity_24h
    (need,) = (row for row in rows if row["side"] == "RECEIVER")
    assert (need["form"], need["quantity"], need["data_kind"]) == ("PLAN", 900.0, "ASSUMED")


def test_a_reading_that_reaches_into_the_window_gives_the_part_that_is_inside(
    client: TestClient, exchange: Exchange
) -> None:
    agreed(exchange)
    long = {"period_start": MORNING - 40 * HOUR, "period_end": MORNING - 12 * HOUR}
    exchange.say(reading(GIVER, 601, quantity=7_000_003, **long))
    exchange.say(reading(GIVER, 602, quantity=500 * TONNE, **long))
    exchange.settle()
    (match,) = exchange.matches()
    rows = ask(client, "match_readings", match=str(match.id))
    positions = [one for one in exchange.events if isinstance(one, Position)]
    cited = positions[match.supply_position.offset - _facts(exchange)]
    given = [row for row in rows if row["side"] == "GIVER"]
    assert round(sum(row["in_24h"] for row in given) * TONNE) == cited.quantity_24h


def _facts(exchange: Exchange) -> int:
    """How many records of the positions topic are facts, which come first."""
    return sum(type(one).__name__ == "FacilityFacts" for one in exchange.events)


def test_what_was_known_goes_by_arrival_and_not_by_event_time(
    client: TestClient, exchange: Exchange
) -> None:
    exchange.say(facility("north", PROGRAMME))
    hour = {"period_start": MORNING - 2 * HOUR, "period_end": MORNING - HOUR}
    exchange.say(reading("north", 1, quantity=10 * TONNE, **hour))
    first = exchange.now
    exchange.now += HOUR
    exchange.say(reading("north", 2, quantity=-4 * TONNE, corrects="north/1", **hour))
    exchange.settle()

    def known(at: datetime) -> list[tuple[float, str]]:
        found = ask(client, "position_as_of", facility="north", at=at.isoformat())
        return [(row["quantity_24h"], row["as_of"]) for row in found]

    as_of = (MORNING - HOUR).replace(tzinfo=None).isoformat() + "Z"
    assert known(first - timedelta(seconds=1)) == []
    assert known(first) == [(10.0, as_of)]
    assert known(exchange.now - timedelta(milliseconds=1)) == [(10.0, as_of)]
    assert known(exchange.now) == [(6.0, as_of)]


def test_rejected_and_late_records_are_counted_by_reason_as_balance_counts_them(
    client: TestClient, exchange: Exchange
) -> None:
    exchange.say(facility("north", PROGRAMME))
    old = {"period_start": MORNING - 60 * DAY, "period_end": MORNING - 60 * DAY + HOUR}
    fresh = {"period_start": MORNING - HOUR, "period_end": MORNING}
    exchange.say(reading("north", 1, **old), reading("north", 2, **fresh))
    exchange.say(*(reading("north", number, **old) for number in (3, 4, 4)))
    exchange.say(reading("north", 5, **fresh, unit="MTQ"), reading("nobody", 1, **fresh))
    exchange.send_bytes(b"garbage")
    exchange.settle()
    rows = ask(client, "rejected_late")
    told = {(row["kind"], row["reason"], row["facility"]): row["records"] for row in rows}
    late = exchange.balances.balances.late
    assert late == 2
    assert told == {
        ("late", "too_old", "north"): late,
        ("rejected", "wrong_unit", "north"): 1,
        ("rejected", "unknown_facility", "nobody"): 1,
        ("rejected", "not_framed", ""): 1,
    }
    assert len(exchange.rejections()) == 3
    (only,) = ask(client, "rejected_late", facility="nobody")
    assert (only["topic"], only["offset"]) == ("synergy.availability.v1", 6)


@pytest.mark.parametrize(("days", "is_late"), [(34, 0), (35, 1)])
@pytest.mark.parametrize("apart", [1, 200_000])
def test_a_flow_is_late_from_35_days_on_however_many_records_are_between(
    client: TestClient, exchange: Exchange, days: int, is_late: int, apart: int
) -> None:
    ledger = exchange.ledger
    ledger.append("availability", availability(1, period_start=MORNING - HOUR, period_end=MORNING))
    ledger.drain()
    # Another one, as if so many records of other series stood between.
    earlier = f"period_start - INTERVAL {days} DAY AS period_start, period_end - INTERVAL {days} DAY AS period_end"
    other = f"* REPLACE (sequence + 1 AS sequence, _offset + {apart} AS _offset, {earlier})"
    ledger.database.command(f"INSERT INTO availability SELECT {other} FROM availability")  # noqa: S608
    rows = ask(client, "rejected_late")
    assert sum(row["records"] for row in rows) == is_late


def test_the_funnel_is_the_one_of_the_status(client: TestClient, exchange: Exchange) -> None:
    agreed(exchange)
    exchange.settle()
    history, positions = History(), dict[tuple[str, str, str], Position]()
    for event in exchange.events:
        if isinstance(event, Position):
            positions[event.facility, event.material, event.direction] = event
        elif isinstance(event, Transaction):
            history.take_transaction(event)
    for match in [one for one in exchange.events if type(one).__name__ == "Match"]:
        history.take_match(match)  # type: ignore[arg-type]
    counted = asdict(funnel(history, positions.values()))
    del counted["declined_reasons"]
    (row,) = ask(client, "funnel")
    assert row == {"programme": PROGRAMME, **counted}
    assert (row["completed"], row["received_in_part"]) == (1, 1)


# -- every query -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", named_queries())
def test_a_query_has_the_parameters_and_columns_that_its_comment_says(
    desk: Desk, name: str
) -> None:
    query = named_queries()[name]
    types = {known: PARAMETERS[known].sql_type for known in query.parameters}
    for known, sql_type in types.items():
        assert f"{{{known}:{sql_type}}}" in query.sql, known
    named = {part.split(":")[0] for part in query.sql.split("{")[1:]}
    assert named == set(types)
    values = {known: PARAMETERS[known].absent for known in types} | {
        known: value
        for known, value in (
            ("at", "2026-01-01 00:00:00"),
            ("transaction", str(UUID(int=1))),
            ("match", str(UUID(int=1))),
        )
        if known in types
    }
    found = desk.ledger.database.query(f"DESCRIBE ({query.sql})", values).rows
    assert [row[0] for row in found] == [column.name for column in query.columns]
    assert len(query.purpose) > 40


def test_the_units_of_the_queries_are_those_of_the_screens() -> None:
    for query in named_queries().values():
        if "transform(" in query.sql:
            assert "['GRM', 'LTR', 'KJO'], ['t', 'm3', 'MJ']" in query.sql
    assert TRADE == {"GRM": (1_000_000, "t"), "LTR": (1_000, "m3"), "KJO": (1_000, "MJ")}


PROBLEMS: dict[str, tuple[str, int, str, str, str]] = {
    "a query that is not": ("tonnage", 404, "unknown_query", "name", "tonnes"),
    "a parameter that is not": (
        "tonnes?facilty=north",
        400,
        "unknown_parameter",
        "facilty",
        "Near: facility.",
    ),
    "an unknown facility": (
        "tonnes?facility=noth",
        404,
        "unknown_facility",
        "facility",
        "Near: north",
    ),
    "a facility's name": (
        "tonnes?facility=Plant+north",
        404,
        "unknown_facility",
        "facility",
        "Near: north",
    ),
    "an unknown material": (
        "tonnes?material=flyash",
        404,
        "unknown_material",
        "material",
        "fly_ash",
    ),
    "an unknown programme": (
        "tonnes?programme=rivr",
        404,
        "unknown_programme",
        "programme",
        "river",
    ),
    "no match": ("match_readings", 400, "missing_field", "match", "how it begins"),
    "a match that is not": ("match_readings?match=ff", 404, "unknown_match", "match", "match list"),
    "no day": ("tonnes?from=May", 400, "not_understood", "from", "2007-05-01"),
    "no moment": ("position_as_of?at=noon", 400, "not_understood", "at", "12:00Z"),
    "no offset": ("tonnes?utc_offset=90", 400, "not_understood", "utc_offset", "-5"),
    "twice": ("tonnes?park=a&park=b", 400, "given_twice", "park", "once"),
    "no format": ("tonnes?format=xml", 400, "unknown_format", "format", "csv"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_wrong_question_is_told_the_field_and_what_may_be_meant(
    client: TestClient, exchange: Exchange, case: str
) -> None:
    exchange.say(facility("north", PROGRAMME))
    exchange.settle()
    address, status, reason, field, hint = PROBLEMS[case]
    answer = client.get(f"/api/v1/audit/{address}")
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"urn:synergy:problem:{reason}")
    assert document["field"] == field
    assert hint in document["fix"], document["fix"]


def test_a_material_may_be_called_by_its_name(client: TestClient, exchange: Exchange) -> None:
    exchange.say(facility("north", PROGRAMME))
    exchange.say(reading("north", 1, period_start=MORNING - HOUR, period_end=MORNING))
    exchange.settle()
    by_id = ask(client, "tonnes", material="fly_ash")
    assert by_id
    assert ask(client, "tonnes", material="Coal fly ash") == by_id


def test_an_empty_answer_says_what_gave_nothing(client: TestClient, exchange: Exchange) -> None:
    exchange.say(facility("north", PROGRAMME))
    exchange.settle()
    document = client.get("/api/v1/audit/tonnes?facility=north&material=fly_ash").json()
    assert (document["rows"], document["row_count"]) == ([], 0)
    assert "facility=north, material=fly_ash" in document["nothing"]


def test_what_a_filter_says_is_a_value_and_never_a_part_of_the_statement(
    client: TestClient, exchange: Exchange
) -> None:
    exchange.say(facility("north", PROGRAMME))
    exchange.settle()
    answer = client.get("/api/v1/audit/tonnes", params={"facility": "' OR 1 = 1 -- {from:Date}"})
    assert answer.json()["type"] == "urn:synergy:problem:unknown_facility"


def test_a_csv_is_what_a_spreadsheet_shows_and_never_runs(
    client: TestClient, exchange: Exchange
) -> None:
    evil = '=HYPERLINK("http://x","a"),\n'
    exchange.say(facility(evil, PROGRAMME))
    start = {"period_start": MORNING - HOUR, "period_end": MORNING}
    exchange.say(reading(evil, 1, quantity=-5 * TONNE, corrects="x", **start))
    exchange.settle()
    answer = client.get("/api/v1/audit/tonnes", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline=""))
    assert row["facility"] == f"'{evil}"
    assert float(row["measured"]) == -5.0
    assert answer.text.count("\r\n") == 2


def test_a_question_that_costs_too_much_is_refused_with_the_limit(
    desk: Desk, client: TestClient, exchange: Exchange
) -> None:
    agreement = agreed(exchange)
    exchange.settle()
    desk.readers.limits = replace(desk.readers.limits, read_rows=10)
    filters = {"transaction": str(agreement)}
    answer = client.get("/api/v1/audit/transaction_history", params=filters)
    assert (answer.status_code, answer.json()["title"]) == (403, "too much")
    assert "10 rows read" in answer.json()["fix"]
