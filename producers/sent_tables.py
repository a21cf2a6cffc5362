"""Tables as people send them: CSV from Excel in English or Chinese, from a database, or typed.

UTF-8 with or without a byte order mark, UTF-16 with one, and GB18030 are understood; the cells may be separated by
comma, semicolon or tab.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from producers.errors import CellError

MOST_BYTES: Final = 5_000_000
MOST_ROWS: Final = 10_000
_SEPARATORS: Final = ",;\t"


@dataclass(frozen=True, slots=True)
class SentTable:
    """Heading and rows with their numbers as a spreadsheet shows them; cells are stripped."""

    separator: str
    heading: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_sent_table(content: bytes) -> SentTable:
    """Return the table of a file. Empty rows are left out.

    Raises:
        CellError: it is too large, no text, or no table.
    """
    if len(content) > MOST_BYTES:
        raise CellError("file", f"{len(content):,} bytes", f"send at most {MOST_BYTES:,} at once")
    text = decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    rows = list(_rows(text, separator))
    if not rows:
        raise CellError("file", "", "it is empty: begin with a row of column names")
    if len(rows) > MOST_ROWS:
        raise CellError("file", f"{len(rows):,} rows", f"send at most {MOST_ROWS:,} at once")
    return SentTable(separator, rows[0][1], tuple(rows[1:]))


def decoded(content: bytes) -> str:
    """Return the text of a file. Raises CellError when it is none.

    >>> decoded("名称".encode("gb18030")), decoded("名称".encode("utf-8-sig"))
    ('名称', '名称')
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")  # text in GB18030 is hardly ever valid UTF-8 too
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise CellError("file", "", "it is no text: save it as CSV in UTF-8 (in Excel: CSV UTF-8)")


def _rows(text: str, separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for number, cells in enumerate(reader, start=1):
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                yield number, stripped
    except csv.Error as error:
        raise CellError("file", str(error), "save it again as CSV") from error
