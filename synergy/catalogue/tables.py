"""Reads the catalogue's CSV files into rows and fields, each error with file, row and field."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NoReturn, TypeVar

from synergy.catalogue.errors import InvalidRow
from synergy.catalogue.model import Validity

SLUG = re.compile(r"^[a-z][a-z0-9_]*$")
Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file. Every method raises `InvalidRow` naming file, line and column."""

    file: str
    line: int
    fields: dict[str, str]

    def refuse(self, field: str, problem: str) -> NoReturn:
        """Raise the error of one field."""
        raise InvalidRow(self.file, self.line, field, problem)

    def text(self, field: str) -> str:
        """Return a text that must not be empty."""
        if not self.fields[field]:
            self.refuse(field, "must not be empty")
        return self.fields[field]

    def optional(self, field: str) -> str | None:
        """Return a text, or None when empty."""
        return self.fields[field] or None

    def parts(self, field: str) -> tuple[str, ...]:
        """Return a list separated by vertical bars."""
        return tuple(part for part in self.fields[field].split("|") if part)

    def matching(self, field: str, pattern: re.Pattern[str]) -> str:
        """Return a text of the given form."""
        value = self.text(field)
        if not pattern.match(value):
            self.refuse(field, f"{value!r} does not match {pattern.pattern}")
        return value

    def parsed(self, field: str, parse: Callable[[str], Value], form: str) -> Value:
        """Return what `parse` makes of a text that must not be empty."""
        value = self.text(field)
        try:
            return parse(value)
        except (ValueError, InvalidOperation):
            self.refuse(field, f"{value!r} is not {form}")

    def decimal(self, field: str) -> Decimal:
        """Return a finite decimal number."""
        value = self.parsed(field, Decimal, "a decimal number")
        if not value.is_finite():
            self.refuse(field, f"{value} is not finite")
        return value

    def positive(self, field: str) -> Decimal:
        """Return a decimal number above zero."""
        value = self.decimal(field)
        if value <= 0:
            self.refuse(field, f"{value} is not above zero")
        return value

    def share(self, field: str) -> Decimal:
        """Return a share: above 0, at most 1."""
        value = self.positive(field)
        if value > 1:
            self.refuse(field, f"{value} is above 1")
        return value

    def quantity(self, field: str) -> int:
        """Return a whole number above zero."""
        value = self.parsed(field, int, "a whole number")
        if value <= 0:
            self.refuse(field, f"{value} is not above zero")
        return value

    def yes(self, field: str) -> bool:
        """Return yes or no."""
        value = self.text(field)
        if value not in {"yes", "no"}:
            self.refuse(field, f"{value!r} is neither yes nor no")
        return value == "yes"

    def choice(self, field: str, choices: type[Choice]) -> Choice:
        """Return one of an enum's values."""
        value = self.text(field)
        try:
            return choices(value)
        except ValueError:
            self.refuse(field, f"{value!r} is none of {sorted(choices)}")

    def day(self, field: str) -> date | None:
        """Return a day (YYYY-MM-DD), or None when empty."""
        if not self.fields[field]:
            return None
        return self.parsed(field, date.fromisoformat, "a day like 2007-04-27")

    def validity(self) -> Validity:
        """Return the fields valid_from and valid_to as [start, end)."""
        start, end = self.day("valid_from"), self.day("valid_to")
        if start is not None and end is not None and end <= start:
            self.refuse("valid_to", f"{end} is not after valid_from {start}")
        return Validity(start=start, end=end)


@dataclass(frozen=True, slots=True)
class Table:
    """One file: its name, text and columns."""

    file: str
    text: str
    columns: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Yield the rows; raises `InvalidRow` when columns or cells don't fit."""
        reader = csv.reader(io.StringIO(self.text))
        header = next(reader, list[str]())
        if tuple(header) != self.columns:
            raise InvalidRow(self.file, 1, "header", f"columns must be {','.join(self.columns)}")
        for cells in reader:
            if len(cells) != len(header):
                problem = f"{len(cells)} cells for {len(header)} columns"
                raise InvalidRow(self.file, reader.line_num, "row", problem)
            fields = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            yield Row(self.file, reader.line_num, fields)
