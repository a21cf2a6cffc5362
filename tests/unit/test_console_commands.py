"""Commands and transactions over REST, with the real market behind a publisher in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from console.changes import Changes
from console.commands import Commands
from console.documents import Documents
from console.problems import ProblemError, answer_problem
from console.transactions import Transactions, transaction_routes
from console.views import Views
from runtime.clock import FakeClock
from runtime.log import OutRecord, TopicPartition
from runtime.publisher import MemoryPublisher
from schemas import topic_files
from schemas.codec import Codec
from schemas.events import Command, Event, MatchState
from schemas.routing import partition_for
from synergy.lifecycle import Refusal, agreement_id
from synergy.lifecycle.funnel import funnel
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    MARCH,
    TONNE,
    Market,
    facts,
    need,
    only,
    supply,
)

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c66")
CODEC = Codec({"Command": 1})
TOPICS = {topic_files.COMMANDS: 4}


@dataclass
class Store:
    """The part of the store that answers commands; `deaf` markets don't answer."""

    market: Market
    deaf: bool = False
    views: Views = field(default_factory=Views)
    records: list[OutRecord] = field(default_factory=list[OutRecord])
    seen: list[Event] = field(default_factory=list[Event])
    loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        self.memory = MemoryPublisher(TOPICS)
        self.clock, self.changes = FakeClock(1_000_000), Changes("run1")
        turn = asyncio.Lock()
        self.commands = Commands(self, CODEC, self.views, self.changes, self.clock, turn)
        self.learn()

    # -- a publisher

    def partitions(self, topic: str) -> int:
        return self.memory.partitions(topic)

    def publish(self, record: OutRecord) -> None:
        self.memory.publish(record)

    def flush(self) -> None:
        self.memory.flush()
        self.records, told = list(self.memory.acknowledged), len(self.records)
        if not self.deaf:
            assert self.loop is not None
            self.loop.call_soon_threadsafe(self.answer, self.records[told:])

    # -- the market behind it

    def answer(self, records: list[OutRecord]) -> None:
        for record in records:
            command = CODEC.decode(record.value or b"")
            assert isinstance(command, Command)
            self.market.state.apply_command(command, self.market.at(topic_files.COMMANDS))
        self.learn()

    def learn(self) -> None:
        self.market.take()
        for event in self.market.published:
            self.views.take(event)
            self.seen.append(event)
        self.market.published.clear()
        self.changes.wake()

    def run(self, talk: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        async def talking() -> None:
            self.loop = asyncio.get_running_loop()
            transactions = Transactions(self.views, Documents(self.views, CATALOGUE))
            send = Route("/api/v1/commands", self.commands.answer, methods=["POST"])
            routes = [send, *transaction_routes(transactions)]
            app = Starlette(routes=routes, exception_handlers={ProblemError: answer_problem})
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://store") as client:
                await talk(client)

        asyncio.run(talking())

    def body(self, action: str = "accept", **more: Any) -> dict[str, Any]:
        match = next(iter(self.views.matches.values()))
        plain = {
            "action": action,
            "subject": str(match.id),
            "revision": match.revision,
            "side": "giver",
            "actor": "dispatcher@power",
        }
        return {**plain, **more}


@pytest.fixture
def store() -> Store:
    market = Market().tick(MARCH)
    market.feed(
        facts("power", "3510", (39.90, -80.80)),
        facts("mix", "2395", (40.00, -80.70)),
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    while (job := market.state.job()) is not None:
        market.state.absorb(job())
    return Store(market)


def test_a_command_is_published_to_its_programmes_partition_and_its_outcome_returned(
    store: Store,
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/commands", json=store.body())
        assert answer.status_code == 200
        assert answer.json()["accepted"] is True
        assert answer.json()["revision"] == 2
        assert answer.json()["message"] == "Done."

    store.run(talk)
    (record,) = store.records
    assert record.tp == TopicPartition(topic_files.COMMANDS, partition_for("ohio", 4))
    command = CODEC.decode(record.value or b"")
    assert isinstance(command, Command)
    assert (command.actor, command.programme) == ("dispatcher@power", "ohio")
    assert command.sent_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert record.key == command.subject.encode()
    assert only(store.views.matches.values()).state is MatchState.ACCEPTED_BY_GIVER


def test_a_refused_command_says_why_in_words_and_what_is_allowed(store: Store) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = (await client.post("/api/v1/commands", json=store.body(revision=9))).json()
        assert (answer["accepted"], answer["reason"]) == (False, Refusal.OUTDATED)
        assert answer["allowed"] == ["accept", "decline", "withdraw"]
        assert "changed since" in answer["message"]
        assert answer["message_zh"]

    store.run(talk)


def test_the_same_id_again_is_answered_without_being_published_again(store: Store) -> None:
    body = store.body(id=str(uuid5(NAMES, "mine")))

    async def talk(client: httpx.AsyncClient) -> None:
        first = await client.post("/api/v1/commands", json=body)
        again = await client.post("/api/v1/commands", json=body)
        assert first.json() == again.json()

    store.run(talk)
    assert len(store.records) == 1


def test_two_requests_at_once_with_one_id_get_the_same_outcome(store: Store) -> None:
    body = store.body(id=str(uuid5(NAMES, "mine")))

    async def talk(client: httpx.AsyncClient) -> None:
        both = await asyncio.gather(*(client.post("/api/v1/commands", json=body) for _ in range(2)))
        assert both[0].json() == both[1].json()
        assert both[0].json()["accepted"] is True

    store.run(talk)


def test_without_an_id_two_equal_commands_at_different_times_are_two(store: Store) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        await client.post("/api/v1/commands", json=store.body(revision=1))
        store.clock.advance(0.001)
        second = await client.post("/api/v1/commands", json=store.body(revision=1))
        assert second.json()["reason"] == Refusal.OUTDATED

    store.run(talk)
    assert len(store.records) == 2


def test_an_outcome_that_does_not_come_in_time_can_be_asked_for_later(store: Store) -> None:
    store.deaf = True

    async def talk(client: httpx.AsyncClient) -> None:
        body = store.body()
        answer = await client.post("/api/v1/commands?wait=0", json=body)
        assert (answer.status_code, answer.json()["accepted"]) == (202, None)
        identity = answer.json()["id"]
        assert answer.json()["outcome"] == f"/api/v1/outcomes?command={identity}"
        store.answer(store.records)
        later = await client.post("/api/v1/commands", json={**body, "id": identity})
        assert (later.status_code, later.json()["accepted"]) == (200, True)

    store.run(talk)


def test_a_broker_that_does_not_confirm_is_said_with_the_id_to_send_again(store: Store) -> None:
    store.memory.fail_next_flush()
    body = store.body(id=str(uuid5(NAMES, "mine")))

    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/commands", json=body)
        assert answer.status_code == 503
        assert body["id"] in answer.json()["fix"]
        assert (await client.post("/api/v1/commands", json=body)).json()["accepted"] is True

    store.run(talk)


@pytest.mark.parametrize(
    ("changes", "field", "fix"),
    [
        ({"action": "destroy"}, "action", "accept"),
        ({"action": None}, "action", "text"),
        ({"action": 5}, "action", "text"),
        ({"subject": None}, "subject", "text"),
        ({"subject": "abc"}, "programme", "Name the programme"),
        ({"subject": str(NAMES)}, "programme", "Name the programme"),
        ({"programme": ""}, "programme", "text"),
        ({"revision": "2"}, "revision", "whole number"),
        ({"revision": True}, "revision", "whole number"),
        ({"revision": 2**31}, "revision", "up to 2,147,483,647"),
        ({"quantity": 1.5}, "quantity", "whole number"),
        ({"quantity": 10**19}, "quantity", "up to"),
        ({"side": "both"}, "side", "giver or receiver"),
        ({"side": []}, "side", "giver or receiver"),
        ({"actor": " "}, "actor", "text"),
        ({"actor": "x" * 201}, "actor", "at most 200"),
        ({"reason": ["x"]}, "reason", "text"),
        ({"reason": "\ud800"}, "reason", "Unicode"),
        ({"id": "7"}, "id", "UUID"),
        ({"colour": "red"}, "colour", "A command has"),
    ],
)
def test_a_wrong_field_is_named_with_the_fix_and_nothing_is_published(
    store: Store, changes: Mapping[str, Any], field: str, fix: str
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        content = json.dumps({**store.body(), **changes})
        headers = {"content-type": "application/json"}
        answer = await client.post("/api/v1/commands", content=content, headers=headers)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error.startswith(f"{field}: ")
        assert fix in error

    store.run(talk)
    assert store.records == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"action=accept", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"reason": "' + b"x" * 70_000 + b'"}', "application/json; charset=utf-8", 413),
    ],
)
def test_what_is_no_command_is_refused(
    store: Store, content: bytes, kind: str, status: int
) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(
            "/api/v1/commands", content=content, headers={"content-type": kind}
        )
        assert answer.status_code == status
        assert answer.json()["error"]

    store.run(talk)


def test_a_transaction_is_shown_from_signature_to_receipt_and_counted_in_the_funnel(
    store: Store,
) -> None:
    async def send(client: httpx.AsyncClient, action: str, **more: Any) -> dict[str, Any]:
        answer = await client.post("/api/v1/commands", json=store.body(action, **more))
        assert answer.json()["accepted"], answer.json()
        return dict(answer.json())

    async def talk(client: httpx.AsyncClient) -> None:
        await send(client, "accept")
        await send(client, "accept", side="receiver")
        match = next(iter(store.views.matches))
        agreement = str(agreement_id(match))
        load = await send(client, "dispatch", subject=agreement, revision=1, quantity=90 * TONNE)
        delivery = load["subject"]
        await send(
            client,
            "receive",
            subject=delivery,
            revision=1,
            side="receiver",
            quantity=60 * TONNE,
        )
        await send(client, "complete", subject=delivery, revision=2, side=None)
        for identity in (agreement, delivery, str(match)):
            shown = (await client.get(f"/api/v1/transactions/{identity}")).json()
            assert (shown["id"], shown["state"], shown["unit"]) == (agreement, "running", "t")
        (one,) = shown["deliveries"]
        assert (one["state"], one["receipt"]) == ("completed", "received_in_part")
        assert (one["sent"], one["taken"]) == (90.0, 60.0)
        assert shown["impact"]["diverted"] == 60.0
        states = [event["state"] for event in shown["events"]]
        assert states == ["agreed", "running", "dispatched", "received_in_part", "completed"]
        counts = (await client.get("/api/v1/funnel?programme=ohio")).json()
        assert (counts["proposed"], counts["accepted_one_side"], counts["agreed"]) == (1, 1, 1)
        assert (counts["running"], counts["completed"], counts["received_in_part"]) == (1, 1, 1)
        assert (counts["refused"], counts["declined"], counts["declined_reasons"]) == (0, 0, {})
        elsewhere = (await client.get("/api/v1/funnel?programme=anhui")).json()
        assert elsewhere["proposed"] == 0

    store.run(talk)


def test_the_funnel_counts_what_was_declined_and_why(store: Store) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        answer = await client.post(
            "/api/v1/commands", json=store.body("decline", reason="too dusty")
        )
        assert answer.json()["accepted"]

    store.run(talk)
    counts = funnel(store.views.history, store.views.positions.values())
    assert (counts.declined, counts.declined_reasons) == (1, {"too dusty": 1})
    assert store.views.open_matches() == []


def test_an_unknown_transaction_is_a_404_and_a_wrong_id_a_400(store: Store) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/transactions/nonsense")).status_code == 400
        assert (await client.get(f"/api/v1/transactions/{NAMES}")).status_code == 404

    store.run(talk)


def test_reading_the_topics_again_counts_nothing_twice(store: Store) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        await client.post("/api/v1/commands", json=store.body())
        await client.post("/api/v1/commands", json=store.body(side="receiver"))
        agreement = str(agreement_id(next(iter(store.views.matches))))
        body = store.body("meter", subject=agreement, revision=1, quantity=TONNE, side=None)
        assert (await client.post("/api/v1/commands", json=body)).json()["accepted"]

    store.run(talk)
    history = store.views.history
    before = (dict(history.deliveries), dict(history.agreements), dict(history.impacts))
    assert history.impacts
    for event in store.seen:
        store.views.take(event)
    assert (history.deliveries, history.agreements, history.impacts) == before
