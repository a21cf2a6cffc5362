"""Seconds from `synergy up` on an empty folder to the first match over REST and what follows, and of Ctrl-C to its end.

    .venv/bin/python -m bench.first_match

Package and jar caches are warm; the folder of the data is empty, so that the start formats the broker, creates topics
and ledger, and plays both programmes from their beginning. Ctrl-C comes once the scripted actors have brought one
delivery to its end, taken one in part and declined a match, in full play.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.foundation import take_free_ports
from bench.machine import conditions
from bench.results import Bar, Figure, record
from bench.running_stack import RunningStack, running_stack

SCRIPTED = ("completed", "received_in_part", "declined")
"""What the scripted actors have to show: the states of the funnel, one of each."""


def measure() -> list[Figure]:
    """Start, wait for a match, stop."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var) as stack:
            first_s = stack.wait("a first match", lambda: open_matches(stack) > 0)
            played_s = stack.wait("the scripted actors", lambda: played(stack))
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
            name="first match to a completed, a part and a declined one",
            value=played_s - first_s,
            unit="s",
            bar=Bar("<=", 90.0),
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


def played(stack: RunningStack) -> bool:
    """Whether the scripted actors have shown everything."""
    funnel = stack.get("/api/v1/funnel")
    return all(int(funnel.get(state, 0)) > 0 for state in SCRIPTED)


def main() -> None:
    """Measure and record."""
    record(measure())


if __name__ == "__main__":
    main()
