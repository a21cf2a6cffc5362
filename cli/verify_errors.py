"""Why positions can't be verified as it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


class UnknownFacilityError(Exception):
    """The ledger has no position of a facility."""

    def __init__(self, facility: str, near: Sequence[str]) -> None:
        meant = f"near: {', '.join(near)}" if near else "GET /api/v1/facilities names all"
        super().__init__(f"--facility {facility!r}: the ledger has no position of it; {meant}")
        self.facility = facility


class MomentError(Exception):
    """A time is not in ISO 8601."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--at {text!r} is no time: write it like 2026-03-01T12:00:00Z")
        self.text = text


class NothingKnownError(Exception):
    """No position was known at a time: there is nothing that could be right or wrong."""

    def __init__(self, at: datetime) -> None:
        super().__init__(
            f"--at {at.isoformat()}: the ledger had no position then; the column _timestamp of the table positions "
            "says when they begin"
        )
