"""Errors of the balance stage, under one root.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations


class BalanceError(Exception):
    """Root of the errors of the balance stage."""


class PartError(BalanceError):
    """A changelog part can't be read: the partition has to be rebuilt from its input.

    Attributes:
        key: key of the changelog record.
        reason: what is wrong with it.
    """

    def __init__(self, key: bytes, reason: str) -> None:
        super().__init__(f"changelog part {key!r}: {reason}; rebuild the partition from its input")
        self.key = key
        self.reason = reason
