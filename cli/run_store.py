"""`synergy store`: ledger sink, views and REST server in one process, which owns the ledger."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

from cli.connections import kafka_connection, registry_address
from cli.reading_gateway import tokens_of
from cli.store import StorePlan, StoreTools, run_store
from console.documents import Documents
from console.rows import Rows
from console.views import Views
from producers.gateway.intake import ReadingIntake
from producers.spool import Spool
from runtime.clickhouse import ClickHouseServer, EmbeddedEngine
from runtime.clock import US_PER_S, SystemClock
from runtime.kafka_producer import KafkaPublisher
from runtime.logs import configure, logger
from runtime.metrics import Metrics
from runtime.registry.client import RegistryClient
from runtime.registry.errors import RegistryAnswerError, RegistryError
from runtime.registry.publishing import look_up_all
from runtime.setting_types import Settings, StoreSettings
from runtime.settings import load
from schemas.codec import Codec
from sinks.ledger_opening import Permissions
from sinks.writers import SchemasUnavailableError
from synergy.catalogue import load_catalogue

_HTTP_PORT = 8123
LARGEST_ID = 2**31 - 1
SCHEMA_NOT_FOUND = 40_403
"""The registry's own word that it has no such schema. Any other answer is trouble, and decides nothing."""


class RegistrySchemas:
    """The registry as the ledger sink asks it; implements `sinks.writers.WriterSchemas`."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client

    def text(self, schema_id: int) -> str | None:
        """See `sinks.writers.WriterSchemas.text`. What no registry can have as an id is not asked for."""
        if not 0 < schema_id <= LARGEST_ID:
            return None
        try:
            return self._client.schema(schema_id)
        except RegistryError as error:
            if isinstance(error, RegistryAnswerError) and error.code == SCHEMA_NOT_FOUND:
                return None
            raise SchemasUnavailableError(f"the schema registry: {error}") from error


def ledger_place(settings: Settings) -> EmbeddedEngine | ClickHouseServer:
    """Return where the ledger is: a server when one is set, else the embedded engine below `var`."""
    ledger = settings.ledger
    if not ledger.url:
        return EmbeddedEngine(path=settings.var / "ledger")
    url = urlsplit(ledger.url)
    return ClickHouseServer(
        host=url.hostname or "127.0.0.1",
        port=url.port or _HTTP_PORT,
        username=ledger.username,
        password=ledger.password.get_secret_value(),
        database=ledger.database,
        secure=url.scheme == "https",
    )


def own_names(store: StoreSettings) -> frozenset[str]:
    """Return the host names under which browsers reach the store: the configured ones, and those of its addresses."""
    configured = (name.strip() for name in store.names.split(","))
    own = (store.host, urlsplit(store.address).hostname or "")
    return frozenset(name for name in (*configured, *own) if name)


def reading_intake(settings: Settings, codec: Codec) -> ReadingIntake:
    """Open the spool of the readings that plants send over REST. Raises SpoolError."""
    folder = settings.var / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    spool = Spool(folder / "readings.sqlite", codec.encode, clock.now_us() // US_PER_S)
    return ReadingIntake(spool, KafkaPublisher(settings.kafka.client()), clock)


def run(flags: Mapping[str, object], permissions: Permissions) -> int:
    """Run the store until SIGTERM; return 1 when the ledger stopped by itself.

    Raises:
        SettingsError, MissingSettingError, RegistryError, MigrationError, LedgerDatabaseError: it can't start.
        SpoolError, TokensError: it can't take readings.
    """
    settings = load(flags).settings
    configure("store", settings.logs.level, settings.logs.form)
    views, catalogue = Views(), load_catalogue()
    plan = StorePlan(
        ledger=ledger_place(settings),
        connection=kafka_connection(settings),
        host=settings.store.host,
        port=settings.store.port,
        names=own_names(settings.store),
        permissions=permissions,
    )
    with (
        RegistryClient(registry_address(settings)) as asking,
        RegistryClient(registry_address(settings)) as sink_asking,
    ):
        codec = look_up_all(asking)
        tools = StoreTools(
            codec=codec,
            schemas=RegistrySchemas(sink_asking),
            draw_bytes=partial(secrets.token_bytes, 8),
            documents=Documents(views, catalogue),
            rows=Rows.of(views, catalogue),
            views=views,
            intake=reading_intake(settings, codec),
            tokens=tokens_of(settings),
            clock=SystemClock(),
            log=logger(__name__),
            metrics=Metrics(),
        )
        ended_well = asyncio.run(run_store(plan, tools))
    return 0 if ended_well else 1
