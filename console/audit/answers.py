"""`GET /api/v1/audit`: the named queries, and `GET /api/v1/audit/{name}`: one of them answered, as JSON or CSV.

They go through read-only handles as `POST /api/v1/sql` does, with the same limits on rows and memory. Those that may
have to search the whole ledger have more time, a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.audit.known_names import settled
from console.audit.named_queries import NamedQuery, named_queries
from console.audit.parameters import FORMAT, PARAMETERS, read_parameters
from console.csv_text import csv_text
from console.ledger_readers import LedgerReaders
from console.problems import Problem, ProblemError
from console.questions import cell, problem_of
from runtime.clock import US_PER_S, Clock
from runtime.ledger_database import LedgerDatabaseError, Rows
from synergy.catalogue import Catalogue
from synergy.catalogue.near_names import near

FORMATS: Final = ("json", "csv")


def audit_routes(ledger: LedgerReaders, catalogue: Catalogue, clock: Clock) -> list[Route]:
    """Return the routes."""
    audit = _Audit(ledger, ledger.searching(), catalogue, clock)
    return [
        Route("/api/v1/audit", audit.listed),
        Route("/api/v1/audit/{name}", audit.answered),
    ]


def described(query: NamedQuery) -> dict[str, Any]:
    """Return what a query is, as a document."""
    return {
        "name": query.name,
        "purpose": query.purpose,
        "parameters": [
            {"name": name, "needed": name in query.needs, "meaning": PARAMETERS[name].meaning}
            for name in query.parameters
        ],
        "columns": _columns(query),
    }


def _columns(query: NamedQuery) -> list[dict[str, str]]:
    return [{"name": one.name, "unit": one.unit, "meaning": one.meaning} for one in query.columns]


@dataclass(frozen=True, slots=True)
class _Audit:
    ledger: LedgerReaders
    search: LedgerReaders
    catalogue: Catalogue
    clock: Clock

    async def listed(self, _: Request) -> Response:
        return JSONResponse({"queries": [described(query) for query in named_queries().values()]})

    async def answered(self, request: Request) -> Response:
        began_s = self.clock.monotonic_s()
        query = _query(request.path_params["name"])
        form, given = _form(request.query_params.multi_items())
        try:
            filters = await settled(read_parameters(query, given), self.catalogue, self.ledger.ask)
            readers = self.search if query.searches else self.ledger
            found = await readers.ask(query.sql, self._values(query, filters))
        except LedgerDatabaseError as error:
            raise ProblemError(problem_of(error, None)) from error
        if form == "csv":
            return _csv(query, found)
        return JSONResponse(
            {
                "query": query.name,
                "filters": filters,
                "columns": _columns(query),
                "rows": [[cell(value) for value in row] for row in found.rows],
                "row_count": len(found.rows),
                "seconds": round(self.clock.monotonic_s() - began_s, 3),
                "nothing": None if found.rows else _nothing(filters),
            }
        )

    def _values(self, query: NamedQuery, filters: Mapping[str, object]) -> dict[str, object]:
        values = {**{name: PARAMETERS[name].absent for name in query.takes}, **filters}
        if "at" in query.takes and "at" not in filters:
            now = datetime.fromtimestamp(self.clock.now_us() / US_PER_S, UTC)
            values["at"] = now.strftime("%Y-%m-%d %H:%M:%S.%f")
        return values


def _query(name: str) -> NamedQuery:
    queries = named_queries()
    if name in queries:
        return queries[name]
    closest = near(name.replace("-", "_"), queries)
    hint = f"Near: {', '.join(closest)}. " if closest else ""
    raise ProblemError(
        Problem(
            status=404,
            reason="unknown_query",
            detail=f"there is no query {name!r}",
            field="name",
            fix=f"{hint}There are {', '.join(queries)}.",
        )
    )


def _form(given: Sequence[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """Return how to answer, and the parameters of the query."""
    forms = [text for name, text in given if name == FORMAT] or ["json"]
    if forms[-1] not in FORMATS:
        raise ProblemError(
            Problem(
                status=400,
                reason="unknown_format",
                detail=f"{forms[-1]!r} is no format of an answer",
                field=FORMAT,
                fix=f"Formats are {' and '.join(FORMATS)}.",
            )
        )
    return forms[-1], [(name, text) for name, text in given if name != FORMAT]


def _csv(query: NamedQuery, found: Rows) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{query.name}.csv"'}
    # The embedded engine names no columns of an answer without rows.
    text = csv_text([column.name for column in query.columns], found.rows)
    return Response(text, media_type="text/csv; charset=utf-8; header=present", headers=headers)


def _nothing(filters: Mapping[str, object]) -> str:
    """Say what gave nothing: the names exist, so it is their combination."""
    if not filters:
        return "the ledger has nothing to show here yet"
    said = ", ".join(f"{name}={value}" for name, value in filters.items())
    return f"no row has all of {said}; leave one out to see more"
