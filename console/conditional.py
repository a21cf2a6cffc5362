"""Answers that are sent again only when something has changed: `ETag` and `If-None-Match` (RFC 9110, section 13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]


def conditional(endpoint: Endpoint, version: Callable[[], str]) -> Endpoint:
    """Return the endpoint, which answers 304 to a client that has the present version.

    Args:
        endpoint: answers from memory; it must not be newer than `version` says for long.
        version: differs whenever an answer may differ, also after a restart. It is asked before the endpoint, so that
            an answer is at worst taken for an older one and asked for again.
    """

    async def answer(request: Request) -> Response:
        tag = f'"{version()}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        response = await endpoint(request)
        if response.status_code == 200:
            response.headers.update(headers)
        return response

    return answer
