"""What was measured: figures with their bars and conditions, kept in `var/bench/results.json`.

    [{"name": ..., "value": ..., "unit": ..., "bar": "<= 5", "holds": true, "conditions": {...}}, ...]

A figure that is measured again takes the place of the one of the same name. `holds` is null where there is no bar.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, Literal

RESULTS = Path("var") / "bench" / "results.json"

Relation = Literal["<=", "<", ">=", "=="]
Condition = str | int | float


@dataclass(frozen=True, slots=True)
class Bar:
    """The limit that a figure is held to, in the unit of the figure.

    >>> Bar("<=", 5.0).holds(4.2), str(Bar("<=", 5.0))
    (True, '<= 5')
    """

    relation: Relation
    limit: float

    def holds(self, value: float) -> bool:
        """Whether a value is within the limit."""
        match self.relation:
            case "<=":
                return value <= self.limit
            case "<":
                return value < self.limit
            case ">=":
                return value >= self.limit
            case "==":
                return value == self.limit

    def __str__(self) -> str:
        return f"{self.relation} {self.limit:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that was measured. `conditions` say on what, under what and how much of it."""

    name: str
    value: float
    unit: str
    bar: Bar | None
    conditions: Mapping[str, Condition]

    def document(self) -> dict[str, Any]:
        """Return the figure as it is written to the file."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "bar": None if self.bar is None else str(self.bar),
            "holds": None if self.bar is None else self.bar.holds(self.value),
            "conditions": dict(self.conditions),
        }


def percentiles(
    name: str,
    seconds: Sequence[float],
    bars: Mapping[float, Bar | None],
    conditions: Mapping[str, Condition],
) -> list[Figure]:
    """Return one figure for each percentile that `bars` names; the slowest time is one of the conditions.

    >>> figures = percentiles("answer", [float(n) for n in range(1001)], {50: None, 99.9: Bar("<", 9)}, {})
    >>> [(one.name, round(one.value)) for one in figures]
    [('answer, p50', 500), ('answer, p99.9', 999)]
    """
    cuts = quantiles(seconds, n=1000, method="inclusive")
    said = {**conditions, "slowest_s": round(max(seconds), 3)}
    return [
        Figure(
            name=f"{name}, p{percentile:g}",
            value=cuts[round(percentile * 10) - 1],
            unit="s",
            bar=bar,
            conditions=said,
        )
        for percentile, bar in bars.items()
    ]


def record(figures: Sequence[Figure], path: Path = RESULTS) -> None:
    """Print the figures and write them into the file, in one step."""
    documents = {document["name"]: document for document in read(path)}
    for figure in figures:
        document = documents[figure.name] = figure.document()
        sys.stdout.write(f"{line(document)}\n")
    sys.stdout.flush()
    _write(documents.values(), path)


def forget(names: Collection[str], path: Path = RESULTS) -> None:
    """Take the figures of these names out: what can no longer be measured must not seem to be known."""
    kept = [document for document in read(path) if document["name"] not in names]
    _write(kept, path)


def _write(documents: Iterable[Mapping[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(list(documents), indent=2) + "\n")
    part.replace(path)


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the documents of the file; none when there is no file."""
    if not path.is_file():
        return []
    return list(json.loads(path.read_text()))


def line(document: Mapping[str, Any]) -> str:
    """Return one figure as a line for people."""
    verdict = {True: "holds", False: "MISSED", None: ""}[document["holds"]]
    bar = f"bar {document['bar']}" if document["bar"] else "no bar"
    return (
        f"{document['name']:48} {document['value']:>12,} {document['unit']:26} {bar:14} {verdict}"
    )
