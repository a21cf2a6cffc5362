"""What a spreadsheet gets: RFC 4180, and nothing that it would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from console.csv_text import csv_text


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b"])
def test_a_text_that_would_be_run_gets_an_apostrophe_and_loses_nothing(start: str) -> None:
    evil = f"{start}cmd|' /C calc'!A0"
    assert read(csv_text(["name"], [[evil]])) == [["name"], [f"'{evil}"]]


@pytest.mark.parametrize("number", [-5, -5.25, 0, 1e-6, 12_345_678.5])
def test_a_number_stays_a_number(number: float) -> None:
    ((_,), (cell,)) = read(csv_text(["t"], [[number]]))
    assert float(cell) == number


def test_commas_quotes_line_breaks_and_chinese_come_back_as_they_were() -> None:
    row = ['say "hi"', "a,b", "two\r\nlines", "秦皇岛", "it's"]
    assert read(csv_text(["a", "b", "c", "d", "e"], [row]))[1] == row


def test_times_money_and_nothing_are_written_plainly() -> None:
    row = [datetime(2007, 5, 1, 12, tzinfo=UTC), date(2007, 5, 1), Decimal("1.50"), None, True]
    assert read(csv_text(list("abcde"), [row]))[1] == [
        "2007-05-01T12:00:00Z",
        "2007-05-01",
        "1.50",
        "",
        "true",
    ]


def test_every_line_ends_as_rfc_4180_says() -> None:
    assert csv_text(["a"], [[1], [2]]) == "a\r\n1\r\n2\r\n"
