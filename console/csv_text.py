"""Comma-separated values that are safe to open in a spreadsheet: RFC 4180, UTF-8 without a mark, CRLF.

Spreadsheets run a cell that begins with = + - @ (or their full-width forms), a tab, a carriage return or a line feed
as a formula, also when it stands in quotes. A text that begins so gets an apostrophe before it, which spreadsheets
show as the text that follows. What the ledger holds as a number is written as a number: `-5.2` stays -5.2, while the
text "-5.2" becomes "'-5.2". Who needs the exact bytes of such a text takes JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

_RUN_AS_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the full-width forms are meant


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a heading and the rows.

    >>> csv_text(["name", "t"], [["=1+1", -5.5], ['say "hi", Ann', None]])
    'name,t\r\n\'=1+1,-5.5\r\n"say ""hi"", Ann",\r\n'
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([_safe(column) for column in columns])
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return written.getvalue()


def csv_cell(value: object) -> str | int | float:
    """Return a value as a cell: nothing for None, times in ISO 8601 in UTC, numbers as they are.

    >>> csv_cell(datetime(2007, 5, 1)), csv_cell(Decimal("-1.50")), csv_cell("@SUM(A1)"), csv_cell(None)
    ('2007-05-01T00:00:00Z', '-1.50', "'@SUM(A1)", '')
    """
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return value
        case Decimal():
            return str(value)
        case datetime():
            return f"{value.replace(tzinfo=None).isoformat()}Z"
        case date():
            return value.isoformat()
        case _:
            return _safe(str(value))


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_RUN_AS_FORMULA) else text
