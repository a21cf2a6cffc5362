"""Parts of the store: its loops are missed when they end, its views begin without a ledger, its registry is doubted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from cli.loops import running
from cli.run_store import RegistrySchemas
from cli.store_views import begin_views
from console.feed import Feed
from runtime.ledger_database import QueryRefusedError
from runtime.logs import logger
from runtime.registry.client import RegistryAddress, RegistryClient
from sinks.writers import SchemasUnavailableError


async def _fails() -> None:
    await asyncio.sleep(0)
    raise LookupError


async def _goes_on() -> None:
    await asyncio.sleep(3_600)


async def _returns() -> None:
    await asyncio.sleep(0)


def test_a_loop_that_ends_by_itself_is_told_and_one_that_is_stopped_is_not() -> None:
    told: dict[str, type[BaseException | None]] = {}

    def ended(loop: str, error: BaseException | None) -> None:
        told[loop] = type(error)

    async def serve() -> None:
        async with running(_fails(), _goes_on(), _returns(), ended=ended):
            await asyncio.sleep(0.01)

    asyncio.run(serve())
    assert told == {"_fails": LookupError, "_returns": type(None)}


def test_views_begin_with_kafka_where_the_ledger_is_too_large_to_be_asked() -> None:
    def query(*_: object) -> None:
        raise QueryRefusedError("too_much", "it would take too long", "Ask for less.")

    readers = SimpleNamespace(own=SimpleNamespace(query=query))
    feed = Feed(*cast("Any", (None, None, None, None, None)))
    begin_views(feed, cast("Any", readers), logger("tests"))
    assert feed.positions == {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[httpx.Response], RegistrySchemas]:
    """Return the schemas of a registry that gives one answer to everything."""
    real = httpx.Client

    def schemas(answer: httpx.Response) -> RegistrySchemas:
        def client(**more: Any) -> httpx.Client:
            transport = httpx.MockTransport(lambda _: answer)
            return real(base_url=more["base_url"], transport=transport)

        monkeypatch.setattr(httpx, "Client", client)
        return RegistrySchemas(RegistryClient(RegistryAddress("http://registry:8081")))

    return schemas


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, text="<html>Service Unavailable</html>"),
        httpx.Response(500, json={"error_code": 50001, "message": "Error in the backend"}),
        httpx.Response(401, json={"error_code": 401, "message": "Unauthorized"}),
        httpx.Response(404, text="not here"),
        httpx.Response(404, json={"error_code": None}),
        httpx.Response(200, json={}),
    ],
)
def test_a_registry_in_trouble_decides_nothing(
    asked: Callable[[httpx.Response], RegistrySchemas], answer: httpx.Response
) -> None:
    with pytest.raises(SchemasUnavailableError, match="registry"):
        asked(answer).text(7)


def test_a_registry_that_has_no_such_schema_says_so(
    asked: Callable[[httpx.Response], RegistrySchemas],
) -> None:
    missing = httpx.Response(404, json={"error_code": 40403, "message": "Schema 7 not found"})
    assert asked(missing).text(7) is None


def test_what_can_be_no_id_is_not_asked_for(
    asked: Callable[[httpx.Response], RegistrySchemas],
) -> None:
    nowhere = httpx.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"})
    assert asked(nowhere).text(0xDEADBEEF) is None
    with pytest.raises(SchemasUnavailableError):
        asked(nowhere).text(7)
