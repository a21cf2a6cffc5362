"""`synergy registry`: the embedded schema registry, one process, its state in a file below `var`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from runtime.logs import configure, logger
from runtime.registry.serving import serve
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
    logger(__name__).info("serving the schema registry", host=host, port=port)
    state_file = settings.var / "registry" / "registry.jsonl"
    state_file.parent.mkdir(parents=True, exist_ok=True)
    serve(state_file, host, port)
