"""The store's REST server. Errors are JSON: `{"error": sentence}`, with the field and the fix in the sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from console.commands import command_routes
from console.gauges import set_gauges
from console.state import StoreState
from console.transactions import Transactions, transaction_routes
from runtime.ledger_database import DatabaseUnavailableError, LedgerDatabaseError, QueryLimits
from runtime.metrics import Metrics
from schemas.json_form import to_json

_MOST_ROWS = 10_000
_DEFAULT_ROWS = 500


def application(state: StoreState, metrics: Metrics) -> Starlette:
    """Return the server's application.

    Lists take `limit`, and `programme`, `facility` and `material` where they make sense.
    """
    views, documents = state.views, state.documents
    transactions = Transactions(views, documents)

    def listed(
        name: str, events: Callable[[], Iterable[Any]], document: Callable[[Any], dict[str, Any]]
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            found = [event for event in events() if _wanted(request, event)]
            shown = [document(event) for event in found[: _limit(request)]]
            return JSONResponse({name: shown, "total": len(found)})

        return Route(f"/api/v1/{name}", endpoint)

    async def status(_: Request) -> Response:
        return JSONResponse(state.status())

    async def ready(_: Request) -> Response:
        problem = state.sink_status().problem
        missing = problem or (None if state.feed.caught_up else "the views are catching up")
        return JSONResponse({"ready": missing is None, "missing": missing}, 503 if missing else 200)

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def measured(_: Request) -> Response:
        set_gauges(metrics, state)
        return PlainTextResponse(metrics.text())

    async def sql(request: Request) -> Response:
        return await _answer_sql(request, state)

    return Starlette(
        routes=[
            Route("/livez", alive),
            Route("/readyz", ready),
            Route("/metrics", measured),
            Route("/api/v1/status", status),
            Route("/api/v1/sql", sql, methods=["POST"]),
            listed("matches", views.open_matches, documents.match),
            listed("positions", views.positions.values, documents.position),
            listed("unmatched", views.unmatched.values, documents.unmatched),
            listed("facilities", views.facilities.values, documents.facility),
            listed("rejected", lambda: reversed(views.rejected), documents.rejected),
            listed("outcomes", lambda: reversed(views.outcomes.values()), to_json),
            listed("alerts", views.alerts.values, to_json),
            listed("transactions", transactions.newest_first, transactions.document),
            *transaction_routes(transactions),
            *command_routes(state.commands),
        ],
        exception_handlers={HTTPException: _refused},
    )


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(_DEFAULT_ROWS))
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_ROWS:
        raise HTTPException(400, f"limit: {text!r} is not a number from 1 to {_MOST_ROWS}")
    return int(text)


def _wanted(request: Request, event: object) -> bool:
    for name in ("programme", "facility", "material"):
        asked = request.query_params.get(name)
        if asked is None:
            continue
        names = ("giver", "receiver", "facility") if name == "facility" else (name,)
        if asked not in {getattr(event, one, None) for one in names}:
            return False
    return True


async def _answer_sql(request: Request, state: StoreState) -> Response:
    try:
        body: object = await request.json()
    except ValueError:
        body = None
    statement = cast("dict[str, object]", body).get("sql") if isinstance(body, dict) else None
    if not isinstance(statement, str) or not statement.strip():
        raise HTTPException(400, 'sql: send {"sql": "SELECT ..."} as JSON')
    try:
        columns, rows = await asyncio.to_thread(state.ledger.query, statement, QueryLimits())
    except DatabaseUnavailableError as error:
        raise HTTPException(503, str(error)) from error
    except LedgerDatabaseError as error:
        raise HTTPException(400, str(error)) from error
    return JSONResponse(
        {"columns": list(columns), "rows": [[_cell(c) for c in row] for row in rows]}
    )


def _cell(value: object) -> object:
    """Return a value of a result as JSON has it: times in ISO 8601, other types as text."""
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_cell(item) for item in cast("Sequence[object]", value)]
    if isinstance(value, dict):
        return {str(key): _cell(item) for key, item in cast("dict[object, object]", value).items()}
    return value.isoformat() if isinstance(value, datetime) else str(value)
