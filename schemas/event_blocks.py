"""Many values of one partition to events at once, for those who need events and no columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from schemas.avro_files import record_schemas
from schemas.block import BlockReaders, decode_batch
from schemas.codec import HEADER_BYTES, Codec, frame_header
from schemas.column_reader import read_events
from schemas.errors import DecodeError
from schemas.events import Event

FEWEST: Final = 64
"""Of fewer values a block costs more than their rows."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""A block takes five times the memory of its values."""

Read: TypeAlias = Event | DecodeError | None
"""What a value is: an event, why it is none, or a tombstone."""


class EventBlocks:
    """Decodes as `codec` does, at a sixth of its CPU where many values come together.

    Args:
        codec: knows the schema ids.
        draw_token: gives a random number of 63 bits for each block, which nobody who writes values can know.
    """

    __slots__ = ("_draw_token", "_earlier", "_readers", "codec")

    def __init__(self, codec: Codec, draw_token: Callable[[], int]) -> None:
        self.codec = codec
        self._readers = BlockReaders(codec)
        self._draw_token = draw_token
        self._earlier = {
            frame_header(schema_id)
            for schema_id, schema in codec.schemas.items()
            if schema.type != record_schemas()[schema.record].type
        }

    def decode(self, values: Sequence[bytes | None]) -> Iterator[Read]:
        """Yield what each value is, in order; a bad one never changes what its neighbours are.

        Few values and large ones are decoded one by one, as they are asked for.
        """
        if len(values) < FEWEST or sum(map(len, filter(None, values))) > MOST_BYTES:
            return map(self._alone, values)
        return iter(self._together(values))

    def _together(self, values: Sequence[bytes | None]) -> Iterable[Read]:
        found: list[Read] = [None] * len(values)
        block, earlier = values, self._rows_of_earlier(values)
        if earlier:
            block = list(values)
            for row in earlier:
                block[row] = None
        try:
            decoded = decode_batch(block, self._readers, self._draw_token())
            for group in decoded.groups:
                made = read_events(record_schemas()[group.record].type, group.frame)
                for row, event in zip(group.rows.tolist(), made, strict=True):
                    found[row] = event
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # a panic of polars is one; the row codec says what is wrong
            return map(self._alone, values)
        for bad in decoded.bad:
            found[bad.row] = bad.error
        for row in earlier:
            found[row] = self._alone(values[row])
        return found

    def _rows_of_earlier(self, values: Sequence[bytes | None]) -> list[int]:
        """Return which values have a schema that is not the present one: a block would make them anew by row first."""
        if not self._earlier:
            return []
        headers = (value and value[:HEADER_BYTES] for value in values)
        return [row for row, header in enumerate(headers) if header in self._earlier]

    def _alone(self, value: bytes | None) -> Read:
        if value is None:
            return None
        try:
            return self.codec.decode(value)
        except DecodeError as error:
            return error.with_traceback(None)  # it would keep this call's values
