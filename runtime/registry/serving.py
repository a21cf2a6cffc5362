"""Runs the embedded registry as a process."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import uvicorn

from runtime.registry.server import application
from runtime.registry.state import RegistryState

STOP_S = 2


def serve(state_file: Path, host: str, port: int) -> None:
    """Serve the registry of a file until SIGTERM or SIGINT. Blocks; call it from the main thread.

    Raises:
        RegistryStateError: another process serves the file, or it is damaged.
        SystemExit: the port is taken.
    """
    with closing(RegistryState(state_file)) as state:
        uvicorn.run(
            application(state),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=STOP_S,
        )
