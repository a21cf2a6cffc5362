"""The REST server answers from memory, asks the ledger, takes commands, and says what is wrong with a request."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from console.stream import Choice
from schemas import topic_files
from schemas.events import Command, Event, FacilityFacts, Match, MatchState, Outcome, Position
from schemas.json_form import from_json
from tests.ledger.desk import Desk

COMMAND_ID = "00000000-0000-0000-0000-00000000002a"
COMMAND: dict[str, str | int] = {
    "id": COMMAND_ID,
    "programme": "ohio-valley",
    "action": "accept",
    "subject": "match-1",
    "revision": 1,
    "side": "GIVER",
    "actor": "ann",
}


def example_of(record: str) -> Any:
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", record).lower()
    content = json.loads((files("schemas") / "examples" / f"{name}.v1.json").read_text("utf-8"))
    return from_json(record, content)


def test_the_latest_position_of_a_series_is_shown(desk: Desk, client: TestClient) -> None:
    position: Position = example_of("Position")
    for quantity in (1_000_000, 2_000_000):
        desk.show(topic_files.POSITIONS, replace(position, unit="GRM", quantity_24h=quantity))
    answer = client.get("/api/v1/positions").json()
    assert answer["total"] == 1
    assert (answer["positions"][0]["quantity_24h"], answer["positions"][0]["unit"]) == (2.0, "t")


def test_a_withdrawn_match_is_no_longer_open(desk: Desk, client: TestClient) -> None:
    match: Match = example_of("Match")
    desk.show(topic_files.MATCHES, replace(match, state=MatchState.PROPOSED))
    assert client.get("/api/v1/matches").json()["total"] == 1
    desk.show(topic_files.MATCHES, replace(match, state=MatchState.WITHDRAWN))
    assert client.get("/api/v1/matches").json()["total"] == 0


def test_lists_are_filtered_by_programme_park_facility_and_material(
    desk: Desk, client: TestClient
) -> None:
    position: Position = example_of("Position")
    facts: FacilityFacts = example_of("FacilityFacts")
    for name, park in (("mill", "north"), ("kiln", "south")):
        desk.show(topic_files.POSITIONS, replace(facts, facility=name, park=park, removed=False))
        desk.show(topic_files.POSITIONS, replace(position, facility=name))
    for query, total in (
        ({"facility": "mill"}, 1),
        ({"park": "south"}, 1),
        ({"park": "east"}, 0),
        ({"programme": position.programme}, 2),
        ({"programme": "elsewhere"}, 0),
        ({"material": position.material, "facility": "kiln"}, 1),
    ):
        assert client.get("/api/v1/positions", params=query).json()["total"] == total, query


def test_a_limit_cuts_the_list_and_not_the_total(desk: Desk, client: TestClient) -> None:
    position: Position = example_of("Position")
    for number in range(5):
        desk.show(topic_files.POSITIONS, replace(position, facility=f"plant-{number}"))
    answer = client.get("/api/v1/positions", params={"limit": "2"}).json()
    assert (len(answer["positions"]), answer["total"]) == (2, 5)


def test_a_list_is_sent_again_only_when_something_has_changed(
    desk: Desk, client: TestClient
) -> None:
    position: Position = example_of("Position")
    desk.show(topic_files.POSITIONS, position)
    first = client.get("/api/v1/positions")
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/api/v1/positions", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    desk.show(topic_files.POSITIONS, replace(position, stale=not position.stale))
    news = client.get("/api/v1/positions", headers=known)
    assert news.json()["positions"][0]["stale"] is not first.json()["positions"][0]["stale"]
    of_another_run = {"If-None-Match": news.headers["ETag"].replace("run1", "run0")}
    assert client.get("/api/v1/positions", headers=of_another_run).status_code == 200


def test_a_question_is_answered_from_the_ledger(client: TestClient) -> None:
    answer = client.post("/api/v1/sql", json={"sql": "SELECT table, rows FROM ledger_rows LIMIT 1"})
    assert answer.json() == {"columns": ["table", "rows"], "rows": [["alerts", 0]]}


PROBLEMS: dict[str, tuple[str, str, object, int, str, str | None]] = {
    "no row limit": ("GET", "/api/v1/matches?limit=0", None, 400, "out_of_range", "limit"),
    "unknown filter": (
        "GET",
        "/api/v1/matches?colour=red",
        None,
        400,
        "unknown_parameter",
        "colour",
    ),
    "unknown address": ("GET", "/api/v1/nothing", None, 404, "unknown_address", None),
    "wrong method": ("GET", "/api/v1/sql", None, 405, "not_possible", None),
    "no question": ("POST", "/api/v1/sql", {}, 400, "missing_field", "sql"),
    "a write": ("POST", "/api/v1/sql", {"sql": "DROP TABLE matches"}, 403, "not_a_query", "sql"),
    "a file": ("POST", "/api/v1/sql", {"sql": "SELECT file('/x')"}, 403, "reaches_outside", "sql"),
    "no column": ("POST", "/api/v1/sql", {"sql": "SELECT nothing"}, 400, "not_understood", "sql"),
    "no object": ("POST", "/api/v1/sql", ["SELECT 1"], 400, "no_json_object", None),
    "too large": ("POST", "/api/v1/sql", {"sql": "x" * 70_000}, 413, "too_large", None),
    "no action": (
        "POST",
        "/api/v1/commands",
        {**COMMAND, "action": ""},
        400,
        "no_command",
        "action",
    ),
    "a wrong id": ("POST", "/api/v1/commands", {**COMMAND, "id": "7"}, 400, "no_command", "id"),
    "an endless wait": ("POST", "/api/v1/commands?wait=999", COMMAND, 400, "out_of_range", "wait"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_wrong_request_is_told_the_field_and_the_fix(client: TestClient, case: str) -> None:
    method, address, body, status, reason, field = PROBLEMS[case]
    answer = client.request(method, address, json=body)
    document = answer.json()
    assert (answer.status_code, document["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"urn:synergy:problem:{reason}"
    assert document["fix"]
    assert document["fix"] in document["error"]
    if field is not None:
        assert document["field"] == field


CHANGES = {
    "INSERT INTO facilities (id) VALUES ('forged')": "not_a_query",
    "ALTER TABLE facilities DELETE WHERE 1": "not_a_query",
    "TRUNCATE TABLE facilities": "not_a_query",
    "SYSTEM FLUSH LOGS": "not_a_query",
    "SET readonly = 0": "not_a_query",
    "SELECT 1 SETTINGS readonly = 0": "read_only",
    "SELECT 1; DROP TABLE facilities": "several_statements",
    "SELECT 1 INTO OUTFILE 'stolen.txt'": "writes_a_file",
    "SELECT * FROM url('http://127.0.0.1:1/')": "reaches_outside",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')": "reaches_outside",
    "SELECT * FROM numbers(20000)": "too_much",
}


@pytest.mark.parametrize("statement", CHANGES)
def test_a_question_changes_nothing_and_leaves_the_ledger_alone(
    desk: Desk, client: TestClient, statement: str
) -> None:
    answer = client.post("/api/v1/sql", json={"sql": statement})
    document = answer.json()
    assert (answer.status_code, document["type"]) == (
        403,
        f"urn:synergy:problem:{CHANGES[statement]}",
    )
    assert document["fix"]
    assert desk.ledger.one("SELECT count() FROM facilities") == (0,)
    assert not list(Path().glob("stolen*"))


def test_a_body_that_is_no_json_is_said_so(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/sql", content=b"SELECT 1", headers=headers)
    assert answer.json()["title"] == "no json object"


def test_a_command_is_published_once_to_its_programmes_partition(
    desk: Desk, client: TestClient
) -> None:
    answer = client.post("/api/v1/commands?wait=0", json=COMMAND)
    assert answer.status_code == 202
    assert answer.json()["outcome"] == f"/api/v1/outcomes?command={COMMAND['id']}"
    (record,) = desk.publisher.acknowledged
    assert record.value is not None
    command = desk.codec.decode(record.value)
    assert isinstance(command, Command)
    assert (command.id, command.programme, command.actor) == (
        UUID(COMMAND_ID),
        "ohio-valley",
        "ann",
    )
    assert ("ce_id", COMMAND_ID.encode()) in record.headers


def test_a_command_waits_for_its_outcome(desk: Desk, client: TestClient) -> None:
    outcome: Outcome = replace(example_of("Outcome"), command=UUID(COMMAND_ID), accepted=False)
    desk.show(topic_files.OUTCOMES, outcome)
    answer = client.post("/api/v1/commands?wait=5", json=COMMAND)
    assert answer.status_code == 200
    assert answer.json()["command"] == COMMAND_ID
    found = client.get("/api/v1/outcomes", params={"command": COMMAND_ID}).json()
    assert found["total"] == 1


def test_probes_and_metrics_answer(client: TestClient) -> None:
    assert client.get("/livez").text == "ok\n"
    assert client.get("/readyz").json() == {"ready": True, "missing": None}
    assert "synergy_ledger_rows_total" in client.get("/metrics").text


async def _messages(desk: Desk, resume: str | None, count: int) -> list[str]:
    """Return the first messages."""
    stream = desk.stream.messages(resume, Choice(lambda _: True))
    found = [await anext(stream) for _ in range(count)]
    await stream.aclose()
    return found


def test_a_stream_resumes_after_the_last_change_that_was_seen(desk: Desk) -> None:
    match: Match = example_of("Match")
    for revision in (1, 2, 3):
        desk.show(topic_files.MATCHES, replace(match, revision=revision))
    _, first, second = asyncio.run(_messages(desk, "run1-1", 3))
    assert first.startswith("id: run1-2\nevent: match\ndata: {")
    assert '"revision":2' in first
    assert second.startswith("id: run1-3\n")


@pytest.mark.parametrize("gone", ["run0-1", "run1-99", "nonsense"])
def test_a_stream_that_cannot_resume_is_reset(desk: Desk, gone: str) -> None:
    desk.show(topic_files.MATCHES, example_of("Match"))
    (message,) = asyncio.run(_messages(desk, gone, 1))
    assert message == "retry: 1000\nid: run1-1\nevent: reset\ndata: {}\n\n"


def test_a_stream_that_fell_behind_what_is_kept_is_reset(desk: Desk) -> None:
    event: Event = example_of("Match")
    for _ in range(4_010):
        desk.changes.note(event)
    (message,) = asyncio.run(_messages(desk, "run1-3", 1))
    assert message == "retry: 1000\nid: run1-4010\nevent: reset\ndata: {}\n\n"


def test_a_stream_ends_when_the_store_stops(desk: Desk) -> None:
    async def read() -> list[str]:
        stream = desk.stream.messages(None, Choice(lambda _: True))
        opening = await anext(stream)
        desk.changes.close()
        return [opening, *[message async for message in stream]]

    assert asyncio.run(read()) == ["retry: 1000\nid: run1-0\nevent: begin\ndata: {}\n\n"]


def test_a_page_of_another_site_may_not_act(client: TestClient) -> None:
    foreign = [
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ]
    for headers in foreign:
        answer = client.post("/api/v1/commands", json=COMMAND, headers=headers)
        assert (answer.status_code, answer.json()["field"]) == (403, "origin")
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/v1/sql", json={"sql": "SELECT 1"}, headers=own).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("rebound.example:8080", 403),
        ("127.0.0.1.evil.example", 403),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("store:8080", 200),
    ],
)
def test_another_site_cannot_give_its_name_to_this_server(
    client: TestClient, host: str, status: int
) -> None:
    answer = client.get("/api/v1/status", headers={"Host": host})
    assert answer.status_code == status, answer.text


def test_a_question_that_is_not_json_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/sql", content='{"sql": "SELECT 1"}', headers={"Content-Type": "text/plain"}
    )
    assert (answer.status_code, answer.json()["field"]) == (415, "content-type")
