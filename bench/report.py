"""Writes `docs/benchmarks.md` from `var/bench/results.json`: only figures that were measured, with their conditions.

.venv/bin/python -m bench.report
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.foundation import say
from bench.plots import PLOTS
from bench.results import RESULTS, read

PROFILE = Path(__file__).with_name("where_the_time_goes.md")
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

Each table is one run; what is the same for all its figures stands below it.
"""
ENGINES = """\
`engines` puts the balance worker beside other engines: one broker and one topic for all, each engine alone on one
core and the broker on another, each in an environment of its own below `var/bench/engines`. All keep the sum of the
last 24 h of each series in their durable state and write the sums that changed once an interval. An engine whose sums
at the end are not what the plan of the load says has no row. The others only sum; the balance worker also validates,
tells repeats by their identity and keeps 35 days. `fastavro then` is the CPU of decoding one reading with fastavro
right after an engine's run: where it differs from row to row, the core was not equally fast, and the ratios are as
uncertain. In the control, loops are killed between write and commit: the at-least-once loop has to come out wrong,
the others right.
"""


def page(documents: Sequence[Mapping[str, Any]], profile: str) -> str:
    """Return the page for the documents of the results file, with what was written about the profile at its end."""
    missed = [
        f"- {one['name']}: {_number(one['value'])}, bar {one['bar']}"
        for one in documents
        if one["holds"] is False
    ]
    parts = [INTRODUCTION, "\n".join(["Bars that are missed:", "", *(missed or ["- none"]), ""])]
    former = ""
    for _, run in groupby(documents, key=lambda one: one["conditions"]["at"]):
        found = list(run)
        title = _title(found)
        parts.append(_section(found, title, again=title == former))
        former = title
    return "\n".join([*parts, profile])


def _title(run: Sequence[Mapping[str, Any]]) -> str:
    return re.split(r"[:,]| at \d", run[0]["name"])[0]


def _section(run: Sequence[Mapping[str, Any]], title: str, *, again: bool) -> str:
    """Return the figures of one run as a table and what they share; a first run of a title has its heading and plot."""
    shared = _shared([one["conditions"] for one in run])
    lines: list[str] = []
    if not again:
        lines += [f"## {title[0].upper()}{title[1:]}", ""]
        lines += [ENGINES] if title == "engines" else []
        lines += [
            f"![{plot.title}](plots/{plot.file})\n"
            for plot in PLOTS
            if run[0]["name"].startswith(plot.prefix)
        ]
    lines += ["| figure | value | unit | bar | | |", "|---|---:|---|---|---|---|"]
    lines += [_row(one, shared) for one in run]
    return "\n".join([*lines, "", _measured(run[0]["conditions"], shared), ""])


def _shared(conditions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    first = conditions[0]
    return {name: v for name, v in first.items() if all(one.get(name) == v for one in conditions)}


def _row(one: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    verdict = {True: "holds", False: "**missed**", None: ""}[one["holds"]]
    own = {name: value for name, value in one["conditions"].items() if name not in shared}
    cells = (one["name"], _number(one["value"]), one["unit"], one["bar"] or "", verdict, _said(own))
    return f"| {' | '.join(cells)} |"


def _measured(first: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    speed = f"{first['addition_ns']} ns an addition, " if "addition_ns" in first else ""
    others = {name: value for name, value in first.items() if name in shared}
    return (
        f"{first['at']}, {first['cores']} cores, load average {first['load_average']}, {speed}"
        f"Python {first['python']}. {_said(others)}"
    ).rstrip()


def _said(conditions: Mapping[str, Any]) -> str:
    """Return conditions as text, without those of the machine."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_number(value)}"
        for name, value in conditions.items()
        if name not in MACHINE
    )


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def main() -> None:
    """Write the page and its plots."""
    documents = read()
    PAGE.write_text(page(documents, PROFILE.read_text()))
    for plot in PLOTS:
        plot.write(documents, PAGE.parent / "plots")
    say(f"{RESULTS} -> {PAGE}")


if __name__ == "__main__":
    main()
