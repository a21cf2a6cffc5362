"""The embedded stack as a user has it: end to end, at rest, its starts and its stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import Bar, Result
from cli.store_client import responds
from runtime.clock import Clock, SystemClock
from runtime.settings import environment

RUN_S = 90
REST_S = 20.0
PATIENCE_S = 120.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class StackNotReadyError(Exception):
    """The stack ended or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds and resident bytes of several processes together."""

    cpu_s: float
    bytes: int


def measure() -> Iterator[Result]:
    """Run the whole thing once, then look at it at rest."""
    with tempfile.TemporaryDirectory() as folder:
        yield from end_to_end(Path(folder))
        yield from at_rest(Path(folder))


def end_to_end(var: Path) -> Iterator[Result]:
    """Yield what `synergy up --for 90s --json` counts."""
    done = subprocess.run(
        command("up", "--for", f"{RUN_S}s", "--json"),
        env=environment({"var": var}),
        stdout=subprocess.PIPE,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    conditions = f"both programmes, {RUN_S} s, {document['published']} readings, jars in the cache"
    for name in ("lost", "duplicated", "positions_differing"):
        yield Result(name, float(document[name]), "records", Bar("exactly", 0), conditions)
    first_match = document["seconds_to_first_match"]
    yield Result("seconds_to_first_match", float(first_match), "s", Bar("at most", 25), conditions)


def at_rest(var: Path) -> Iterator[Result]:
    """Yield what the stack takes when nothing is published, how long a resume and a stop take."""
    clock = SystemClock()
    began_s = clock.monotonic_s()
    stack = subprocess.Popen(
        command("up", "--without", "replay"),
        env=environment({"var": var}),
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(var, stack, clock)
        yield Result(
            "resume_seconds",
            clock.monotonic_s() - began_s,
            "s",
            Bar("at most", 15),
            "after 90 s of replay",
        )
        clock.sleep(REST_S)  # caches and compilers settle
        before = usage(var, stack.pid)
        clock.sleep(REST_S)
        after = usage(var, stack.pid)
        conditions = f"all processes together, no replay, {REST_S:.0f} s"
        share = 100 * (after.cpu_s - before.cpu_s) / REST_S
        yield Result("rest_memory", after.bytes / 1e6, "MB", Bar("at most", 1600), conditions)
        yield Result("rest_cpu", share, "% of a core", Bar("at most", 15), conditions)
    finally:
        began_s = clock.monotonic_s()
        stack.send_signal(signal.SIGINT)
        stack.wait(PATIENCE_S)
    yield Result(
        "stop_seconds",
        clock.monotonic_s() - began_s,
        "s",
        Bar("at most", 10),
        "SIGINT to the last exit",
    )


def command(*arguments: str) -> list[str]:
    """Return a command line of ours."""
    return [sys.executable, "-m", "cli", *arguments]


def wait_until_ready(var: Path, stack: subprocess.Popen[bytes], clock: Clock) -> None:
    """Wait until the store says that its views have caught up.

    Raises:
        StackNotReadyError: it did not.
    """
    deadline = clock.monotonic_s() + PATIENCE_S
    ports = var / "ports.json"
    while clock.monotonic_s() < deadline and stack.poll() is None:
        port = json.loads(ports.read_text()).get("store") if ports.exists() else None
        if (
            port
            and (var / "run" / "market.pid").exists()
            and responds(f"http://127.0.0.1:{port}/readyz")
        ):
            return
        clock.sleep(0.1)
    raise StackNotReadyError(str(var / "log"))


def usage(var: Path, parent: int) -> Usage:
    """Return what all processes of the stack have taken so far."""
    children = [int(file.read_text()) for file in (var / "run").glob("*.pid")]
    found = [usage_of(pid) for pid in (parent, *children)]
    return Usage(sum(one.cpu_s for one in found), sum(one.bytes for one in found))


def usage_of(pid: int) -> Usage:
    """Return what one process has taken, from /proc."""
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Usage((int(stat[11]) + int(stat[12])) / TICKS_PER_S, pages * os.sysconf("SC_PAGE_SIZE"))
