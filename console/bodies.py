"""Bodies of requests: a JSON object of bounded size, or a problem that says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from starlette.requests import Request

from console.problems import Problem, ProblemError

MOST_BYTES = 64 * 1024


async def json_object(request: Request) -> Mapping[str, object]:
    """Return the body. Raises ProblemError."""
    return object_of(await content_of(request, MOST_BYTES))


async def content_of(request: Request, most: int) -> bytes:
    """Return the bytes of the body, at most so many. Raises ProblemError."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise ProblemError(
                Problem(
                    status=413,
                    reason="too_large",
                    detail=f"the body has more than {most} bytes",
                    fix="Send less in one request.",
                )
            )
    return bytes(content)


def object_of(content: bytes) -> Mapping[str, object]:
    """Return the JSON object of a body. Raises ProblemError."""
    try:
        body: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _no_object(f"the body is no JSON ({error})") from error
    if not isinstance(body, dict):
        raise _no_object("the body is JSON and no object")
    return cast("Mapping[str, object]", body)


def _no_object(detail: str) -> ProblemError:
    fix = 'Send a JSON object, in braces and with names in double quotes: {"name": "value"}.'
    return ProblemError(Problem(status=400, reason="no_json_object", detail=detail, fix=fix))
