"""The lists of `/api/v1`: what is known now, filtered by programme, park, facility and material, from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.problems import Problem, ProblemError
from console.views import Views

MOST_ROWS = 10_000
DEFAULT_ROWS = 500
_FILTERS = ("programme", "park", "facility", "material", "command")


@dataclass(frozen=True, slots=True)
class Listed:
    """One list: its name, its events best or newest first, and how one becomes a document."""

    name: str
    events: Callable[[], Iterable[Any]]
    document: Callable[[Any], Mapping[str, Any]]


def route(views: Views, listed: Listed) -> Route:
    """Return the route of a list. `total` counts what the filters let through, shown or not."""

    async def endpoint(request: Request) -> Response:
        limit = _limit(request)
        wanted = wanted_by(views, request.query_params, ("limit",))
        found = [event for event in listed.events() if wanted(event)]
        shown = [listed.document(event) for event in found[:limit]]
        return JSONResponse({listed.name: shown, "total": len(found)})

    return Route(f"/api/v1/{listed.name}", endpoint)


def wanted_by(
    views: Views, parameters: Mapping[str, str], others: tuple[str, ...]
) -> Callable[[object], bool]:
    """Return the filter that the query asks for. Raises ProblemError on a parameter that means nothing."""
    for name in parameters:
        if name not in (*_FILTERS, *others):
            raise ProblemError(
                Problem(
                    status=400,
                    reason="unknown_parameter",
                    detail=f"{name!r} means nothing here",
                    field=name,
                    fix=f"Known are {', '.join((*_FILTERS, *others))}.",
                )
            )

    def wanted(event: object) -> bool:
        for name in ("programme", "material", "command"):
            asked = parameters.get(name)
            if asked is not None and str(getattr(event, name, None)) != asked:
                return False
        facilities = _facilities(event)
        if "facility" in parameters and parameters["facility"] not in facilities:
            return False
        return "park" not in parameters or any(
            (facts := views.facilities.get(facility)) is not None
            and facts.park == parameters["park"]
            for facility in facilities
        )

    return wanted


def _facilities(event: object) -> set[str]:
    names = ("facility", "giver", "receiver")
    return {value for name in names if isinstance(value := getattr(event, name, None), str)}


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_ROWS))
    if not text.isdecimal() or not 1 <= int(text) <= MOST_ROWS:
        raise ProblemError(
            Problem(
                status=400,
                reason="out_of_range",
                detail=f"{text!r} is no number of rows",
                field="limit",
                fix=f"Give a whole number from 1 to {MOST_ROWS}.",
            )
        )
    return int(text)
