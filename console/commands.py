"""`POST /api/v1/commands`: what a person asks the market to do, published once and answered with its outcome.

The client chooses the command's id. Sending the same command again is safe: the market repeats the answer and does
nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.bodies import json_object
from console.changes import Changes
from console.problems import Problem, ProblemError
from console.views import Views
from runtime.clock import Clock
from runtime.log import OutRecord, TopicMissingError, TopicPartition
from runtime.publisher import Publisher, PublishError
from schemas import topic_files
from schemas.codec import Codec
from schemas.errors import EncodeError
from schemas.events import Command, Outcome
from schemas.json_form import JsonFormError, from_json, to_json
from schemas.routing import partition_for

MOST_WAIT_S = 10.0
_EXAMPLE = (
    'Send {"id": "<UUID that you choose>", "programme": "...", "action": "accept", "subject": "<match id>", '
    '"revision": 1, "side": "GIVER", "actor": "..."}.'
)


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
        """Publish one command; with `?wait=SECONDS`, wait for its outcome.

        202 says that it is published and where its outcome will be, 200 holds the outcome.
        """
        wait_s = _wait_s(request.query_params)
        command = self._command(await json_object(request))
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
                        fix="Send the same command with the same id again: it can't take effect twice.",
                    )
                ) from error
        outcome = await self._outcome(command.id, wait_s)
        if outcome is not None:
            return JSONResponse(to_json(outcome))
        address = f"/api/v1/outcomes?command={command.id}"
        return JSONResponse({"id": str(command.id), "outcome": address}, 202)

    def _command(self, body: Mapping[str, object]) -> Command:
        now = datetime.fromtimestamp(self.clock.now_us() / 1_000_000, UTC)
        content = {"sent_at": now.isoformat().replace("+00:00", "Z"), **body}
        try:
            command = from_json("Command", content)
        except JsonFormError as error:
            field = error.path.removeprefix("Command").lstrip(".") or None
            raise ProblemError(
                Problem(
                    status=400, reason="no_command", detail=error.message, field=field, fix=_EXAMPLE
                )
            ) from error
        assert isinstance(command, Command)
        return command

    def _record(self, command: Command) -> bytes:
        try:
            return self.codec.encode(command)
        except EncodeError as error:
            raise ProblemError(
                Problem(status=400, reason="no_command", detail=str(error), fix=_EXAMPLE)
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
        self.publisher.publish(OutRecord(tp, str(command.id).encode(), value, headers))
        self.publisher.flush()

    async def _outcome(self, command: UUID, wait_s: float) -> Outcome | None:
        deadline = self.clock.monotonic_s() + wait_s
        while (outcome := self.views.outcomes.get(command)) is None:
            left = deadline - self.clock.monotonic_s()
            if left <= 0 or self.changes.closed:
                return None
            await self.changes.wait(left)
        return outcome


def _wait_s(parameters: Mapping[str, str]) -> float:
    text = parameters.get("wait", "0")
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
