"""Events as values: the codec of the market's tests, and positions as they are received."""

from __future__ import annotations

import json

from schemas.avro_files import parse_schema, record_schemas
from schemas.codec import HEADER_BYTES, Codec, frame_header
from schemas.event_blocks import EventBlocks
from schemas.events import Coordinates, Position
from schemas.versions import load_lock
from synergy.market import Received

_FIRST_POSITION = load_lock().definitions("synergy.positions.v1-synergy.v1.Position")[0]
_EARLIER_ID = 99
CODEC = Codec(
    {record: number for number, record in enumerate(sorted(record_schemas()), 1)},
    {_EARLIER_ID: parse_schema(json.dumps(_FIRST_POSITION))},
)
BLOCKS = EventBlocks(CODEC, lambda: 7)


def received(position: Position, at: Coordinates) -> Received:
    """A position as it comes from its topic."""
    return Received(position, at, CODEC.encode(position))


def by_earlier_release(position: Position) -> bytes:
    """The value of a position as it was written before there were means of properties."""
    assert not position.means
    return frame_header(_EARLIER_ID) + CODEC.encode(position)[HEADER_BYTES:-1]
