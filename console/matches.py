"""One match over REST: everything that a person decides by, and the recent history of its two flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.documents import TRADE, Documents
from console.flows import Flows
from console.problems import Problem, ProblemError
from console.rows import Rows
from console.transactions import Transactions
from console.views import SeriesName, Views
from schemas.events import Direction, Match, Side
from synergy.lifecycle import MATCHES


@dataclass(frozen=True, slots=True)
class MatchPages:
    """Serves `/api/v1/matches/{id}` and, below it, `/flows`."""

    views: Views
    documents: Documents
    rows: Rows
    transactions: Transactions
    flows: Flows

    def routes(self) -> Sequence[Route]:
        """Return the routes."""
        return (
            Route("/api/v1/matches/{id}", self._one),
            Route("/api/v1/matches/{id}/flows", self._flows),
        )

    async def _one(self, request: Request) -> Response:
        return JSONResponse(self.document(known_match(self.views, request.path_params["id"], "id")))

    async def _flows(self, request: Request) -> Response:
        match = known_match(self.views, request.path_params["id"], "id")
        supply, need = flows_of(match)
        per_unit, unit = TRADE[match.unit]
        return JSONResponse(
            {
                "unit": unit,
                "giver": [p.document(per_unit) for p in await self.flows.recent(supply)],
                "receiver": [p.document(per_unit) for p in await self.flows.recent(need)],
            }
        )

    def document(self, match: Match) -> dict[str, Any]:
        """Return a match with names, sentences, what each side may do, both places and its transaction."""
        agreement = self.views.history.find(match.id)
        return {
            **self.documents.match(match),
            **self.rows.parties(match.giver, match.receiver, match.material),
            **self.rows.terms(match),
            "reasons": self.rows.sentences.reasons(match.reasons),
            "may": {side.value: list(MATCHES.allowed(match.state, side)) for side in Side},
            "flows": {
                "giver": self._flow(flows_of(match)[0]),
                "receiver": self._flow(flows_of(match)[1]),
            },
            "transaction": None if agreement is None else self.transactions.document(agreement),
        }

    def _flow(self, series: SeriesName) -> dict[str, Any] | None:
        position = self.views.positions.get(series)
        facts = self.views.facilities.get(series[1])
        return {
            "place": None if facts is None else self.rows.facility(facts),
            "source": None if facts is None else facts.source,
            **({} if position is None else self.documents.position(position)),
        }


def flows_of(match: Match) -> tuple[SeriesName, SeriesName]:
    """Return the series that gives and the series that takes."""
    return (
        (match.programme, match.giver, match.material, Direction.SUPPLY),
        (match.programme, match.receiver, match.need, Direction.DEMAND),
    )


def known_match(views: Views, text: str, field: str) -> Match:
    """Return the match of this id. Raises ProblemError."""
    try:
        match = views.matches.get(UUID(text))
    except ValueError:
        match = None
    if match is None:
        raise ProblemError(
            Problem(
                status=404,
                reason="no_match",
                detail=f"no match that is open or was closed lately is {text[:80]!r}",
                field=field,
                fix="Copy an id from /api/v1/matches.",
            )
        )
    return match
