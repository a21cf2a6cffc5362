"""Errors of the producers."""

from __future__ import annotations


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


class LoadTemplateError(ProducerError):
    """An encoded reading is not laid out as the load generator expects."""
