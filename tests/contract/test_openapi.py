"""The description of the REST server is true: every route is in it, and requests made from it get what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks
from starlette.routing import Route
from starlette.testclient import TestClient

from console.audit.named_queries import named_queries
from console.openapi import ADDRESS, document
from schemas import topic_files
from tests.contract.test_console_rest import example_of
from tests.ledger.desk import EVERYTHING, Desk, open_desk

CHECKS: list[Any] = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]
OF_THE_PAGE = {"/", "/page/{name}"}
METHODS = {"GET", "POST", "PUT", "DELETE", "PATCH"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("openapi") / "ledger") as opened:
        opened.show(topic_files.MATCHES, example_of("Match"))
        opened.show(topic_files.POSITIONS, example_of("FacilityFacts"))
        opened.show(topic_files.POSITIONS, example_of("Position"))
        opened.show(topic_files.ALERTS, example_of("Alert"))
        yield opened


@pytest.fixture(scope="module")
def described(desk: Desk) -> Any:
    return schemathesis.openapi.from_asgi(ADDRESS, desk.app)


def served(desk: Desk) -> set[tuple[str, str]]:
    """Every method and address of the server, the addresses of the named queries one by one."""
    found: set[tuple[str, str]] = set()
    for route in desk.app.routes:
        assert isinstance(route, Route)
        path = re.sub(r":\w+\}", "}", route.path)
        for method in (route.methods or set()) & METHODS:
            if path == "/api/v1/audit/{name}":
                found |= {(method, f"/api/v1/audit/{name}") for name in named_queries()}
            elif path not in OF_THE_PAGE:
                found.add((method, path))
    return found


def test_every_route_is_described_and_everything_described_is_served(desk: Desk) -> None:
    told = {
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
    }
    assert told - served(desk) == set(), "described, but not served"
    assert served(desk) - told == set(), "served, but not described: add it to console/openapi.py"


def test_the_document_is_served(desk: Desk) -> None:
    with TestClient(desk.app) as client:
        assert client.get(ADDRESS).json() == document()


OPERATIONS = {
    (path, method): operation
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
    if path != "/api/v1/stream"  # it never ends: its own tests read it
}
REQUESTS = [(*operation, GenerationMode.POSITIVE) for operation in OPERATIONS]
BROKEN = [
    (*operation, GenerationMode.NEGATIVE)
    for operation, said in OPERATIONS.items()
    if "requestBody" in said
    or any(one["in"] == "query" or "format" in one["schema"] for one in said["parameters"])
]


@pytest.mark.parametrize(("path", "method", "mode"), [*REQUESTS, *BROKEN])
def test_requests_made_from_the_description_are_answered_as_it_says(
    described: Any, path: str, method: str, mode: GenerationMode
) -> None:
    """Also those that break it: they are told what is wrong, as a problem."""
    operation = described[path][method]

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def answered_as_described(case: Any) -> None:
        if path == "/api/v1/commands":
            case.query = {**(case.query or {}), "wait": "0"}  # nobody is there to answer
        if "security" in OPERATIONS[path, method]:
            case.headers["Authorization"] = f"Bearer {EVERYTHING}"
        case.call_and_validate(checks=CHECKS)

    answered_as_described()
