"""`POST /api/v1/commands`: what a person asks the market to do, published once and answered with its outcome.

The client may choose the command's id. Sending the same command again is safe: the market repeats the answer and does
nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.bodies import json_object
from console.changes import Changes
from console.command_request import CommandReader, only_json
from console.problems import Problem, ProblemError
from console.views import Views
from runtime.clock import Clock
from runtime.log import OutRecord, TopicMissingError, TopicPartition
from runtime.publisher import Publisher, PublishError
from schemas import topic_files
from schemas.codec import Codec
from schemas.errors import EncodeError
from schemas.events import Command, Outcome
from schemas.json_form import to_json
from schemas.routing import partition_for
from synergy.lifecycle import refusal_words

MOST_WAIT_S = 10.0
USUAL_WAIT_S = "5"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Commands:
    """Takes commands. `publisher` is used by one request at a time."""

    publisher: Publisher
    codec: Codec
    views: Views
    changes: Changes
    clock: Clock
    turn: asyncio.Lock

    async def answer(self, request: Request) -> Response:
        """Publish one command and wait for its outcome, 5 seconds or `?wait=SECONDS`.

        202 says that it is published and where its outcome will be, 200 holds the outcome. An outcome that is known
        is given again without publishing.
        """
        only_json(request.headers.get("content-type", ""))
        wait_s = _wait_s(request.query_params)
        body = await json_object(request)
        now = _EPOCH + timedelta(microseconds=self.clock.now_us())
        command = CommandReader(self.views).read(body, now)
        if command.id not in self.views.outcomes:
            await self._publish_in_turn(command)
        outcome = await self._outcome(command.id, wait_s)
        if outcome is not None:
            return JSONResponse(answered(outcome))
        address = f"/api/v1/outcomes?command={command.id}"
        waiting = {"id": str(command.id), "accepted": None, "outcome": address}
        return JSONResponse(waiting, 202)

    async def _publish_in_turn(self, command: Command) -> None:
        record = self._record(command)
        async with self.turn:
            try:
                await asyncio.to_thread(self._publish, command, record)
            except (PublishError, TopicMissingError) as error:
                raise ProblemError(
                    Problem(
                        status=503,
                        reason="not_published",
                        detail=str(error),
                        fix="It may have taken effect all the same: look, or send the same command again with id "
                        f"{command.id}. With that it can't take effect twice.",
                    )
                ) from error

    def _record(self, command: Command) -> bytes:
        try:
            return self.codec.encode(command)
        except EncodeError as error:
            raise ProblemError(
                Problem(
                    status=400,
                    reason="no_command",
                    detail=str(error),
                    fix="Send numbers and texts that fit the command's schema.",
                )
            ) from error

    def _publish(self, command: Command, value: bytes) -> None:
        count = self.publisher.partitions(topic_files.COMMANDS)
        tp = TopicPartition(topic_files.COMMANDS, partition_for(command.programme, count))
        headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", str(command.id).encode()),
            ("ce_source", b"/synergy/console"),
            ("ce_type", b"synergy.v1.Command"),
            ("ce_time", command.sent_at.isoformat().encode()),
        )
        self.publisher.publish(OutRecord(tp, command.subject.encode(), value, headers))
        self.publisher.flush()

    async def _outcome(self, command: UUID, wait_s: float) -> Outcome | None:
        deadline = self.clock.monotonic_s() + wait_s
        while (outcome := self.views.outcomes.get(command)) is None:
            left = deadline - self.clock.monotonic_s()
            if left <= 0 or self.changes.closed:
                return None
            await self.changes.wait(left)
        return outcome


def answered(outcome: Outcome) -> dict[str, Any]:
    """Return the document of an outcome, with a sentence in both languages."""
    if outcome.accepted:
        words = ("Done.", "已完成。")
    else:
        code = outcome.reason or ""
        words = refusal_words().get(code, (code, code))
    return {**to_json(outcome), "message": words[0], "message_zh": words[1]}


def _wait_s(parameters: Mapping[str, str]) -> float:
    text = parameters.get("wait", USUAL_WAIT_S)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MOST_WAIT_S:
        raise ProblemError(
            Problem(
                status=400,
                reason="out_of_range",
                detail=f"{text!r} is no number of seconds to wait",
                field="wait",
                fix=f"Give a number from 0 to {MOST_WAIT_S:g}.",
            )
        )
    return seconds
