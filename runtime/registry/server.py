"""The embedded registry over HTTP: the calls of Confluent's REST interface that clients use.

https://docs.confluent.io/platform/current/schema-registry/develop/api.html

Published schemas are never deleted and only Avro is served; other than that a client can't tell it from Confluent's.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.registry.errors import RegistryAnswerError
from runtime.registry.state import RegistryState, Version

MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
Answer: TypeAlias = Callable[[RegistryState, Request, dict[str, Any]], object]


class _RegistryResponse(JSONResponse):
    media_type = MEDIA_TYPE


def application(state: RegistryState) -> Starlette:
    """Return the registry as an ASGI application; the caller closes the state after it."""
    routes = [
        _route("/", state, GET=_nothing),
        _route("/subjects", state, GET=_subjects),
        _route("/subjects/{subject}", state, POST=_find, DELETE=_no_deletion),
        _route("/subjects/{subject}/versions", state, GET=_versions, POST=_register),
        _route("/subjects/{subject}/versions/{version}", state, GET=_version, DELETE=_no_deletion),
        _route("/subjects/{subject}/versions/{version}/schema", state, GET=_version_text),
        _route("/schemas/types", state, GET=_types),
        _route("/schemas/ids/{id}", state, GET=_schema),
        _route("/schemas/ids/{id}/schema", state, GET=_schema_text),
        _route("/schemas/ids/{id}/subjects", state, GET=_uses_subjects),
        _route("/schemas/ids/{id}/versions", state, GET=_uses),
        _route("/compatibility/subjects/{subject}/versions", state, POST=_check),
        _route("/compatibility/subjects/{subject}/versions/{version}", state, POST=_check_version),
        _route("/config", state, GET=_level, PUT=_set_level),
        _route("/config/{subject}", state, GET=_own_level, PUT=_set_level),
        _route("/mode", state, GET=_mode),
        _route("/mode/{subject}", state, GET=_mode),
    ]
    return Starlette(
        routes=routes,
        exception_handlers={RegistryAnswerError: _refused, HTTPException: _not_served},
    )


def _route(path: str, state: RegistryState, **answers: Answer) -> Route:
    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        answer = answers.get(request.method, answers.get("GET", _no_deletion))
        found = await run_in_threadpool(answer, state, request, body)
        return _RegistryResponse(found)

    served: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(path, served, methods=list(answers))


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body: object = json.loads(raw)
    except ValueError as error:
        raise RegistryAnswerError(422, 42201, f"The body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise RegistryAnswerError(422, 42201, "The body is a JSON object")
    return cast("dict[str, Any]", body)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RegistryAnswerError)
    content = {"error_code": error.code, "message": error.message}
    return _RegistryResponse(content, status_code=error.status)


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    content = {
        "error_code": error.status_code,
        "message": f"HTTP {error.status_code} {request.url.path}",
    }
    return _RegistryResponse(content, status_code=error.status_code)


def _subject(request: Request) -> str:
    return cast(str, request.path_params["subject"])


def _number(request: Request) -> int:
    text = cast(str, request.path_params["version"])
    if text in ("latest", "-1"):
        return -1
    if not text.isdecimal() or int(text) < 1:
        raise RegistryAnswerError(
            422, 42202, f"The specified version '{text}' is not a valid version id."
        )
    return int(text)


def _id(request: Request) -> int:
    text = cast(str, request.path_params["id"])
    if not text.isdecimal():
        raise RegistryAnswerError(404, 40403, f"Schema {text} not found")
    return int(text)


def _text(body: dict[str, Any]) -> str:
    text = body.get("schema")
    if not isinstance(text, str):
        raise RegistryAnswerError(422, 42201, "The body has no schema text")
    if body.get("schemaType", "AVRO") != "AVRO":
        raise RegistryAnswerError(
            422, 42201, f"{body['schemaType']} is not served here: only AVRO is"
        )
    if body.get("references"):
        raise RegistryAnswerError(
            422, 42201, "references are not served here: send complete schemas"
        )
    return text


def _described(version: Version) -> dict[str, Any]:
    return {
        "subject": version.subject,
        "version": version.version,
        "id": version.id,
        "schema": version.text,
    }


def _nothing(_: RegistryState, __: Request, ___: dict[str, Any]) -> object:
    return {}


def _types(_: RegistryState, __: Request, ___: dict[str, Any]) -> object:
    return ["AVRO"]


def _mode(_: RegistryState, __: Request, ___: dict[str, Any]) -> object:
    return {"mode": "READWRITE"}


def _subjects(state: RegistryState, _: Request, __: dict[str, Any]) -> object:
    return state.subjects()


def _find(state: RegistryState, request: Request, body: dict[str, Any]) -> object:
    return _described(state.find(_subject(request), _text(body)))


def _versions(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    return [version.version for version in state.versions(_subject(request))]


def _register(state: RegistryState, request: Request, body: dict[str, Any]) -> object:
    return {"id": state.register(_subject(request), _text(body)).id}


def _version(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    return _described(state.version(_subject(request), _number(request)))


def _version_text(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    return json.loads(state.version(_subject(request), _number(request)).text)


def _schema(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    return {"schema": state.text(_id(request))}


def _schema_text(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    return json.loads(state.text(_id(request)))


def _uses(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    found = state.uses(_id(request))
    return [{"subject": version.subject, "version": version.version} for version in found]


def _uses_subjects(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    return sorted({version.subject for version in state.uses(_id(request))})


def _check(state: RegistryState, request: Request, body: dict[str, Any]) -> object:
    return _verdict(state.check(_subject(request), _text(body)), request)


def _check_version(state: RegistryState, request: Request, body: dict[str, Any]) -> object:
    reasons = state.check_version(_subject(request), _number(request), _text(body))
    return _verdict(reasons, request)


def _verdict(reasons: tuple[str, ...], request: Request) -> object:
    if request.query_params.get("verbose") == "true":
        return {"is_compatible": not reasons, "messages": list(reasons)}
    return {"is_compatible": not reasons}


def _level(state: RegistryState, _: Request, __: dict[str, Any]) -> object:
    return {"compatibilityLevel": state.level(None)}


def _own_level(state: RegistryState, request: Request, _: dict[str, Any]) -> object:
    if request.query_params.get("defaultToGlobal") == "true":
        return {"compatibilityLevel": state.level(_subject(request))}
    return {"compatibilityLevel": state.own_level(_subject(request))}


def _set_level(state: RegistryState, request: Request, body: dict[str, Any]) -> object:
    level = str(body.get("compatibility"))
    state.set_level(cast("str | None", request.path_params.get("subject")), level)
    return {"compatibility": level}


def _no_deletion(_: RegistryState, __: Request, ___: dict[str, Any]) -> object:
    raise RegistryAnswerError(422, 42205, "Published schemas are never deleted here")
