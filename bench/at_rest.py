"""The whole embedded stack at rest: memory of all its processes, and CPU over a minute, process by process.

    .venv/bin/python -m bench.at_rest [seconds]

The demonstration runs for 45 s first, so that there is state to hold: both programmes' facilities, positions and
matches, and a ledger. Then the stack is started again without the replay, has 30 s to settle, and is measured while
nothing is published. The bar is held against RSS, which counts pages shared by two processes twice; PSS, which divides
them, stands beside it. CPU is user + system time over the wall time: 100 % is one core.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.first_match import open_matches
from bench.foundation import take_free_ports
from bench.machine import conditions, cpu_s, memory
from bench.results import Bar, Figure, record
from bench.running_stack import RunningStack, running_stack

MEASURED_S = 60.0
PLAYED_S = 45.0
SETTLE_S = 30.0
GIGABYTE_MB = 1024.0


@dataclass(frozen=True, slots=True)
class Share:
    """What one process takes: memory in MB, CPU in percent of a core."""

    name: str
    rss_mb: float
    pss_mb: float
    cpu_percent: float


def shares(stack: RunningStack, seconds: float) -> list[Share]:
    """Watch the processes for so long."""
    names = stack.processes()
    before = {pid: cpu_s(pid) for pid in names}
    began = stack.clock.monotonic_s()
    stack.clock.sleep(seconds)
    took = stack.clock.monotonic_s() - began
    found: list[Share] = []
    for pid, name in names.items():
        held = memory(pid)
        percent = (cpu_s(pid) - before[pid]) / took * 100
        found.append(Share(name, held.rss_mb, held.pss_mb, percent))
    return found


def figures(found: list[Share], seconds: float) -> list[Figure]:
    """Return totals with bars, and one line a process."""
    said = conditions({"seconds": seconds, "processes": len(found)})
    totals = [
        Figure(
            name="stack at rest: memory",
            value=sum(one.rss_mb for one in found) / GIGABYTE_MB,
            unit="GB RSS of all processes",
            bar=Bar("<=", 1.6),
            conditions={**said, "pss_gb": round(sum(s.pss_mb for s in found) / GIGABYTE_MB, 2)},
        ),
        Figure(
            name="stack at rest: CPU",
            value=sum(one.cpu_percent for one in found),
            unit="% of one core",
            bar=Bar("<=", 15.0),
            conditions=said,
        ),
    ]
    for one in found:
        memory_figure = Figure(
            name=f"stack at rest: memory of {one.name}",
            value=one.rss_mb,
            unit="MB RSS",
            bar=None,
            conditions={**said, "pss_mb": round(one.pss_mb)},
        )
        cpu_figure = Figure(
            name=f"stack at rest: CPU of {one.name}",
            value=one.cpu_percent,
            unit="% of one core",
            bar=None,
            conditions=said,
        )
        totals += [memory_figure, cpu_figure]
    return totals


def measure(seconds: float) -> list[Figure]:
    """Play, start again without the replay, settle, watch."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var) as stack:
            stack.wait("a first match", lambda: open_matches(stack) > 0)
            stack.clock.sleep(PLAYED_S)
            stack.interrupt()
        with running_stack(var, without=("replay",)) as stack:
            stack.wait("the matches again", lambda: open_matches(stack) > 0)
            stack.clock.sleep(SETTLE_S)
            return figures(shares(stack, seconds), seconds)


def main() -> None:
    """Measure and record."""
    record(measure(float(sys.argv[1]) if len(sys.argv) > 1 else MEASURED_S))


if __name__ == "__main__":
    main()
