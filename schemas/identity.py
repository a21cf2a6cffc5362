"""Keys and derived ids: the same thing gets the same id, whoever names it and however often."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from schemas.events import Direction

READING_NAMESPACE: Final = UUID("5b6c3f0e-8f5d-5c1b-9d7a-3a1a0f6c2e41")


def reading_id(source: str, facility: str, epoch: int, sequence: int) -> UUID:
    """Return the id of a reading: UUIDv5 of its identity, the parts on a line each.

    >>> reading_id("epa:mitchell-1", "us-wv-mitchell", 1, 42)
    UUID('7fed4532-5005-5eb5-a1ce-75f6748a04d2')
    """
    return uuid5(READING_NAMESPACE, f"{source}\n{facility}\n{epoch}\n{sequence}")


def series_key(facility: str, material: str, direction: Direction) -> bytes:
    """Return the record key of a series.

    >>> series_key("us-wv-mitchell", "fly-ash", Direction.SUPPLY)
    b'us-wv-mitchell|fly-ash|SUPPLY'
    """
    return f"{facility}|{material}|{direction}".encode()
