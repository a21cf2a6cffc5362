"""The broker's ahead-of-time cache (JEP 514): its classes, loaded and linked once per user instead of at every start.

A broker that stops writes it, which takes some ten seconds, so it is made by a start of its own. The file belongs to
these jars at their places and to this Java; the JVM leaves a cache that does not fit alone and starts without it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

WRITE_S = 90.0

Write = Callable[[Path], None]


def file_of(jar_cache: Path, class_path: Sequence[Path], java: Path) -> Path:
    """Return where the cache for these jars and this Java is."""
    release = java.parents[1] / "release"
    told = [*map(str, class_path), release.read_text() if release.is_file() else str(java)]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return jar_cache / f"kafka-{digest}.aot"


def make(file: Path, write: Write) -> None:
    """Let `write` make the cache at a place of its own, then put it where it belongs; one process at a time.

    Raises:
        OSError: nothing can be written there.
    """
    with file.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else is at it; this start goes without
        part = file.with_suffix(f".{os.getpid()}.part")
        try:
            write(part)
            if part.is_file():
                part.replace(file)
        finally:
            part.unlink(missing_ok=True)
