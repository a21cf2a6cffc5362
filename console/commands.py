"""Commands over REST: read the request, publish the command, wait for its outcome.

A command acts once however often it is sent with the same id: the market remembers the ids it has answered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID, uuid5

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.command_request import MOST_BYTES, Wanted, read_wanted
from console.views import Views
from runtime.clock import Clock
from runtime.log import LogError, OutRecord, TopicPartition
from runtime.publisher import Publisher, PublishError
from schemas import topic_files
from schemas.codec import Codec
from schemas.events import Command, Event, Outcome
from schemas.json_form import to_json
from schemas.routing import partition_for
from synergy.lifecycle import refusal_words

ANSWER_S: Final = 5.0
NAMESPACE: Final = UUID("9d0f5f0a-2b9c-5d39-9a43-5c1f7a3f1b77")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class CommandDesk:
    """Publishes commands and hands out their outcomes as the views learn of them."""

    publisher: Publisher
    codec: Codec
    views: Views
    clock: Clock
    answer_s: float = ANSWER_S
    _waiting: dict[UUID, asyncio.Future[Outcome]] = field(
        default_factory=dict[UUID, "asyncio.Future[Outcome]"]
    )
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.views.watchers.append(self._saw)

    def command(self, wanted: Wanted) -> Command:
        """Return the command of a request; without an id it gets one from its content and the time."""
        now_us = self.clock.now_us()
        identity = wanted.id or uuid5(NAMESPACE, json.dumps((*wanted.content(), now_us)))
        return Command(
            id=identity,
            programme=wanted.programme,
            action=wanted.action,
            subject=wanted.subject,
            revision=wanted.revision,
            side=wanted.side,
            actor=wanted.actor,
            reason=wanted.reason,
            quantity=wanted.quantity,
            sent_at=_EPOCH + timedelta(microseconds=now_us),
        )

    async def send(self, command: Command) -> Outcome | None:
        """Publish a command and return its outcome, or None when there is none within `answer_s`.

        Raises:
            PublishError, LogError: the broker did not take it, or nobody knows; the same id may be sent again.
        """
        known = self.views.outcomes.get(command.id)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        answer = self._waiting.setdefault(command.id, loop.create_future())
        try:
            async with self._one_at_a_time:
                await asyncio.to_thread(self._publish, command)
            async with asyncio.timeout(self.answer_s):
                return await asyncio.shield(answer)
        except TimeoutError:
            return self.views.outcomes.get(command.id)
        finally:
            self._waiting.pop(command.id, None)

    def _publish(self, command: Command) -> None:
        count = self.publisher.partitions(topic_files.COMMANDS)
        tp = TopicPartition(topic_files.COMMANDS, partition_for(command.programme, count))
        key = command.subject.encode()
        self.publisher.publish(OutRecord(tp, key, self.codec.encode(command)))
        self.publisher.flush()

    def _saw(self, event: Event) -> None:
        if isinstance(event, Outcome):
            waiting = self._waiting.pop(event.command, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(event)


def answered(outcome: Outcome) -> dict[str, Any]:
    """Return the document of an outcome, with a sentence in both languages."""
    if outcome.accepted:
        words = ("Done.", "已完成。")
    else:
        code = outcome.reason or ""
        words = refusal_words().get(code, (code, code))
    return {**to_json(outcome), "message": words[0], "message_zh": words[1]}


def command_routes(desk: CommandDesk) -> Sequence[Route]:
    """Return the routes of commands."""

    async def send(request: Request) -> Response:
        command = desk.command(read_wanted(await _body(request), desk.views))
        try:
            outcome = await desk.send(command)
        except (PublishError, LogError) as error:
            detail = f"the broker did not confirm it: {error}; send it again with id {command.id}"
            raise HTTPException(503, detail) from error
        return _response(command.id, outcome)

    async def ask(request: Request) -> Response:
        try:
            identity = UUID(request.path_params["id"])
        except ValueError as error:
            raise HTTPException(400, "id: this is no id of a command") from error
        return _response(identity, desk.views.outcomes.get(identity))

    return (
        Route("/api/v1/commands", send, methods=["POST"]),
        Route("/api/v1/commands/{id}", ask),
    )


def _response(identity: UUID, outcome: Outcome | None) -> Response:
    if outcome is not None:
        return JSONResponse(answered(outcome))
    waiting = {
        "command": str(identity),
        "accepted": None,
        "message": f"No outcome is known yet: ask again at /api/v1/commands/{identity}.",
        "message_zh": f"尚无结果, 请稍后查询 /api/v1/commands/{identity}",
    }
    return JSONResponse(waiting, 202)


async def _body(request: Request) -> Mapping[str, object]:
    """Return the JSON object of a request. Only JSON: a form of another site can't send that."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "content-type: send the command as application/json")
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > MOST_BYTES:
            raise HTTPException(413, f"body: a command has at most {MOST_BYTES:,} bytes")
    try:
        body: object = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"body: this is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "body: send one JSON object")
    return cast("dict[str, object]", body)
