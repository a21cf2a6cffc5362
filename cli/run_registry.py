"""`synergy registry`: the embedded schema registry, one process, its state in a file below `var`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import uvicorn

from runtime.logs import configure, logger
from runtime.registry.server import application
from runtime.registry.state import RegistryState
from runtime.settings import load

USUAL_PORT = 8081


def run_registry(flags: Mapping[str, object]) -> None:
    """Serve until SIGTERM, on the host and port of `registry.url`.

    Raises:
        SettingsError, RegistryStateError: it can't start.
    """
    settings = load(flags).settings
    configure("registry", settings.logs.level, settings.logs.form)
    url = urlsplit(settings.registry.url)
    host, port = url.hostname or "127.0.0.1", url.port or USUAL_PORT
    state = RegistryState(settings.var / "registry" / "registry.jsonl")
    try:
        logger(__name__).info("serving the schema registry", host=host, port=port)
        server = uvicorn.Config(
            application(state),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(server).run()
    finally:
        state.close()
