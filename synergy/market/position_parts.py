"""The changelog part of a position: what the market keeps beside it, then the event's value as it was received.

Little-endian without padding: a byte for the format version, partition (4 bytes) and offset (8) of the position,
quantity (8, unsigned) and firm part (8) at the last material change, the length of the topic's name (2), the name, and
the value to the end of the part.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias

from schemas.events import Coordinates, Position
from synergy.market.parts import UnreadablePart
from synergy.market.series import Held

VERSION: Final = 2
_VERSION_BYTE: Final = bytes([VERSION])
_BESIDE: Final = struct.Struct("<BiqQqH")
_AT_ONCE: Final = 1_000
"""Values that are decoded together: enough to be read by column, few enough for a block."""

Decode: TypeAlias = Callable[[Sequence[bytes]], Iterable[object]]
"""Gives for each value, in order, the event, or what says why it is none."""


def pack_position(held: Held, value: bytes) -> bytes:
    """Return the part of a position that was received as `value`."""
    at, name = held.at, held.at.topic.encode()
    quantity, firm = held.solved_quantity, held.solved_firm
    beside = _BESIDE.pack(VERSION, at.partition, at.offset, quantity, firm, len(name))
    return beside + name + value


def holds_value(part: bytes) -> bool:
    """Whether a part is one of `pack_position`; positions used to be JSON like every other part."""
    return part[:1] == _VERSION_BYTE


def unpack_positions(parts: Iterable[tuple[bytes, bytes]], decode: Decode) -> Iterator[Held]:
    """Yield what parts that hold a value say, in order.

    Raises:
        UnreadablePart: damaged, or the value is no position for `decode`, which may not know its schema id.
    """
    remaining = iter(parts)
    while some := list(islice(remaining, _AT_ONCE)):
        split = [_split(key, part) for key, part in some]
        events = decode([value for _, _, _, value in split])
        for (key, _), (at, quantity, firm, _), event in zip(some, split, events, strict=True):
            if not isinstance(event, Position):
                raise UnreadablePart(key, f"holds no position: {event}")
            yield Held(event, at, quantity, firm)


def _split(key: bytes, part: bytes) -> tuple[Coordinates, int, int, bytes]:
    """Return coordinates, quantity, firm part and value."""
    try:
        _, partition, offset, quantity, firm, length = _BESIDE.unpack_from(part)
        end = _BESIDE.size + length
        topic = part[_BESIDE.size : end].decode()
    except (struct.error, ValueError) as error:
        raise UnreadablePart(key, str(error)) from error
    return Coordinates(topic=topic, partition=partition, offset=offset), quantity, firm, part[end:]
