"""The lists of `/api/v1`: what is known now, filtered by programme, park, facility and material, from memory.

`?state=` takes states with commas between them, `?limit=` and `?offset=` a page, `?form=row` the short form of each.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from console.conditional import conditional
from console.problems import Problem, ProblemError
from console.views import Views

MOST_ROWS = 10_000
MOST = 10**9
DEFAULTS = {"limit": 500, "offset": 0}
AT_ONCE = 100
FORMS = ("full", "row")
_FILTERS = ("programme", "park", "facility", "material", "command")


Document = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Listed:
    """One list: its name, its events best or newest first, and how one becomes a document or a row."""

    name: str
    events: Callable[[], Iterable[Any]]
    document: Document
    row: Document | None = None


def route(views: Views, listed: Listed, session: str) -> Route:
    """Return the route of a list. `session` differs at every start of the store.

    `total` counts what the filters let through, shown or not, and `states` what the other filters let through by state.
    """
    forms = {"full": listed.document, "row": listed.row or listed.document}

    async def endpoint(request: Request) -> Response:
        limit, offset = (
            _number(request, "limit", (1, MOST_ROWS)),
            _number(request, "offset", (0, MOST)),
        )
        wanted = wanted_by(views, request.query_params, ("limit", "offset", "state", "form"))
        document = forms[form_of(request.query_params)]
        found = [event for event in listed.events() if wanted(event)]
        states = Counter(str(event.state) for event in found if hasattr(event, "state"))
        chosen = _with_state(found, request.query_params.get("state"))
        shown, rest = chosen[offset : offset + limit], {"total": len(chosen), "states": states}
        if len(shown) > AT_ONCE:
            parts = _parts(listed.name, shown, document, rest)
            return StreamingResponse(parts, media_type="application/json")
        return JSONResponse({listed.name: [document(event) for event in shown], **rest})

    return Route(
        f"/api/v1/{listed.name}", conditional(endpoint, lambda: f"{session}-{views.version}")
    )


async def _parts(
    name: str, events: Sequence[Any], document: Document, rest: Mapping[str, Any]
) -> AsyncGenerator[str]:
    """Yield a long list as JSON, part by part: a list of thousands takes a second, and nobody else has to wait."""
    yield f'{{"{name}":['
    for start in range(0, len(events), AT_ONCE):
        shown = [document(event) for event in events[start : start + AT_ONCE]]
        text = json.dumps(shown, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        yield f"{',' if start else ''}{text[1:-1]}"
        await asyncio.sleep(0)
    yield f"],{json.dumps(rest, separators=(',', ':'))[1:]}"


def form_of(parameters: Mapping[str, str]) -> str:
    """Return the form that is asked for. Raises ProblemError."""
    form = parameters.get("form", "full")
    if form not in FORMS:
        raise ProblemError(
            Problem(
                status=400,
                reason="unknown_form",
                detail=f"{form!r} is no form of a document",
                field="form",
                fix=f"Write one of {', '.join(FORMS)}, or leave it out.",
            )
        )
    return form


def _with_state(events: list[Any], asked: str | None) -> list[Any]:
    if asked is None:
        return events
    states = set(asked.split(","))
    return [event for event in events if str(getattr(event, "state", None)) in states]


def only_parameters(parameters: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise ProblemError on a parameter that means nothing."""
    for name in parameters:
        if name not in known:
            raise ProblemError(
                Problem(
                    status=400,
                    reason="unknown_parameter",
                    detail=f"{name!r} means nothing here",
                    field=name,
                    fix=f"Known are {', '.join(known)}." if known else "Leave it out.",
                )
            )


def wanted_by(
    views: Views, parameters: Mapping[str, str], others: tuple[str, ...]
) -> Callable[[object], bool]:
    """Return the filter that the query asks for. Raises ProblemError on a parameter that means nothing."""
    only_parameters(parameters, (*_FILTERS, *others))
    if not any(name in parameters for name in _FILTERS):
        return _everything

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


def _everything(_: object) -> bool:
    return True


def _facilities(event: object) -> set[str]:
    names = ("facility", "giver", "receiver")
    return {value for name in names if isinstance(value := getattr(event, name, None), str)}


def _number(request: Request, name: str, bounds: tuple[int, int]) -> int:
    least, most = bounds
    text = request.query_params.get(name, str(DEFAULTS[name]))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ProblemError(
            Problem(
                status=400,
                reason="out_of_range",
                detail=f"{text!r} is no number of rows",
                field=name,
                fix=f"Give a whole number from {least} to {most}.",
            )
        )
    return int(text)
