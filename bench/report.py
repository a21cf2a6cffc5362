"""Writes `docs/benchmarks.md` from `var/bench/results.json`: only figures that were measured, with their conditions.

.venv/bin/python -m bench.report
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.foundation import say
from bench.results import RESULTS, read

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MACHINE = ("at", "cores", "processor", "memory_gb", "load_average", "addition_ns", "python")
INTRODUCTION = """\
# Benchmarks

<!-- Written by `python -m bench.report` from var/bench/results.json: measure again, do not edit. -->

`make bench` runs every benchmark, one process each, one after the other, and writes `var/bench/results.json`.
`make bench ARGS="balance_worker at_rest"` runs some; each is a command of its own too, `python -m bench.at_rest`.
A bar says what the product has to keep on two cores that do nothing else. Each row says on what it was measured: with a
load average above the number of cores, times and rates are worse than the product's own. CPU times suffer least.
`ns an addition` is the CPU of one addition in a loop of Python right afterwards: a shared machine is not always equally
fast, and every figure that is no ratio follows it.

`engines` puts the balance worker beside other engines: one broker and one topic for all, each engine alone on one
core and the broker on another, each in an environment of its own below `var/bench/engines`. All keep the sum of the
last 24 h of each series in their durable state and write the sums that changed once an interval. An engine whose sums
at the end are not what the plan of the load says has no row. The others only sum; the balance worker also validates,
tells repeats by their identity and keeps 35 days. `fastavro then` is the CPU of decoding one reading with fastavro
right after an engine's run: where it differs from row to row, the core was not equally fast, and the ratios are as
uncertain. In the control, loops are killed between write and commit: the at-least-once loop has to come out wrong,
the others right.
"""


def page(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return the page for the documents of the results file."""
    rows = [
        "| figure | value | unit | bar | | machine | conditions |",
        "|---|---:|---|---|---|---|---|",
    ]
    rows += [_row(one) for one in documents]
    return f"{INTRODUCTION}\n" + "\n".join(rows) + "\n"


def _row(one: Mapping[str, Any]) -> str:
    said: Mapping[str, Any] = one["conditions"]
    verdict = {True: "holds", False: "**missed**", None: ""}[one["holds"]]
    speed = f"{said['addition_ns']} ns an addition, " if "addition_ns" in said else ""
    machine = (
        f"{said['cores']} cores, load average {said['load_average']}, {speed}"
        f"Python {said['python']}, {said['at']}"
    )
    others = ", ".join(
        f"{name.replace('_', ' ')} {_number(value)}"
        for name, value in said.items()
        if name not in MACHINE
    )
    cells = (one["name"], _number(one["value"]), one["unit"], one["bar"] or "", verdict)
    return f"| {' | '.join(cells)} | {machine} | {others} |"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(read()))
    say(f"{RESULTS} -> {PAGE}")


if __name__ == "__main__":
    main()
