"""What a benchmark measures, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Sense = Literal["at most", "at least", "exactly"]


@dataclass(frozen=True, slots=True)
class Bar:
    """What the value has to keep."""

    sense: Sense
    value: float

    def holds(self, value: float) -> bool:
        """Whether a value keeps the bar.

        >>> Bar("at most", 5.0).holds(4.9), Bar("exactly", 0).holds(1)
        (True, False)
        """
        if self.sense == "at most":
            return value <= self.value
        return value >= self.value if self.sense == "at least" else value == self.value

    def __str__(self) -> str:
        """Return the bar as people read it."""
        return f"{self.sense} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One measured value. `conditions` says what it holds for: input, sizes, machine, other load."""

    name: str
    value: float
    unit: str
    bar: Bar | None
    conditions: str

    @property
    def holds(self) -> bool | None:
        """Whether the bar is kept; None without a bar."""
        return None if self.bar is None else self.bar.holds(self.value)

    def line(self) -> str:
        """Return the result as a line for people."""
        verdict = {True: "holds", False: "MISSED", None: ""}[self.holds]
        bar = "" if self.bar is None else str(self.bar)
        return f"{self.name:<34}{self.value:>12,.2f} {self.unit:<12}{bar:<18}{verdict}"


def write_results(file: Path, results: Sequence[Result]) -> None:
    """Write the list of `{name, value, unit, bar, holds, conditions}`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {**asdict(result), "bar": result.bar and str(result.bar), "holds": result.holds}
        for result in results
    ]
    file.write_text(json.dumps(rows, indent=2) + "\n")
