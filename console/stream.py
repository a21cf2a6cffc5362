"""`GET /api/v1/stream`: server-sent events of everything that changes, resumable with `Last-Event-ID`.

Each message has the kind of the thing as its event (`match`, `position`, ...), its document as data, and an id to
resume after. When the place to resume from is gone, one `reset` tells the client to read the lists again. A client that
falls behind by more than is kept is reset too: it can't hold the store back.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from console.changes import Changes, ResumeGoneError
from console.commands import answered
from console.documents import Documents
from console.lists import wanted_by
from console.transactions import Transactions
from console.views import Views
from schemas.events import (
    Alert,
    Event,
    FacilityFacts,
    Match,
    Outcome,
    Position,
    Rejected,
    Tick,
    Transaction,
    Unmatched,
)
from schemas.json_form import to_json

HEARTBEAT_S = 15.0
Shown = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Stream:
    """Serves the stream."""

    changes: Changes
    views: Views
    documents: Documents

    async def answer(self, request: Request) -> Response:
        """Answer a request: headers first, then messages until the client or the store goes."""
        wanted = wanted_by(self.views, request.query_params, ("last_event_id",))
        resume = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self.messages(resume, wanted), media_type="text/event-stream", headers=headers
        )

    async def messages(
        self, resume: str | None, wanted: Callable[[object], bool]
    ) -> AsyncGenerator[str]:
        """Yield messages from the place to resume after, or from now on."""
        yield "retry: 1000\n\n"
        reached = self.changes.last
        if resume is not None:
            try:
                reached = self.changes.number(resume)
                self.changes.since(reached)
            except ResumeGoneError:
                reached = self.changes.last
                yield self._reset(reached)
        while not self.changes.closed:
            try:
                news = self.changes.since(reached)
            except ResumeGoneError:
                reached = self.changes.last
                yield self._reset(reached)
                continue
            for change in news:
                shown = self._shown(change.event) if wanted(change.event) else None
                if shown is not None:
                    yield self._message(change.number, *shown)
            if news:
                reached = news[-1].number
            elif reached == self.changes.last:
                await self.changes.wait(HEARTBEAT_S)
                if reached == self.changes.last:
                    yield ": still here\n\n"

    def _message(self, number: int, kind: str, document: Mapping[str, Any]) -> str:
        data = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        return f"id: {self.changes.name(number)}\nevent: {kind}\ndata: {data}\n\n"

    def _reset(self, number: int) -> str:
        return f"id: {self.changes.name(number)}\nevent: reset\ndata: {{}}\n\n"

    def _shown(self, event: Event) -> Shown | None:
        documents = self.documents
        match event:
            case Match():
                return "match", documents.match(event)
            case Position():
                return "position", documents.position(event)
            case Unmatched():
                return "unmatched", documents.unmatched(event)
            case FacilityFacts():
                return "facility", documents.facility(event)
            case Tick():
                return "programme", documents.programme(event)
            case Rejected():
                return "rejected", documents.rejected(event)
            case Outcome():
                return "outcome", answered(event)
            case Transaction():
                agreement = self.views.history.agreements[event.agreement]
                transactions = Transactions(self.views, documents)
                return "transaction", transactions.document(agreement)
            case Alert():
                return "alert", to_json(event)
            case _:
                return None
