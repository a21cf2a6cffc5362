"""The store's server: the page, lists from memory, questions to the ledger, commands, a stream of what changes.

Every error is a problem document (`console.problems`) that names the field and the fix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ExceptionHandler

from console.audit.answers import audit_routes
from console.commands import Commands, answered
from console.facility_documents import FacilityDocuments, facility_routes
from console.facility_health import FacilityHealth
from console.filters import filters
from console.flows import Flows
from console.gauges import set_gauges
from console.lists import Listed, route
from console.matches import MatchPages
from console.materials import material_routes
from console.openapi import openapi_route
from console.own_origin import OwnOrigin
from console.page import page_routes
from console.problems import ProblemError, answer_http_error, answer_problem, answer_unexpected
from console.questions import answer_question
from console.readings import Readings
from console.rows import Rows
from console.state import StoreState
from console.stream import Stream
from console.transactions import Transactions, transaction_routes
from runtime.metrics import Metrics
from schemas.json_form import to_json
from synergy.market.explain import load_words

_HANDLERS: Final[Mapping[Any, ExceptionHandler]] = {
    ProblemError: answer_problem,
    HTTPException: answer_http_error,
    Exception: answer_unexpected,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the server answers from."""

    state: StoreState
    commands: Commands
    readings: Readings
    stream: Stream
    metrics: Metrics
    names: frozenset[str] = frozenset()


def application(served: Served) -> Starlette:
    """Return the server's application."""
    state = served.state

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        missing = state.missing()
        return JSONResponse({"ready": missing is None, "missing": missing}, 503 if missing else 200)

    async def measured(_: Request) -> Response:
        set_gauges(served.metrics, state)
        return PlainTextResponse(served.metrics.text())

    async def status(_: Request) -> Response:
        return JSONResponse(state.status())

    async def question(request: Request) -> Response:
        return await answer_question(request, state.ledger)

    return Starlette(
        routes=[
            Route("/livez", alive),
            Route("/readyz", ready),
            Route("/metrics", measured),
            openapi_route(),
            Route("/api/v1/status", status),
            Route("/api/v1/sql", question, methods=["POST"]),
            *audit_routes(state.ledger, state.documents.catalogue, state.clock),
            Route("/api/v1/commands", served.commands.answer, methods=["POST"]),
            Route("/api/v1/readings", served.readings.answer, methods=["POST"]),
            Route("/api/v1/stream", served.stream.answer),
            *_document_routes(served),
            *facility_routes(_facilities(state)),
            *material_routes(state.documents.catalogue),
            *page_routes(),
        ],
        middleware=[Middleware(OwnOrigin, names=served.names)],
        exception_handlers=dict(_HANDLERS),
    )


def _facilities(state: StoreState) -> FacilityDocuments:
    catalogue = state.documents.catalogue
    health = FacilityHealth(state.views, catalogue, state.ledger)
    return FacilityDocuments(
        state.views, state.documents, load_words(catalogue), health, state.clock
    )


def _document_routes(served: Served) -> tuple[Route, ...]:
    state, rows = served.state, served.stream.rows
    session = served.stream.changes.session
    transactions = Transactions(state.views, state.documents)
    matches = MatchPages(state.views, state.documents, rows, transactions, Flows(state.ledger))

    async def choices(_: Request) -> Response:
        return JSONResponse(filters(state.views, rows.catalogue))

    return (
        Route("/api/v1/filters", choices),
        *matches.routes(),
        *(route(state.views, listed, session) for listed in _lists(state, rows, transactions)),
        *transaction_routes(transactions),
    )


def _lists(state: StoreState, rows: Rows, transactions: Transactions) -> tuple[Listed, ...]:
    views, documents = state.views, state.documents
    return (
        Listed("matches", views.open_matches, documents.match, rows.match),
        Listed("positions", views.positions.values, documents.position),
        Listed("unmatched", views.unmatched.values, documents.unmatched, rows.unmatched),
        Listed("facilities", views.facilities.values, documents.facility, rows.facility),
        Listed("rejected", lambda: reversed(views.rejected), documents.rejected),
        Listed("outcomes", lambda: reversed(views.outcomes.values()), answered),
        Listed("alerts", lambda: reversed(views.alerts.values()), to_json, rows.alert),
        Listed(
            "transactions",
            transactions.newest_first,
            transactions.document,
            lambda agreement: rows.transaction(transactions.document(agreement)),
        ),
    )
