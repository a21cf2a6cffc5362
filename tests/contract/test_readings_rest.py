"""Readings over REST: taken whole and durable, or told what is wrong with each; a repeat adds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.openapi_readings import READING
from console.tokens import Tokens, TokensError
from producers.errors import SpoolWriteError
from producers.gateway.intake import send_until_told
from producers.gateway.parse import FIELDS
from producers.spool import Spool
from runtime.log import TopicPartition
from schemas import topic_files
from schemas.events import Availability, Basis, Direction, FacilityFacts, Position, Tick
from schemas.routing import partition_for
from tests.ledger.desk import EVERYTHING, ONE_MILL, Desk, open_desk
from tests.unit.console.examples import example

MILL = "mill"
FACTS = example(FacilityFacts, facility=MILL, programme="p", industry="3510", removed=False)
TICK = example(Tick, programme="p", time=datetime(2007, 3, 8, 16, 30, tzinfo=UTC))
ASH: dict[str, Any] = {
    "facility": MILL,
    "material": "fly_ash",
    "direction": "supply",
    "quantity": 288,
    "unit": "TNE",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "ledger") as opened:
        opened.show(topic_files.POSITIONS, FACTS)
        opened.show(topic_files.POSITIONS, replace(FACTS, facility="kiln"))
        opened.show(topic_files.COMMANDS, TICK)
        yield opened


def post(
    client: TestClient, *readings: object, key: str = "batch-0001", token: str = EVERYTHING
) -> Any:
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
    }
    content = json.dumps({"readings": readings})
    return client.post("/api/v1/readings", content=content, headers=headers)


def published(desk: Desk) -> list[Availability]:
    """Let the gateway send what waits and return everything that was published."""
    while desk.intake.send():
        pass
    events = [desk.codec.decode(one.value or b"") for one in desk.sent.acknowledged]
    assert all(isinstance(one, Availability) for one in events)
    return [one for one in events if isinstance(one, Availability)]


def test_a_reading_is_published_in_base_units_up_to_the_programme_s_time(
    desk: Desk, client: TestClient
) -> None:
    answer = post(client, ASH | {"properties": {"loi": 7.1, "moisture": "0.5 %"}})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["accepted"], answer.json()["durable"]) == (1, "spool")
    (event,) = published(desk)
    assert (event.quantity, event.unit) == (288_000_000, "GRM")
    assert (event.period_start, event.period_end) == (TICK.time - timedelta(hours=24), TICK.time)
    assert (event.source, event.sequence) == ("rest/operator", 1)
    assert (event.basis, event.moisture) == (Basis.AS_RECEIVED, 0.005)
    assert {one.name: one.value for one in event.properties} == {"loi": 7.1, "moisture": 0.5}
    assert answer.json()["readings"][0]["id"] == str(event.id)
    (record,) = desk.sent.acknowledged
    assert (record.key, record.tp.partition) == (b"mill|fly_ash|SUPPLY", partition_for(MILL, 4))


def test_the_same_key_again_is_answered_the_same_and_adds_nothing(
    desk: Desk, client: TestClient
) -> None:
    first, again = post(client, ASH), post(client, ASH)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(published(desk)) == 1
    other = post(client, ASH | {"quantity": 1})
    assert (other.status_code, other.json()["title"]) == (422, "idempotency key reused")
    later = ASH | {"hours": 1, "quantity": 12}
    assert post(client, later, key="batch-0002").json() != first.json()
    assert [one.sequence for one in published(desk)] == [1, 2]


def test_a_key_is_still_known_after_a_restart_and_what_was_accepted_is_sent_then(
    tmp_path: Path,
) -> None:
    answers: list[dict[str, Any]] = []
    for _ in range(2):
        with open_desk(tmp_path / "ledger") as desk, TestClient(desk.app) as client:
            desk.show(topic_files.POSITIONS, FACTS)
            desk.show(topic_files.COMMANDS, TICK)
            answers.append(post(client, ASH).json())
    assert answers[0] == answers[1]
    with open_desk(tmp_path / "ledger") as desk:
        (event,) = published(desk)
    assert str(event.id) == answers[0]["readings"][0]["id"]


def test_what_the_broker_did_not_take_is_sent_again_under_the_same_identity(
    desk: Desk, client: TestClient
) -> None:
    desk.sent.fail_next_flush(arriving=1)
    post(client, ASH, ASH | {"direction": "demand", "material": "sand"})
    told: list[Exception] = []
    send_until_told(desk.intake, lambda: len(told) == 0, told.append)
    assert len(told) == 1
    events = published(desk)
    assert [one.sequence for one in events] == [1, 1, 2]
    assert events[0] == events[1]


def test_a_full_disk_is_said_nothing_is_kept_and_the_same_request_is_taken_later(
    desk: Desk, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SpoolWriteError("gateway.spool", "database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(Spool, "append_with_receipt", full)
        answer = post(client, ASH)
        assert (answer.status_code, answer.json()["title"]) == (503, "spool unwritable")
        assert answer.json()["fix"].startswith("Send the same request again")
    assert post(client, ASH).status_code == 202
    told: list[Exception] = []
    with monkeypatch.context() as disk:
        disk.setattr(Spool, "acknowledge", full)
        send_until_told(desk.intake, lambda: len(told) == 0, told.append)
    assert [type(error) for error in told] == [SpoolWriteError, SpoolWriteError]
    assert {one.sequence for one in published(desk)} == {1}


@pytest.mark.parametrize(
    ("token", "status", "title"),
    [("", 401, "token missing"), ("guessed-token-of-nobody", 401, "token unknown")],
)
def test_who_has_no_token_is_told_where_to_find_one(
    client: TestClient, token: str, status: int, title: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.post("/api/v1/readings", json={"readings": [ASH]}, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_token_of_one_plant_is_not_for_another(desk: Desk, client: TestClient) -> None:
    answer = post(client, ASH, ASH | {"facility": "kiln"}, token=ONE_MILL)
    assert (answer.status_code, answer.json()["title"]) == (403, "not your facility")
    assert [(one["index"], one["field"]) for one in answer.json()["errors"]] == [(1, "facility")]
    assert published(desk) == []
    assert post(client, ASH, token=ONE_MILL).status_code == 202
    assert published(desk)[0].source == "rest/mill"


AHEAD = (TICK.time + timedelta(days=1)).isoformat()
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no facility": ({"facility": None}, "facility", "my_mill"),
    "a stranger": ({"facility": "nobody"}, "facility", "synergy facilities import"),
    "no such material": ({"material": "unobtainium"}, "material", "fly_ash"),
    "no direction": ({"direction": None}, "direction", "supply or demand"),
    "another direction": ({"direction": "sideways"}, "direction", "supply, demand"),
    "an ambiguous ton": ({"unit": "ton"}, "unit", "TNE, STN, LTN"),
    "no unit": ({"unit": "furlong"}, "unit", "TNE"),
    "a unit of something else": ({"unit": "KWH"}, "unit", "TNE"),
    "no quantity": ({"quantity": None}, "quantity", "12.5"),
    "text": ({"quantity": "twelve"}, "quantity", "decimal point"),
    "not a number": ({"quantity": "nan"}, "quantity", "decimal point"),
    "true": ({"quantity": True}, "quantity", "decimal point"),
    "a decimal comma": ({"quantity": "12,5"}, "quantity", "decimal point"),
    "less than nothing": ({"quantity": -1}, "quantity", "corrects"),
    "absurdly much": ({"quantity": 1e9}, "quantity", "scale"),
    "half a period": ({"period_start": "2024-01-01T00:00:00Z"}, "period_end", "both"),
    "no length": ({"hours": 0}, "hours", "up to 840"),
    "no offset": (
        {"period_start": "2007-01-01T00:00:00", "period_end": "2007-01-02T00:00:00Z"},
        "period_start",
        "offset",
    ),
    "backwards": (
        {"period_start": "2007-01-02T00:00:00Z", "period_end": "2007-01-01T00:00:00Z"},
        "period_end",
        "some length",
    ),
    "ahead of the programme": (
        {"period_start": TICK.time.isoformat(), "period_end": AHEAD},
        "period_end",
        "Leave the period out",
    ),
    "a plan without a document": (
        {
            "form": "plan",
            "period_start": "2024-01-01T00:00:00Z",
            "period_end": "2024-01-02T00:00:00Z",
        },
        "document",
        "PO-4711/10",
    ),
    "a plan of no time": ({"form": "plan", "document": "d"}, "period_start", "from when"),
    "the last 24 hours again": ({"direction": "demand"}, "quantity", "per: h"),
    "a rate of no time": ({"per": "week"}, "per", "h, d or min"),
    "an unknown property": ({"properties": {"colour": 1}}, "properties.colour", "loi"),
    "a property in another unit": ({"properties": {"loi": "7 mm"}}, "properties.loi", "%"),
    "an analysis of nothing on earth": (
        {"properties": {"calorific": 1e13}},
        "properties.calorific",
        "MJ/kg",
    ),
    "more than all": ({"properties": {"loi": 101}}, "properties.loi", "0 to 100"),
    "an unknown field": ({"colour": "grey"}, "colour", "facility, material"),
    "half a surrogate": ({"source": "\ud800"}, "source", "UTF-8"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_reading_names_its_place_field_and_fix_and_nothing_is_taken(
    desk: Desk, client: TestClient, case: str
) -> None:
    changes, field, hint = WRONG[case]
    answer = post(client, ASH | {"direction": "demand"}, ASH | changes)
    document = answer.json()
    assert (answer.status_code, document["title"]) == (422, "invalid readings")
    (error,) = document["errors"]
    assert (error["index"], error["field"]) == (1, field)
    assert hint in error["fix"]
    assert published(desk) == []


def test_a_series_keeps_its_basis(desk: Desk, client: TestClient) -> None:
    dry = example(
        Position,
        programme="p",
        facility=MILL,
        material="fly_ash",
        direction=Direction.SUPPLY,
        basis=Basis.DRY,
    )
    desk.show(topic_files.POSITIONS, dry)
    assert post(client, ASH).json()["readings"][0]["basis"] == "DRY"
    answer = post(client, ASH | {"basis": "as_received", "hours": 1}, key="batch-0002")
    assert answer.json()["errors"][0]["field"] == "basis"


def test_a_rate_goes_on_from_where_the_flow_before_ended(desk: Desk, client: TestClient) -> None:
    rate = ASH | {"quantity": 12, "per": "h"}
    post(client, rate)
    desk.show(topic_files.COMMANDS, replace(TICK, time=TICK.time + timedelta(hours=2)))
    post(client, rate | {"quantity": 14}, key="batch-0002")
    first, second = published(desk)
    assert (first.quantity, first.period_end) == (288_000_000, TICK.time)
    assert (second.quantity, second.period_start) == (28_000_000, TICK.time)
    nothing = post(client, rate, key="batch-0003").json()
    assert "no time has passed" in nothing["errors"][0]["detail"]
    desk.show(topic_files.COMMANDS, replace(TICK, time=TICK.time + timedelta(days=9)))
    post(client, rate, key="batch-0004")
    assert published(desk)[-1].quantity == 288_000_000


def test_the_24_hours_of_a_first_reading_end_with_a_quarter_hour_and_nothing_is_left_out(
    desk: Desk, client: TestClient
) -> None:
    desk.show(topic_files.COMMANDS, replace(TICK, time=TICK.time + timedelta(minutes=13)))
    post(client, ASH | {"quantity": 12, "per": "h"})
    desk.show(topic_files.COMMANDS, replace(TICK, time=TICK.time + timedelta(minutes=20)))
    post(client, ASH | {"quantity": 12, "per": "h"}, key="batch-0002")
    first, second = published(desk)
    assert (first.period_end, first.quantity) == (TICK.time, 288_000_000)
    assert (second.period_start, second.quantity) == (TICK.time, 4_000_000)


def test_a_period_can_be_a_number_of_hours_up_to_the_programme_s_time(
    desk: Desk, client: TestClient
) -> None:
    post(client, ASH | {"hours": 1.5, "quantity": 18})
    (event,) = published(desk)
    assert (event.period_end - event.period_start, event.period_end) == (
        timedelta(hours=1.5),
        TICK.time,
    )


def test_names_and_units_are_understood_as_people_write_them(
    desk: Desk, client: TestClient
) -> None:
    answer = post(
        client,
        ASH | {"material": "粉煤灰", "unit": "吨", "quantity": "12.5"},
        ASH | {"material": "Coal fly ash", "unit": "t", "direction": "DEMAND"},
        ASH | {"unit": "STN", "quantity": 1, "source": "scale"},
    )
    assert answer.status_code == 202, answer.text
    assert [one.quantity for one in published(desk)] == [12_500_000, 288_000_000, 907_185]


REFUSED: dict[str, tuple[object, dict[str, str], int, str]] = {
    "no key": ({"readings": [ASH]}, {}, 400, "idempotency-key"),
    "a short key": ({"readings": [ASH]}, {"Idempotency-Key": "1"}, 400, "idempotency-key"),
    "no readings": ({"readings": []}, {"Idempotency-Key": "batch-0001"}, 422, "readings"),
    "no list": ({"readings": "many"}, {"Idempotency-Key": "batch-0001"}, 422, "readings"),
    "no object a reading": ({"readings": [7]}, {"Idempotency-Key": "batch-0001"}, 422, "readings"),
    "another field": ({"rows": [ASH]}, {"Idempotency-Key": "batch-0001"}, 422, "rows"),
    "too many": (
        {"readings": [{}] * 1_001},
        {"Idempotency-Key": "batch-0001"},
        413,
        "readings",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_request_names_field_and_fix(client: TestClient, case: str) -> None:
    body, headers, status, field = REFUSED[case]
    bearer = {"Authorization": f"Bearer {EVERYTHING}"}
    answer = client.post("/api/v1/readings", json=body, headers=bearer | headers)
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert answer.json()["fix"]


def test_the_description_names_the_fields_that_are_taken() -> None:
    assert READING["properties"].keys() == set(FIELDS)


def test_a_store_that_is_still_starting_takes_nothing_and_says_so(
    desk: Desk, client: TestClient
) -> None:
    desk.feed.begin((), {TopicPartition(topic_files.POSITIONS, 0): -1})  # before the end there was
    answer = post(client, ASH)
    assert (answer.status_code, answer.json()["title"]) == (503, "store starting")
    assert answer.headers["retry-after"]
    assert published(desk) == []


def test_a_body_that_is_too_large_is_not_read_to_its_end(client: TestClient) -> None:
    answer = post(client, ASH | {"source": "x" * 1_100_000})
    assert (answer.status_code, answer.json()["title"]) == (413, "too large")


@pytest.mark.parametrize(
    "setting", ["mill token-of-the-one-mill", "mill short *", "a/b token-of-nobody *"]
)
def test_a_token_that_is_set_wrongly_is_not_shown(setting: str) -> None:
    with pytest.raises(TokensError, match=r"readings\.tokens line 2") as refused:
        Tokens.parse(f"# who\n{setting}")
    assert setting.split()[1] not in str(refused.value)
