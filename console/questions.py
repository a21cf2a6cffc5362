"""`POST /api/v1/sql`: one read-only question to the ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.bodies import json_object
from console.command_request import only_json
from console.ledger_readers import LedgerReaders
from console.problems import Problem, ProblemError
from runtime.ledger_database import (
    LedgerDatabaseError,
    QueryRefusedError,
    StatementFailedError,
)


async def answer_question(request: Request, ledger: LedgerReaders) -> Response:
    """Answer `{"sql": "SELECT ..."}` with columns and rows."""
    only_json(request.headers.get("content-type", ""))
    statement = (await json_object(request)).get("sql")
    if not isinstance(statement, str) or not statement.strip():
        raise ProblemError(
            Problem(
                status=400,
                reason="missing_field",
                detail="there is no question",
                field="sql",
                fix='Send {"sql": "SELECT ..."} as JSON.',
            )
        )
    try:
        found = await ledger.ask(statement)
    except LedgerDatabaseError as error:
        raise ProblemError(problem_of(error, "sql")) from error
    rows = [[cell(value) for value in row] for row in found.rows]
    return JSONResponse({"columns": list(found.columns), "rows": rows})


def problem_of(error: LedgerDatabaseError, field: str | None) -> Problem:
    """Return what to say of a question that the ledger did not answer."""
    match error:
        case QueryRefusedError():
            return Problem(
                status=403, reason=error.reason, detail=str(error), field=field, fix=error.fix
            )
        case StatementFailedError():
            return Problem(
                status=400,
                reason="not_understood",
                detail=str(error),
                field=field,
                fix="SHOW TABLES lists tables and views, DESCRIBE one of them its columns.",
            )
        case _:
            return Problem(
                status=503,
                reason="ledger_unavailable",
                detail=str(error),
                fix="Ask again; /api/v1/status says whether the ledger works.",
            )


def cell(value: object) -> object:
    """Return a value of a result as JSON has it: times in ISO 8601 in UTC, decimals and ids as text.

    >>> cell((datetime(2007, 3, 1), Decimal("1.50"), float("nan")))
    ['2007-03-01T00:00:00Z', '1.50', None]
    """
    match value:
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case datetime():
            return f"{value.replace(tzinfo=None).isoformat()}Z"
        case date() | Decimal():
            return str(value)
        case list() | tuple():
            return [cell(item) for item in cast("Sequence[object]", value)]
        case dict():
            items = cast("Mapping[object, object]", value).items()
            return {str(name): cell(item) for name, item in items}
        case _:
            return str(value)
