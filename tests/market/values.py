"""Events as values: the codec of the market's tests, and positions as they are received."""

from __future__ import annotations

from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.event_blocks import EventBlocks
from schemas.events import Coordinates, Position
from synergy.market import Received

CODEC = Codec({record: number for number, record in enumerate(sorted(record_schemas()), 1)})
BLOCKS = EventBlocks(CODEC, lambda: 7)


def received(position: Position, at: Coordinates) -> Received:
    """A position as it comes from its topic."""
    return Received(position, at, CODEC.encode(position))
