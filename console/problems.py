"""Errors as people and programs read them: a JSON problem document (RFC 9457) that names the field and the fix."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong. `reason` is stable; `field` is None when no field is at fault.

    `errors` are there when several things of one request are wrong, `headers` go with the answer.
    """

    status: int
    reason: str
    detail: str
    fix: str
    field: str | None = None
    errors: Sequence[Mapping[str, object]] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])

    @property
    def sentence(self) -> str:
        """The whole of it for a terminal."""
        field = f"{self.field}: " if self.field else ""
        return f"{field}{self.detail}. {self.fix}"


class ProblemError(Exception):
    """Answers a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


def response_to(problem: Problem) -> Response:
    """Return the document."""
    document: dict[str, object] = {
        "type": f"urn:synergy:problem:{problem.reason}",
        "title": problem.reason.replace("_", " "),
        "status": problem.status,
        "detail": problem.detail,
        "field": problem.field,
        "fix": problem.fix,
        "error": problem.sentence,
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    headers = dict(problem.headers)
    return JSONResponse(document, problem.status, headers, media_type=MEDIA_TYPE)


async def answer_problem(_: Request, error: Exception) -> Response:
    """Handle ProblemError."""
    assert isinstance(error, ProblemError)
    return response_to(error.problem)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Handle what the router refuses: an unknown path or method."""
    assert isinstance(error, HTTPException)
    problem = Problem(
        status=error.status_code,
        reason="unknown_address" if error.status_code == 404 else "not_possible",
        detail=f"{request.method} {request.url.path} is not served here",
        fix="Lists are at /api/v1/matches, positions, unmatched, facilities, rejected, outcomes and alerts.",
    )
    return response_to(problem)


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """Handle everything else: say so, and nothing of the inside."""
    problem = Problem(
        status=500,
        reason="internal_error",
        detail=f"{request.method} {request.url.path} failed inside ({type(error).__name__})",
        fix="Look for the same time in the store's log, and report it.",
    )
    return response_to(problem)
