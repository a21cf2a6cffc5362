"""The linear programme of one market: rows of limits over edges, solved by HiGHS, cut to integers.

Rows are kept in exact integers: `sum(coefficient x quantity) <= upper`, with quantities in base
units and coefficients scaled by `SCALE`. The solver sees the same rows as floats per trade unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import highspy
import numpy as np

# Not `highspy.Highs`: its callbacks, unused here, print a banner on standard output.
from highspy._core import _Highs  # pyright: ignore[reportPrivateUsage]

# Ratios, yields and caps have at most four decimals each, so products of three are exact.
SCALE: Final = 10**12


class RowKind(StrEnum):
    """What a row limits."""

    SUPPLY = "supply"
    NEED = "need"
    SHARE = "share"
    BLEND = "blend"
    BLEND_LIMIT = "blend_limit"
    TREATMENT = "treatment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One limit. `entries` are (edge, coefficient x SCALE), `upper` is base units x SCALE.

    `subject` names what is limited (use, blend, property, treatment); `limit` is shown to people.
    """

    kind: RowKind
    subject: str
    upper: int
    entries: tuple[tuple[int, int], ...]
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Values per trade unit of each edge, and the rows; a trade unit has `per_unit` base units."""

    values: Sequence[float]
    rows: Sequence[Row]
    per_unit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Quantities per edge in base units, the worth of one more trade unit per row."""

    quantities: tuple[int, ...]
    worth: tuple[float, ...]
    optimal: bool


class Solver:
    """One programme loaded into HiGHS; solved again and again with other edges held at zero.

    Deterministic: one thread, no random seed, and each solve starts from the basis of the last.
    """

    def __init__(self, program: Program, seconds: float) -> None:
        self._program = program
        self._seconds = seconds
        self._highest = max((abs(value) for value in program.values), default=0.0) or 1.0
        self._held: frozenset[int] = frozenset()
        self._model = _Highs()
        self._model.setOptionValue("output_flag", False)
        self._model.setOptionValue("threads", 1)
        if program.values:
            self._model.passModel(_model(program, self._highest))

    def solve(self, held: frozenset[int]) -> Solution:
        """Maximise the value with the edges of `held` at zero.

        When HiGHS finds no optimum within the time limit the solution says so and is zero.
        """
        zero = (0,) * len(self._program.values)
        nothing = (0.0,) * len(self._program.rows)
        if not self._program.values:
            return Solution(quantities=zero, worth=nothing, optimal=True)
        for edge in sorted(held ^ self._held):
            upper = 0.0 if edge in held else highspy.kHighsInf
            self._model.changeColBounds(edge, 0.0, upper)
        self._held = held
        # The limit counts the run time of the model, which adds up over its solves.
        self._model.setOptionValue("time_limit", self._model.getRunTime() + self._seconds)
        self._model.run()
        if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return Solution(quantities=zero, worth=nothing, optimal=False)
        found = self._model.getSolution()
        per_unit = self._program.per_unit
        rounded = [max(round(value * per_unit), 0) for value in found.col_value]
        return Solution(
            quantities=tuple(cut(rounded, self._program.rows)),
            worth=tuple(-dual * self._highest for dual in found.row_dual),
            optimal=True,
        )


def _model(program: Program, highest: float) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(program.values), len(program.rows)
    lp.col_cost_ = -np.array(program.values, dtype=np.float64) / highest
    lp.col_lower_ = np.zeros(lp.num_col_)
    lp.col_upper_ = np.full(lp.num_col_, highspy.kHighsInf)
    lp.row_lower_ = np.full(lp.num_row_, -highspy.kHighsInf)
    per_unit = float(program.per_unit) * SCALE
    lp.row_upper_ = np.array([row.upper / per_unit for row in program.rows], dtype=np.float64)
    lengths = [len(row.entries) for row in program.rows]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int32)
    lp.a_matrix_.index_ = np.array(
        [edge for row in program.rows for edge, _ in row.entries], dtype=np.int32
    )
    lp.a_matrix_.value_ = np.array(
        [factor / SCALE for row in program.rows for _, factor in row.entries], dtype=np.float64
    )
    return lp


def cut(quantities: Sequence[int], rows: Sequence[Row]) -> list[int]:
    """Return the quantities cut until every row holds in integers; nothing is ever raised.

    The largest edge of a row gives first: it loses the smallest share. Rows of blend limits have
    coefficients of both signs and a float limit: they hold within the solver's tolerance.
    """
    result = list(quantities)
    for row in rows:
        if row.kind is RowKind.BLEND_LIMIT:
            continue
        excess = sum(result[edge] * factor for edge, factor in row.entries) - row.upper
        if excess <= 0:
            continue
        for edge, factor in sorted(row.entries, key=lambda entry: (-result[entry[0]], entry[0])):
            less = min(result[edge], -(-excess // factor))
            result[edge] -= less
            excess -= less * factor
            if excess <= 0:
                break
    return result


def holds(quantities: Sequence[int], row: Row) -> bool:
    """Whether a row holds in exact integers."""
    return sum(quantities[edge] * factor for edge, factor in row.entries) <= row.upper
