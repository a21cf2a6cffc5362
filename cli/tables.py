"""Plain tables for the commands: aligned columns, no lines, so that `cut` and `grep` work on them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

FIGURE = re.compile(r"-?\d{1,3}(,\d{3})*(\.\d{3})?")
GAP = "  "
WIDEST_CELL = 80


def aligned(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield a heading and the rows as lines; numbers to the right, long cells cut with an ellipsis.

    >>> list(aligned(["name", "rows"], [["a", 1], ["bc", 20]]))
    ['name  rows', 'a        1', 'bc      20']
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(len(column), *(len(row[at]) for row in cells)) if cells else len(column)
        for at, column in enumerate(columns)
    ]
    numeric = [_is_numeric([row[at] for row in rows]) for at in range(len(columns))]
    for line in (list(columns), *cells):
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        yield GAP.join(padded).rstrip()


def _is_numeric(values: Sequence[object]) -> bool:
    """Whether a column has numbers and nothing else; what is not known is an empty cell."""
    known = [value for value in values if value is not None]
    return bool(known) and all(_is_number(value) for value in known)


def _is_number(value: object) -> bool:
    """Whether a cell is a number, also one that was written with thousands apart."""
    return isinstance(value, int | float) or (
        isinstance(value, str) and FIGURE.fullmatch(value) is not None
    )


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 3] + "..."
