"""Which facilities can't be enrolled, and why.

Pure: no clock, no I/O, no threads (gate: import-linter). What is refused here would be wrong for everybody: a place
that is none has no distance to anything, and a key that is not the id takes another's facts away in compaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

from schemas.events import Facility

BAD_FACILITY = "bad_facility"
"""The reason code of all flaws."""


class Flaw(NamedTuple):
    """The field that is wrong, and what is wrong with it and how to mend it."""

    field: str
    message: str


def flaw_of(facility: Facility, key: bytes | None) -> Flaw | None:
    """Return the first flaw of a facility that was published under a key, or None."""
    return next(_flaws(facility, key), None)


def _flaws(facility: Facility, key: bytes | None) -> Iterator[Flaw]:
    for name in ("id", "programme"):
        if not str(getattr(facility, name)).strip():
            yield Flaw(name, f"{name} is empty: name the facility and its programme")
    if key != facility.id.encode():
        shown = "missing" if key is None else repr(key.decode(errors="replace")[:80])
        yield Flaw(
            "id",
            f"the record key is {shown} and the id {facility.id!r}: publish a facility under its id,"
            " since compaction keeps the latest record of each key",
        )
    for name, most in (("latitude", 90.0), ("longitude", 180.0)):
        degrees = float(getattr(facility, name))
        if not -most <= degrees <= most:
            yield Flaw(
                name,
                f"{name} {degrees} is not from -{most:.0f} to {most:.0f}: send decimal degrees (WGS 84)",
            )
    if facility.capacity is not None and not (
        isfinite(facility.capacity) and facility.capacity >= 0
    ):
        yield Flaw(
            "capacity",
            f"capacity {facility.capacity} is no amount: leave it out when it is not known",
        )
    if facility.valid_to is not None and facility.valid_to <= facility.valid_from:
        yield Flaw(
            "valid_to",
            f"valid_to {facility.valid_to.isoformat()} is not after valid_from"
            f" {facility.valid_from.isoformat()}: valid_to is the first moment that no longer counts",
        )
