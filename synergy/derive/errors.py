"""Errors of the derivation."""

from __future__ import annotations

from datetime import datetime


class DeriveError(Exception):
    """Root of the errors of `synergy.derive`."""


class CoefficientRowError(DeriveError):
    """A row of the coefficient file can't be used."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(f"coefficients row {row}, column {column}: {message}")
        self.row = row
        self.column = column


class CoefficientMissingError(DeriveError):
    """No row is valid for this name and scope at this time: nothing may be derived."""

    def __init__(self, name: str, scope: str, at: datetime) -> None:
        super().__init__(
            f"no coefficient {name} for {scope} at {at.isoformat()}: add a row to coefficients.csv"
        )
        self.name = name
        self.scope = scope
        self.at = at
