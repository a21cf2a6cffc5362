"""`synergy verify positions` on a real ledger, also on one that is a moment behind with the readings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from cli.store_client import StoreClient
from cli.verify import Ledger, Report, Selection, status_of, verified
from cli.verify_errors import NothingKnownError, UnknownFacilityError
from runtime.registry.client import RegistryClient
from stream_processors.balance import material_rules
from synergy.catalogue import load_catalogue
from tests.end_to_end.plants import TONNE, facility, reading
from tests.ledger.desk import Desk
from tests.ledger.exchange import MINUTE, MORNING, Exchange, ledger_codec

HOUR = timedelta(hours=1)
RULES = material_rules(load_catalogue())


class Asked:
    """A store client that asks the application itself."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        document = self._client.post(path, json=body).json()
        assert "rows" in document, document
        return cast("dict[str, Any]", document)


@pytest.fixture
def exchange(desk: Desk) -> Exchange:
    made = Exchange(desk.ledger)
    made.say(facility("power", "river"))
    for sequence in (1, 2, 3):
        start = MORNING - HOUR + sequence * MINUTE
        period = {"period_start": start, "period_end": start + MINUTE, "observed_at": start}
        made.say(reading("power", sequence, quantity=sequence * TONNE, **period))
    made.settle()
    return made


def report(client: TestClient, facility: str | None = None, at: datetime | None = None) -> Report:
    nobody = cast("RegistryClient", None)  # every schema is known
    ledger = Ledger(cast("StoreClient", Asked(client)), nobody, ledger_codec())
    return verified(ledger, Selection(at=at, facility=facility), RULES)


def forget(exchange: Exchange, where: str) -> None:
    exchange.ledger.database.command(
        f"ALTER TABLE availability DELETE WHERE {where} SETTINGS mutations_sync = 2"
    )


@pytest.mark.usefixtures("exchange")
def test_the_latest_position_follows_from_its_readings(client: TestClient) -> None:
    found = report(client)
    assert (found.positions, found.readings, found.waiting, found.differences) == (1, 3, 0, [])


def test_a_position_whose_readings_are_not_there_yet_is_no_difference(
    client: TestClient, exchange: Exchange
) -> None:
    forget(exchange, "_offset = 2")
    found = report(client)
    assert (found.positions, found.readings, found.waiting, found.differences) == (1, 2, 0, [])


def test_a_series_without_any_of_its_readings_is_counted_as_waiting(
    client: TestClient, exchange: Exchange
) -> None:
    forget(exchange, "true")
    found = report(client)
    assert (found.positions, found.waiting, found.differences) == (0, 1, [])


def test_a_reading_that_is_missing_before_others_is_a_difference(
    client: TestClient, exchange: Exchange
) -> None:
    forget(exchange, "_offset = 1")
    assert "quantity_24h" in {one.field for one in report(client).differences}


@pytest.mark.usefixtures("exchange")
def test_a_time_before_the_first_position_is_an_error_and_no_success(client: TestClient) -> None:
    early = datetime(2001, 1, 1, tzinfo=UTC)
    with pytest.raises(NothingKnownError, match="2001-01-01"):
        status_of(report(client, at=early), Selection(at=early))
    assert status_of(report(client), Selection()) == 0


@pytest.mark.usefixtures("exchange")
def test_a_facility_that_the_ledger_does_not_know_is_an_error_and_no_empty_report(
    client: TestClient,
) -> None:
    assert report(client, "power").positions == report(client).positions
    with pytest.raises(UnknownFacilityError, match="near: power"):
        report(client, "powr")
