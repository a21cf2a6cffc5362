"""`GET /api/v1/stream`: server-sent events of everything that changes, resumable with `Last-Event-ID`.

Each message has the kind of the thing as its event (`match`, `position`, ...), its document as data, and an id to
resume after. When the place to resume from is gone, one `reset` tells the client to read the lists again. A client that
falls behind by more than is kept is reset too: it can't hold the store back.

`?kinds=match,alert` leaves out every other kind and `?form=row` gives the short form of each. `?positions_of=MATCH`
adds the positions of the two flows of one match, for a client that wants no others.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from console.changes import Change, Changes, ResumeGoneError
from console.commands import answered
from console.documents import Documents
from console.lists import form_of, wanted_by
from console.matches import flows_of, known_match
from console.problems import Problem, ProblemError
from console.rows import Rows
from console.transactions import Transactions
from console.views import SeriesName, Views, series_name
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
PROGRESS = 500
"""After so many changes that a client did not want it is told how far they are."""
MADE = 500
"""Messages that are kept for the next client that wants them."""
KINDS: Mapping[type[Event], str] = {
    Match: "match",
    Position: "position",
    Unmatched: "unmatched",
    FacilityFacts: "facility",
    Tick: "programme",
    Rejected: "rejected",
    Outcome: "outcome",
    Transaction: "transaction",
    Alert: "alert",
}
_OWN_PARAMETERS = ("last_event_id", "kinds", "form", "positions_of")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a client wants to see: `flows` are series whose positions it wants whatever the kinds are."""

    wanted: Callable[[object], bool]
    form: str = "full"
    kinds: frozenset[str] = frozenset(KINDS.values())
    flows: frozenset[SeriesName] = frozenset()

    def takes(self, event: Event) -> bool:
        """Whether the client is told of this event."""
        if isinstance(event, Position) and self.flows:
            return series_name(event) in self.flows
        return KINDS.get(type(event)) in self.kinds and self.wanted(event)


@dataclass(frozen=True, slots=True)
class Stream:
    """Serves the stream."""

    changes: Changes
    views: Views
    documents: Documents
    rows: Rows
    _made: OrderedDict[tuple[int, str], str] = field(
        default_factory=OrderedDict[tuple[int, str], str]
    )

    async def answer(self, request: Request) -> Response:
        """Answer a request: headers first, then messages until the client or the store goes."""
        parameters = request.query_params
        wanted = wanted_by(self.views, parameters, _OWN_PARAMETERS)
        resume = request.headers.get("last-event-id") or parameters.get("last_event_id")
        chosen = Choice(wanted, form_of(parameters), _kinds(parameters), self._flows(parameters))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self.messages(resume, chosen), media_type="text/event-stream", headers=headers
        )

    async def messages(self, resume: str | None, choice: Choice) -> AsyncGenerator[str]:
        """Yield messages from the place to resume after, or from now on.

        `begin` and `progress` carry nothing but a place to resume after: what a client leaves out moves on too.
        """
        reached, opening = self._start(resume)
        told = reached
        yield f"retry: 1000\n{self._bare(opening, reached)}"
        while not self.changes.closed:
            try:
                news = self.changes.since(reached)
            except ResumeGoneError:
                reached = told = self.changes.last
                yield self._bare("reset", reached)
                continue
            for change in news:
                text = self._text(change, choice.form) if choice.takes(change.event) else None
                if text is not None:
                    told = change.number
                    yield text
            if news:
                reached = news[-1].number
            elif reached == self.changes.last:
                await self.changes.wait(HEARTBEAT_S)
                if reached == self.changes.last:
                    yield ": still here\n\n"
            if reached - told >= PROGRESS:
                told = reached
                yield self._bare("progress", reached)

    def _start(self, resume: str | None) -> tuple[int, str]:
        """Return the change to begin after, and how the client is told of it."""
        if resume is None:
            return self.changes.last, "begin"
        try:
            reached = self.changes.number(resume)
            self.changes.since(reached)
        except ResumeGoneError:
            return self.changes.last, "reset"
        return reached, "begin"

    def _flows(self, parameters: Mapping[str, str]) -> frozenset[SeriesName]:
        text = parameters.get("positions_of")
        if text is None:
            return frozenset()
        return frozenset(flows_of(known_match(self.views, text, "positions_of")))

    def _message(self, number: int, kind: str, document: Mapping[str, Any]) -> str:
        data = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        return f"id: {self.changes.name(number)}\nevent: {kind}\ndata: {data}\n\n"

    def _bare(self, kind: str, number: int) -> str:
        return self._message(number, kind, {})

    def _text(self, change: Change, form: str) -> str | None:
        """Return the message of a change: made once, however many clients want it."""
        name = change.number, form
        text = self._made.get(name)
        if text is None:
            kind = KINDS.get(type(change.event))
            if kind is None:
                return None
            short = self._row(change.event) if form == "row" else None
            document = self._document(change.event) if short is None else short
            text = self._made[name] = self._message(change.number, kind, document)
            if len(self._made) > MADE:
                self._made.popitem(last=False)
        return text

    def _row(self, event: Event) -> Mapping[str, Any] | None:
        match event:
            case Match():
                return self.rows.match(event)
            case Unmatched():
                return {**self.rows.unmatched(event), "resolved": event.resolved}
            case FacilityFacts():
                return self.rows.facility(event)
            case Transaction():
                return self.rows.transaction(self._document(event))
            case Alert():
                return self.rows.alert(event)
            case _:
                return None

    def _document(self, event: Event) -> Mapping[str, Any]:
        documents = self.documents
        match event:
            case Match():
                return documents.match(event)
            case Position():
                return documents.position(event)
            case Unmatched():
                return documents.unmatched(event)
            case FacilityFacts():
                return documents.facility(event)
            case Tick():
                return documents.programme(event)
            case Outcome():
                return answered(event)
            case Transaction():
                agreement = self.views.history.agreements[event.agreement]
                return Transactions(self.views, documents).document(agreement)
            case _:
                return to_json(event)


def _kinds(parameters: Mapping[str, str]) -> frozenset[str]:
    text = parameters.get("kinds")
    if text is None:
        return frozenset(KINDS.values())
    asked = frozenset(text.split(","))
    unknown = sorted(asked - set(KINDS.values()))
    if unknown:
        raise ProblemError(
            Problem(
                status=400,
                reason="unknown_kind",
                detail=f"{unknown[0]!r} is no kind of message",
                field="kinds",
                fix=f"Write some of {', '.join(sorted(KINDS.values()))}, with commas between them.",
            )
        )
    return asked
