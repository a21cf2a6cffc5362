"""Plain tables for the commands: aligned columns, no lines, so that `cut` and `grep` work on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
    numeric = [
        bool(rows) and all(isinstance(row[at], int | float) for row in rows)
        for at in range(len(columns))
    ]
    for line in (list(columns), *cells):
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        yield GAP.join(padded).rstrip()


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 3] + "..."
