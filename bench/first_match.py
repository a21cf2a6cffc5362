"""Seconds from `synergy up` on an empty folder to the first open match over REST, and from Ctrl-C to the last process.

    .venv/bin/python -m bench.first_match

Package and jar caches are warm; the folder of the data is empty, so that the start formats the broker, creates topics
and ledger, and plays both programmes from their beginning. Ctrl-C comes 10 s after the first match, in full play.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.foundation import take_free_ports
from bench.machine import conditions
from bench.results import Bar, Figure, record
from bench.running_stack import RunningStack, running_stack

PLAYED_ON_S = 10.0


def measure() -> list[Figure]:
    """Start, wait for a match, stop."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var) as stack:
            first_s = stack.wait("a first match", lambda: open_matches(stack) > 0)
            stack.clock.sleep(PLAYED_ON_S)
            published = int(stack.get("/api/v1/status").get("published") or 0)
            stop_s = stack.interrupt()
    said = conditions({"readings_until_stop": published})
    return [
        Figure(
            name="start to first match, warm",
            value=first_s,
            unit="s",
            bar=Bar("<", 25.0),
            conditions=said,
        ),
        Figure(
            name="Ctrl-C to the end of every process",
            value=stop_s,
            unit="s",
            bar=Bar("<", 10.0),
            conditions=said,
        ),
    ]


def open_matches(stack: RunningStack) -> int:
    """Return how many open matches the REST server has, 0 while it does not answer."""
    return int(stack.get("/api/v1/matches", limit="1").get("total", 0))


def main() -> None:
    """Measure and record."""
    record(measure())


if __name__ == "__main__":
    main()
