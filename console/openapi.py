"""`GET /api/v1/openapi.json`: what the REST server takes and gives, as an OpenAPI 3.1 document.

A test compares it with the routes both ways, and another sends the requests that it allows, and some that it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.audit.answers import FORMATS
from console.audit.named_queries import NamedQuery, named_queries
from console.audit.parameters import FORMAT, PARAMETERS
from console.command_request import FIELDS
from console.lists import FORMS, MOST, MOST_ROWS
from console.openapi_readings import BATCH, KEY, RECEIPT
from console.problems import MEDIA_TYPE
from console.stream import KINDS
from schemas.events import Side
from synergy.lifecycle import COMMANDS

Json = dict[str, Any]
ADDRESS: Final = "/api/v1/openapi.json"
LISTS: Final[Mapping[str, str]] = {
    "matches": "Open matches, best first.",
    "positions": "The latest position of each series.",
    "unmatched": "Series without a match, and why.",
    "facilities": "Enrolled plants.",
    "rejected": "The newest rejected records; bytes in base64, the first of them.",
    "outcomes": "The newest answers to commands.",
    "alerts": "Alerts, the newest first.",
    "transactions": "Agreements with their deliveries, the newest first.",
}
_OBJECT: Final[Json] = {"type": "object"}
_TEXT: Final[Json] = {"type": "string"}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}
_SCHEMES: Final[Json] = {"readings": {"type": "http", "scheme": "bearer"}}
_PROBLEM: Final[Json] = {  # RFC 9457
    "type": "object",
    "required": ["type", "title", "status", "detail", "field", "fix", "error"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:synergy:problem:"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "field": {"type": ["string", "null"]},
        "fix": _TEXT,
        "error": _TEXT,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address. `answers` are the contents of the answers that are no problem, by status."""

    path: str
    summary: str
    answers: Mapping[str, Json]
    method: str = "get"
    parameters: Sequence[Json] = ()
    body: Json | None = None
    token: str | None = None

    def document(self) -> Json:
        """Return the operation as OpenAPI has it."""
        problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers: Json = {
            status: {"description": "Done.", **({"content": content} if content else {})}
            for status, content in self.answers.items()
        }
        answers["default"] = {"description": "A problem.", "content": problem}
        body = None if self.body is None else _json(self.body)
        return {
            "summary": self.summary,
            "parameters": list(self.parameters),
            "responses": answers,
            **({"requestBody": {"required": True, "content": body}} if body else {}),
            **({"security": [{self.token: []}]} if self.token else {}),
        }


def openapi_route() -> Route:
    """Return the route of the document."""
    described = document()

    async def answer(_: Request) -> Response:
        return JSONResponse(described)

    return Route(ADDRESS, answer)


def document() -> Json:
    """Return the whole document."""
    paths: dict[str, Json] = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method] = operation.document()
    return {
        "openapi": "3.1.0",
        "info": {"title": "By-product synergy", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Problem": _PROBLEM}, "securitySchemes": _SCHEMES},
    }


def operations() -> Iterable[Operation]:
    """Yield every operation of the server but the page's."""
    yield from _probes()
    yield from _asked()
    yield from _lists()
    yield from _single()
    yield from _sent()


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _object(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _array(item: Json = _OBJECT) -> Json:
    return {"type": "array", "items": item}


def _query(name: str, schema: Json = _TEXT, meaning: str = "") -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


def _in_path(name: str, schema: Json = _TEXT) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


_ID: Final[Json] = {"type": "string", "format": "uuid"}
_DAY: Final[Json] = {"type": "string", "pattern": r"^\d{4}-\d{2}(-\d{2})?$"}
_BEGINNING: Final[Json] = {"type": "string", "pattern": "^[0-9a-f-]{1,36}$"}
_WRITTEN: Final[Mapping[str, Json]] = {
    "from": _DAY,
    "to": _DAY,
    "at": {"type": "string", "format": "date-time"},
    "transaction": _BEGINNING,
    "match": _BEGINNING,
    "utc_offset": {"type": "number", "minimum": -14, "maximum": 14},
}
_FILTERS: Final = tuple(_query(name) for name in ("programme", "park", "facility", "material"))


def _probes() -> Iterable[Operation]:
    text = {"text/plain": {"schema": _TEXT}}
    ready = _object(ready={"type": "boolean"}, missing={"type": ["string", "null"]})
    for path, summary in (("/livez", "Whether it runs."), ("/metrics", "Metrics of Prometheus.")):
        yield Operation(path=path, summary=summary, answers={"200": text})
    yield Operation(
        path="/readyz",
        summary="Whether the ledger and the views can be used.",
        answers={"200": _json(ready), "503": _json(ready)},
    )
    yield Operation(
        path=ADDRESS, summary="This document.", answers={"200": _json(_object(openapi=_TEXT))}
    )
    yield Operation(
        path="/api/v1/status",
        summary="How far everything is, lag, ledger and funnel.",
        answers={"200": _json(_object(lag=_OBJECT, funnel=_OBJECT, programmes=_array()))},
    )


def _asked() -> Iterable[Operation]:
    yield Operation(
        path="/api/v1/audit",
        summary="The named queries with their parameters and columns.",
        answers={"200": _json(_object(queries=_array()))},
    )
    for query in named_queries().values():
        yield _named(query)
    yield Operation(
        path="/api/v1/sql",
        method="post",
        summary="One read-only statement to the ledger, within limits of time, rows and memory.",
        body=_object(sql=_TEXT),
        answers={"200": _json(_object(columns=_array(_TEXT), rows=_array({"type": "array"})))},
    )


def _named(query: NamedQuery) -> Operation:
    given = [
        {
            **_query(name, _WRITTEN.get(name, _TEXT), PARAMETERS[name].meaning),
            "required": name in query.needs,
        }
        for name in query.parameters
    ]
    answer = _object(
        query=_TEXT,
        filters=_OBJECT,
        columns=_array(),
        rows=_array({"type": "array"}),
        row_count=_COUNT,
        seconds={"type": "number"},
        nothing={"type": ["string", "null"]},
    )
    return Operation(
        path=f"/api/v1/audit/{query.name}",
        summary=query.purpose,
        parameters=[*given, _query(FORMAT, {"enum": list(FORMATS)}, "How to answer.")],
        answers={"200": {**_json(answer), "text/csv": {"schema": _TEXT}}},
    )


def _lists() -> Iterable[Operation]:
    states = _query("state", meaning="States, with commas between them.")
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 500})
    offset = _query("offset", {"type": "integer", "minimum": 0, "maximum": MOST, "default": 0})
    form = _query("form", {"enum": list(FORMS)}, "row gives the short form of each.")
    for name, summary in LISTS.items():
        yield Operation(
            path=f"/api/v1/{name}",
            summary=summary,
            parameters=[*_FILTERS, _query("command"), states, limit, offset, form],
            answers={
                "200": _json(_object(**{name: _array()}, total=_COUNT, states=_OBJECT)),
                "304": {},
            },
        )


def _single() -> Iterable[Operation]:
    done = {"200": _json(_OBJECT)}
    found: tuple[tuple[str, str, Sequence[Json]], ...] = (
        ("/api/v1/matches/{id}", "One match with both plants.", (_in_path("id", _ID),)),
        ("/api/v1/matches/{id}/flows", "The two flows of a match.", (_in_path("id", _ID),)),
        ("/api/v1/transactions/{id}", "One agreement and its events.", (_in_path("id", _ID),)),
        ("/api/v1/facilities/{id}", "One plant and how its data are.", (_in_path("id"),)),
        ("/api/v1/filters", "Programmes, parks and materials to choose from.", ()),
        ("/api/v1/materials", "The catalogue's materials.", ()),
        ("/api/v1/materials/{id}", "All that is known of a material.", (_in_path("id"),)),
        ("/api/v1/industries", "Industries that give or take something.", ()),
        ("/api/v1/industries/{id}", "What an industry gives and takes.", (_in_path("id"),)),
        ("/api/v1/funnel", "How many proposals became deliveries.", (_query("programme"),)),
    )
    for path, summary, parameters in found:
        yield Operation(path=path, summary=summary, parameters=parameters, answers=done)
    yield Operation(
        path="/api/v1/stream",
        summary="Server-sent events of what changes; Last-Event-ID resumes.",
        parameters=[
            *_FILTERS,
            _query("last_event_id"),
            _query("kinds", meaning=f"Of {', '.join(KINDS.values())}, with commas between them."),
            _query("form", {"enum": list(FORMS)}),
            _query("positions_of", _ID),
        ],
        answers={"200": {"text/event-stream": {"schema": _TEXT}}},
    )


def _sent() -> Iterable[Operation]:
    integer: Json = {"type": ["integer", "null"]}
    optional: Json = {"type": ["string", "null"]}
    kinds = {
        "id": {**optional, "format": "uuid"},
        "revision": integer,
        "quantity": {**integer, "description": "In the material's base unit."},
        "action": {"enum": sorted(COMMANDS)},
        "side": {"enum": [None, *(side.value for side in Side)]},
        "programme": optional,
        "reason": optional,
    }
    command = {
        "type": "object",
        "required": ["action", "subject", "actor"],
        "additionalProperties": False,
        "properties": {
            name: kinds.get(name, {"type": "string", "minLength": 1}) for name in FIELDS
        },
    }
    yield Operation(
        path="/api/v1/commands",
        method="post",
        summary="Ask the market to do something; the same id again acts once.",
        parameters=[_query("wait", {"type": "number", "minimum": 0, "maximum": 10})],
        body=command,
        answers={"200": _json(_object(accepted={"type": "boolean"})), "202": _json(_OBJECT)},
    )
    yield Operation(
        path="/api/v1/readings",
        method="post",
        summary="A batch of readings of a plant; answered once it is durable.",
        parameters=[KEY],
        body=BATCH,
        token="readings",  # noqa: S106 - the name of a scheme
        answers={"202": _json(RECEIPT)},
    )
