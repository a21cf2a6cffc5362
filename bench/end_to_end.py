"""What `synergy up --for 90s --json` counts at the end: nothing lost, nothing doubled, every position exact.

.venv/bin/python -m bench.end_to_end [seconds]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.foundation import say, take_free_ports
from bench.machine import conditions
from bench.results import Bar, Figure, record

RUN_S = 90
COUNTS = ("lost", "duplicated", "positions_differing")


class NotCountedError(Exception):
    """The stack could not count: a number that was not measured is not zero."""


def run(seconds: int) -> dict[str, Any]:
    """Run the stack on an empty folder; return its last document."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        take_free_ports(Path(folder))
        say(f"synergy up --for {seconds}s --json")
        stack = (sys.executable, "-m", "cli", "--set", f"var={folder}", "up")
        command = (*stack, "--for", f"{seconds}s", "--json")
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def measure(seconds: int) -> list[Figure]:
    """Return the counts with their bars. Raises NotCountedError."""
    document = run(seconds)
    missing = [name for name in COUNTS if document[name] is None]
    if missing:
        raise NotCountedError(", ".join(missing))
    seen = ("published", "applied", "resent", "rejected", "positions_published", "open_matches")
    said = conditions({"seconds": seconds, **{name: str(document[name]) for name in seen}})
    return [
        Figure(
            name=f"end to end: {name.replace('_', ' ')}",
            value=float(document[name]),
            unit="records",
            bar=Bar("==", 0.0),
            conditions=said,
        )
        for name in COUNTS
    ]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else RUN_S))


if __name__ == "__main__":
    main()
