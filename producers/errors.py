"""Errors of the producers."""

from __future__ import annotations

from dataclasses import dataclass


class ProducerError(Exception):
    """Root of the errors of `producers`."""


class ProgrammeFileError(ProducerError):
    """A data file of a programme can't be used."""

    def __init__(self, file: str, row: int, message: str) -> None:
        super().__init__(f"{file} row {row}: {message}")
        self.file = file
        self.row = row


class SpoolError(ProducerError):
    """The spool can't be used as it is."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"spool {path}: {message}")
        self.path = path


class SpoolWriteError(SpoolError):
    """The disk did not take what had to be stored: nothing of it was; the spool goes on once there is room."""


class LoadTemplateError(ProducerError):
    """An encoded reading is not laid out as the load generator expects."""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row of a file that somebody sent, and what to write instead."""

    row: int
    column: str
    value: str
    fix: str


class CellError(ProducerError):
    """One cell can't be used; whoever reads the file adds the row."""

    def __init__(self, column: str, value: str, fix: str) -> None:
        super().__init__(f"column {column}, {value!r}: {fix}")
        self.column = column
        self.value = value
        self.fix = fix

    def at(self, row: int) -> RowError:
        """Return it with its row."""
        return RowError(row, self.column, self.value, self.fix)
