"""What the page asks of the REST server: pages of short rows, one match, its flows, and a stream of its own choice."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from console.stream import PROGRESS, Choice
from console.views import series_name
from schemas import topic_files
from schemas.events import (
    Alert,
    AlertState,
    Direction,
    FacilityFacts,
    Match,
    MatchState,
    Position,
    Reason,
    Tick,
    Unmatched,
)
from tests.ledger.desk import Desk, open_desk
from tests.unit.console.examples import example


def a_match(number: int, **changes: Any) -> Match:
    plain = {"state": MatchState.PROPOSED, "gain_giver": Decimal(100 - number)}
    return example(Match, id=UUID(int=number), **{**plain, **changes})


def test_a_page_of_a_list_begins_where_it_is_asked_to(desk: Desk, client: TestClient) -> None:
    for number in range(5):
        desk.show(topic_files.MATCHES, a_match(number))
    answer = client.get(
        "/api/v1/matches", params={"form": "row", "limit": "2", "offset": "3"}
    ).json()
    assert [row["id"] for row in answer["matches"]] == [str(UUID(int=3)), str(UUID(int=4))]
    assert (answer["total"], answer["states"]) == (5, {"PROPOSED": 5})


def test_states_are_counted_whatever_state_is_asked_for(desk: Desk, client: TestClient) -> None:
    for number, state in enumerate((MatchState.PROPOSED, MatchState.PROPOSED, MatchState.AGREED)):
        desk.show(topic_files.MATCHES, a_match(number, state=state))
    answer = client.get("/api/v1/matches", params={"state": "AGREED,DECLINED"}).json()
    assert (answer["total"], answer["states"]) == (1, {"PROPOSED": 2, "AGREED": 1})


def test_a_long_list_is_sent_in_parts_and_is_whole(desk: Desk, client: TestClient) -> None:
    for number in range(1, 251):
        desk.show(topic_files.MATCHES, a_match(number))
    sent = client.get("/api/v1/matches", params={"limit": "240"})
    answer = sent.json()
    assert sent.headers["content-type"] == "application/json"
    assert [row["id"] for row in answer["matches"]] == [str(UUID(int=n)) for n in range(1, 241)]
    assert (answer["total"], answer["states"]) == (250, {"PROPOSED": 250})


def test_a_row_is_much_smaller_than_a_document(desk: Desk, client: TestClient) -> None:
    desk.show(topic_files.MATCHES, a_match(1))
    full = client.get("/api/v1/matches").content
    row = client.get("/api/v1/matches", params={"form": "row"}).content
    assert len(row) * 3 < len(full)


def test_alerts_come_newest_first_and_one_that_returns_is_new_again(
    desk: Desk, client: TestClient
) -> None:
    first, second = (example(Alert, id=UUID(int=n), state=AlertState.RAISED) for n in (1, 2))
    for alert in (first, second, replace(first, state=AlertState.ACKNOWLEDGED)):
        desk.show(topic_files.ALERTS, alert)

    def order() -> list[str]:
        asked = {"form": "row", "state": "RAISED,ACKNOWLEDGED"}
        return [
            one["id"][-1] for one in client.get("/api/v1/alerts", params=asked).json()["alerts"]
        ]

    assert order() == ["2", "1"]
    desk.show(topic_files.ALERTS, replace(first, state=AlertState.CLEARED))
    assert order() == ["2"]
    desk.show(topic_files.ALERTS, first)
    assert order() == ["1", "2"]


def test_an_alert_says_in_words_what_happened_to_whom_and_which_match_it_is(
    desk: Desk, client: TestClient
) -> None:
    desk.show(topic_files.MATCHES, a_match(7))
    desk.show(
        topic_files.POSITIONS,
        example(FacilityFacts, facility="mill", name="The mill", name_zh="磨坊", removed=False),
    )
    cause = Reason(code="new_match", subject="mill", value=5000.0, unit="USD", text="fly_ash_brick")
    desk.show(
        topic_files.ALERTS,
        example(
            Alert,
            rule="new_match",
            subject=str(UUID(int=7)),
            reasons=(cause, Reason(code="new_match", text="fly_ash@1")),
        ),
    )
    (row,) = client.get("/api/v1/alerts", params={"form": "row"}).json()["alerts"]
    (reason,) = row["reasons"]
    assert reason["sentence"] == "A new match for The mill (Fired brick), worth 5,000 USD a day."
    assert "磨坊" in reason["sentence_zh"]
    assert row["match"] == str(UUID(int=7))


def test_an_unmatched_row_has_what_is_offered_and_every_reason(
    desk: Desk, client: TestClient
) -> None:
    position = example(Position, unit="GRM", quantity_24h=5_000_000)
    desk.show(topic_files.POSITIONS, position)
    reasons = (Reason(code="no_use_known", subject="fly_ash"), Reason(code="stale", subject="mill"))
    desk.show(
        topic_files.MATCHES,
        example(
            Unmatched,
            programme=position.programme,
            facility=position.facility,
            material=position.material,
            direction=position.direction,
            resolved=False,
            reasons=reasons,
        ),
    )
    (row,) = client.get("/api/v1/unmatched", params={"form": "row"}).json()["unmatched"]
    assert (row["quantity_24h"], row["unit"]) == (5.0, "t")
    assert row["data_kind"] == position.data_kind.value
    assert [one["code"] for one in row["reasons"]] == ["no_use_known", "stale"]


def test_one_match_has_both_places_and_what_each_side_may_do(
    desk: Desk, client: TestClient
) -> None:
    match = a_match(1, state=MatchState.ACCEPTED_BY_GIVER)
    desk.show(topic_files.MATCHES, match)
    for facility in (match.giver, match.receiver):
        facts = example(FacilityFacts, facility=facility, programme=match.programme, removed=False)
        desk.show(topic_files.POSITIONS, facts)
    document = client.get(f"/api/v1/matches/{match.id}").json()
    assert "accept" not in document["may"]["GIVER"]
    assert "accept" in document["may"]["RECEIVER"]
    assert document["flows"]["giver"]["place"]["latitude"]
    assert document["use_name"] == "Wallboard"
    assert document["properties"]["chloride"] == ["chloride", "氯离子"]
    assert all(reason["sentence"] for reason in document["reasons"])


@pytest.mark.parametrize("identity", ["00000000-0000-0000-0000-000000000009", "nonsense"])
def test_a_match_that_is_not_there_is_said_so(client: TestClient, identity: str) -> None:
    for address in (f"/api/v1/matches/{identity}", f"/api/v1/matches/{identity}/flows"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["field"]) == (404, "id")


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("/api/v1/matches?form=short", "form"),
        ("/api/v1/matches?offset=-1", "offset"),
        ("/api/v1/stream?kinds=match,colour", "kinds"),
        ("/api/v1/stream?form=short", "form"),
        ("/api/v1/stream?positions_of=nonsense", "positions_of"),
    ],
)
def test_a_wrong_choice_is_told_the_field(client: TestClient, address: str, field: str) -> None:
    answer = client.get(address)
    assert answer.status_code in {400, 404}
    assert answer.json()["field"] == field


def test_what_can_be_filtered_by_is_what_is_there(desk: Desk, client: TestClient) -> None:
    facts = example(FacilityFacts, programme="ohio", park="north", removed=False)
    desk.show(topic_files.POSITIONS, facts)
    desk.show(topic_files.POSITIONS, example(Position, programme="ohio", material="fly_ash"))
    answer = client.get("/api/v1/filters").json()
    assert answer["programmes"] == [{"id": "ohio", "parks": ["north"]}]
    assert answer["materials"] == [{"id": "fly_ash", "name": "Coal fly ash", "name_zh": "粉煤灰"}]


async def _read(desk: Desk, choice: Choice, count: int) -> list[str]:
    stream = desk.stream.messages("run1-0", choice)
    found = [await anext(stream) for _ in range(count)]
    await stream.aclose()
    return found[1:]


def test_a_stream_sends_the_kinds_and_flows_that_were_chosen(desk: Desk) -> None:
    supply = example(Position, facility="mill", direction=Direction.SUPPLY)
    for event in (replace(supply, facility="kiln"), supply, example(Tick), a_match(1)):
        topic = topic_files.MATCHES if isinstance(event, Match) else topic_files.POSITIONS
        desk.show(topic_files.COMMANDS if isinstance(event, Tick) else topic, event)
    choice = Choice(lambda _: True, "row", frozenset({"match"}), frozenset({series_name(supply)}))
    position, match = asyncio.run(_read(desk, choice, 3))
    assert position.startswith("id: run1-2\nevent: position\n")
    assert match.startswith("id: run1-4\nevent: match\n")
    assert "margins" not in json.loads(match.partition("data: ")[2])


def test_a_stream_that_leaves_much_out_still_says_how_far_it_is(desk: Desk) -> None:
    for _ in range(PROGRESS):
        desk.changes.note(example(Position))
    (message,) = asyncio.run(_read(desk, Choice(lambda _: True, kinds=frozenset({"match"})), 2))
    assert message == f"id: run1-{PROGRESS}\nevent: progress\ndata: {{}}\n\n"


def test_the_flows_of_a_match_come_from_the_ledger_one_point_an_hour(tmp_path: Path) -> None:
    match = a_match(1)
    with open_desk(tmp_path / "ledger") as desk, TestClient(desk.app) as client:
        desk.show(topic_files.MATCHES, match)
        supply = example(
            Position,
            programme=match.programme,
            facility=match.giver,
            material=match.material,
            direction=Direction.SUPPLY,
            unit=match.unit,
        )
        start = supply.as_of.replace(minute=0, second=0, microsecond=0)
        for minutes, tonnes in ((0, 1), (15, 2), (60, 3)):
            event = replace(
                supply,
                as_of=start + timedelta(minutes=minutes),
                quantity_24h=tonnes * 1_000_000,
            )
            desk.record(topic_files.POSITIONS, event)
        answer = client.get(f"/api/v1/matches/{match.id}/flows").json()
        assert [quantity for _, quantity in answer["giver"]] == [2.0, 3.0]
        assert answer["giver"][1][0] == (start + timedelta(hours=1)).isoformat().replace(
            "+00:00", "Z"
        )
        assert answer["receiver"] == []
