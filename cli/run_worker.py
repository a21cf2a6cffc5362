"""`synergy worker balance|market`: settings in, one process of one stage."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

from cli.connections import kafka_connection, registry_address
from cli.worker import MAKERS, StageName, WorkerTools, run_until_told
from runtime.log import LogError
from runtime.logs import configure, logger
from runtime.metrics import Metrics
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all
from runtime.settings import load
from synergy.catalogue import load_catalogue


def run_worker(flags: Mapping[str, object], stage: StageName, *, rebuild: bool) -> None:
    """Run one stage until SIGTERM. A failure ends the process: start-up is the recovery.

    Raises:
        SettingsError, MissingSettingError, RegistryError: it can't start.
    """
    settings = load(flags).settings
    configure(stage, settings.logs.level, settings.logs.form)
    connection = kafka_connection(settings)
    with RegistryClient(registry_address(settings)) as registry:
        codec = look_up_all(registry)
    data = settings.var / "faust" / stage
    data.mkdir(parents=True, exist_ok=True)
    metrics = Metrics()
    tools = WorkerTools(connection, codec, load_catalogue(), data, metrics)
    worker = MAKERS[stage](tools, rebuild=rebuild)
    if settings.metrics.port:
        metrics.serve(settings.metrics.host, settings.metrics.port)
    logger(__name__).info("starting", kafka=connection.bootstrap, rebuild=rebuild)
    try:
        asyncio.run(run_until_told(worker))
    except LogError as error:
        logger(__name__).error("can't start", cause=str(error))
        sys.exit(1)
    logger(__name__).info("stopped")
