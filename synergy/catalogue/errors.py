"""What can be wrong with the catalogue's files."""

from __future__ import annotations


class CatalogueError(Exception):
    """Root of this package's errors."""


class InvalidRow(CatalogueError):  # noqa: N818 - named after what it is
    """One field of one row is wrong.

    Attributes:
        file: file name, for example ``uses.csv``.
        row: line of the file, the header is line 1; 0 when the file as a whole is wrong.
        field: column.
        problem: what is wrong and what would be right.
    """

    def __init__(self, file: str, row: int, field: str, problem: str) -> None:
        super().__init__(f"{file}, row {row}, field {field}: {problem}")
        self.file = file
        self.row = row
        self.field = field
        self.problem = problem
