"""Ports of the embedded stack.

The usual ones, or the next free ones, remembered in `var/ports.json`.
"""

from __future__ import annotations

import fcntl
import json
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

HOST = "127.0.0.1"
TRIES = 500


class NoFreePortError(Exception):
    """No port near the usual one is free."""

    def __init__(self, name: str, first: int) -> None:
        super().__init__(f"no free port for {name} between {first} and {first + TRIES}")
        self.name = name
        self.first = first


class PortClaims:
    """Ports that this process has claimed before anybody listens on them.

    Stacks that start at the same moment see the same free ports, and a broker needs seconds until it listens. A claim
    is a locked file that every process of this machine looks at; the system frees it when the process ends.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._held: dict[int, TextIO] = {}

    def take(self, port: int) -> bool:
        """Claim a port; False when another process has claimed it. What is held already stays so."""
        if port in self._held:
            return True
        try:
            file = (self._folder / f"byproduct-synergy-port-{port}.lock").open("w")
        except OSError:
            return True  # another user's file: whether the port is free still decides
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._held[port] = file
        return True

    def close(self) -> None:
        """Give up every claim."""
        for file in self._held.values():
            file.close()
        self._held.clear()


def remembered(path: Path) -> dict[str, int]:
    """Return the ports by name that the stack used last.

    Empty when it never ran or the file is unreadable.
    """
    try:
        rows = json.loads(path.read_text())
        return {str(name): int(port) for name, port in rows.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def choose(
    path: Path, usual: Mapping[str, int], claims: PortClaims, avoid: frozenset[int] = frozenset()
) -> dict[str, int]:
    """Return a free port for each name and remember them all.

    Args:
        path: the file that remembers.
        usual: preferred port by name.
        claims: get the chosen ports.
        avoid: ports that turned out to be taken although they looked free.

    Raises:
        NoFreePortError: the search ended.
    """
    before = remembered(path)
    chosen: dict[str, int] = {}
    for name, first in usual.items():
        taken = avoid | frozenset(chosen.values())
        candidates = (before.get(name, first), *range(first, first + TRIES))
        free = (port for port in candidates if port not in taken and is_free(port))
        port = next((port for port in free if claims.take(port)), None)
        if port is None:
            raise NoFreePortError(name, first)
        chosen[name] = port
    remember(path, before | chosen)
    return chosen


def remember(path: Path, ports: Mapping[str, int]) -> None:
    """Write the file in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(dict(ports), indent=2) + "\n")
    part.replace(path)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
