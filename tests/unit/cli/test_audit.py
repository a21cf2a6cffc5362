"""Answers of named queries as they are printed."""

from __future__ import annotations

from io import StringIO
from time import sleep
from typing import Any

from cli.audit import saying_so, table


def answer(rows: list[list[Any]], nothing: str | None = None) -> dict[str, Any]:
    columns = [
        {"name": "arrived", "unit": "UTC"},
        {"name": "measured", "unit": "unit"},
        {"name": "utc_offset", "unit": "h"},
        {"name": "unit", "unit": ""},
    ]
    return {
        "columns": columns,
        "rows": rows,
        "row_count": len(rows),
        "seconds": 0.0421,
        "nothing": nothing,
    }


def test_a_table_has_units_aligned_numbers_a_count_and_the_time_it_took() -> None:
    rows: list[list[Any]] = [
        ["2007-05-01T00:00:00.123456Z", 5304.123456, -5.0, "t"],
        ["2007-05-01T00:00:00Z", None, 8.0, "t"],
    ]
    assert list(table(answer(rows))) == [
        "arrived [UTC]             measured  utc_offset [h]  unit",
        "2007-05-01 00:00:00.123  5,304.123              -5  t",
        "2007-05-01 00:00:00                              8  t",
        "",
        "2 rows in 0.04 s",
    ]


def test_no_row_is_said_with_the_filters_that_gave_nothing() -> None:
    assert list(table(answer([], "no row has all of facility=mill"))) == [
        "0 rows in 0.04 s: no row has all of facility=mill"
    ]


class Terminal(StringIO):
    """What somebody sees."""

    def isatty(self) -> bool:
        return True


def test_who_waits_for_an_answer_is_told_so_on_a_terminal_only() -> None:
    seen, quick, piped = Terminal(), Terminal(), StringIO()
    with saying_so(seen, 0.0):
        while not seen.getvalue():
            sleep(0.001)
    with saying_so(quick, 60.0), saying_so(piped, 0.0):
        sleep(0.01)
    assert "two minutes" in seen.getvalue()
    assert quick.getvalue() + piped.getvalue() == ""
