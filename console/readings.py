"""`POST /api/v1/readings`: a plant sends what it has and needs. Accepted means durable.

The answer is 202 once the readings and the answer itself are on disk in the gateway's spool; they reach Kafka after
that, also when the broker or this process was away. `Idempotency-Key` makes a repeat safe: the same key is answered the
same and adds nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.bodies import content_of, object_of
from console.command_request import only_json
from console.problems import Problem, ProblemError
from console.tokens import Sender, Tokens
from console.views import Views
from runtime.clock import Clock
from schemas.events import Basis, Direction, FacilityFacts

MOST_BYTES: Final = 1024 * 1024
KEY_HEADER: Final = "idempotency-key"
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SeenPlants:
    """What the views know of the plants, as the gateway asks for it. On the event loop's thread only."""

    views: Views
    clock: Clock

    def facility(self, identity: str) -> FacilityFacts | None:
        """Return the facts of an enrolled facility."""
        return self.views.facilities.get(identity)

    def now(self, programme: str) -> datetime:
        """Return the programme's time: its replay's, or the clock's where it is live."""
        tick = self.views.programmes.get(programme)
        if tick is not None:
            return tick.time
        return _EPOCH + timedelta(microseconds=self.clock.now_us())

    def basis(self, facility: str, material: str, direction: Direction) -> Basis | None:
        """Return the basis in which a series is kept, None before its first reading."""
        facts = self.views.facilities.get(facility)
        name = ("" if facts is None else facts.programme, facility, material, direction)
        known = self.views.positions.get(name)
        return None if known is None else known.basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request whose sender is known."""

    sender: Sender
    key: str
    content: bytes
    body: Mapping[str, object]


class Taken(Protocol):
    """The durable answer to a request; `repeated` when it was given before."""

    @property
    def answer(self) -> Mapping[str, Any]:
        """The document."""
        ...

    @property
    def repeated(self) -> bool:
        """Whether the key had been answered before."""
        ...


class ReadingGateway(Protocol):
    """Where readings go."""

    def earlier(self, sent: Sent) -> Taken | None:
        """Return what this key was answered before. Blocks for the disk. Raises ProblemError."""
        ...

    def prepare(self, sent: Sent, known: SeenPlants) -> Callable[[], Taken]:
        """Check a request; the function returned makes it durable and blocks for the disk. Both raise ProblemError."""
        ...


@dataclass(frozen=True, slots=True)
class Readings:
    """Serves the route, once `is_ready`: a store that is starting does not know the programmes' time yet."""

    gateway: ReadingGateway
    tokens: Tokens
    known: SeenPlants
    is_ready: Callable[[], bool]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from the check of a request until it is kept: a rate goes on where the flow before it ended."""

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises ProblemError."""
        sender = self._sender(request)
        only_json(request.headers.get("content-type", ""))
        key = _key(request)
        content = await content_of(request, MOST_BYTES)
        sent = Sent(sender=sender, key=key, content=content, body=object_of(content))
        taken = await asyncio.to_thread(self.gateway.earlier, sent)
        if taken is None:
            self._check_ready()
            async with self._turn:
                keep = self.gateway.prepare(sent, self.known)
                taken = await asyncio.to_thread(keep)
        headers = {"Idempotency-Replayed": "true"} if taken.repeated else {}
        return JSONResponse(dict(taken.answer), 202, headers)

    def _check_ready(self) -> None:
        if not self.is_ready():
            raise ProblemError(
                Problem(
                    status=503,
                    reason="store_starting",
                    detail="the store is reading what happened before",
                    fix="Send the same request again in a few seconds.",
                    headers={"Retry-After": "2"},
                )
            )

    def _sender(self, request: Request) -> Sender:
        authorization = request.headers.get("authorization")
        sender = self.tokens.sender(authorization)
        if sender is not None:
            return sender
        raise ProblemError(
            Problem(
                status=401,
                reason="token_unknown" if authorization else "token_missing",
                detail="the token is not known here" if authorization else "there is no token",
                field="authorization",
                fix="Send `Authorization: Bearer TOKEN`; on the machine of the demonstration it is in "
                "var/readings.token, elsewhere whoever runs the store gives it out (readings.tokens).",
                headers={"WWW-Authenticate": 'Bearer realm="readings"'},
            )
        )


def _key(request: Request) -> str:
    key = request.headers.get(KEY_HEADER, "")
    if not _KEY.fullmatch(key):
        raise ProblemError(
            Problem(
                status=400,
                reason="idempotency_key_missing" if not key else "idempotency_key_invalid",
                detail="there is no key" if not key else "the key is not 8 to 200 visible letters",
                field=KEY_HEADER,
                fix="Choose one for each batch, such as a UUID, and send it again with the same batch.",
            )
        )
    return key
