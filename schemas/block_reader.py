"""One block of values of one record: its layout in bytes, and the reading that trusts none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Final

import numpy as np
import polars as pl

from schemas.avro_types import RecordType
from schemas.block_check import NotCanonicalError, check_bodies
from schemas.codec import HEADER_BYTES
from schemas.container import (
    SYNC_MARKER,
    Int64s,
    block_definition,
    container_header,
    varint,
    varint_sizes,
)

MOST_ROWS: Final = 1 << 15
# Five bytes of framing before each body, as two fields that need no parsing.
_FRAMING: Final = ({"name": "_zero", "type": "boolean"}, {"name": "_schema", "type": "float"})
_CHECKS: Final = ({"name": "_check", "type": "long"}, {"name": "_row", "type": "long"})


@cache
def _row_numbers() -> tuple[tuple[bytes, ...], Int64s]:
    """Return the row numbers of the longest block as Avro writes them, and how many bytes each takes."""
    return tuple(varint(row) for row in range(MOST_ROWS)), varint_sizes(np.arange(MOST_ROWS))


@dataclass(frozen=True, slots=True)
class Block:
    """Values laid out as a container that polars reads.

    Args:
        data: the container.
        starts: where each framed value starts in it, shape (rows,).
        lengths: bytes of each framed value, shape (rows,).
        token: the random number after each value.
    """

    data: bytes
    starts: Int64s
    lengths: Int64s
    token: int

    def schema_ids(self) -> Int64s:
        """Return the schema id of each value, -1 for what is not framed; shape (rows,)."""
        data = np.frombuffer(self.data, np.uint8)
        words = np.ndarray((len(self.data) - 3,), ">u4", self.data, 0, (1,))
        framed = (self.lengths >= HEADER_BYTES) & (data[self.starts] == 0)
        return np.where(framed, words[self.starts + 1], np.int64(-1))


class BlockReader:
    """Reads blocks of values that were written with one version of one record's schema."""

    def __init__(self, record: RecordType) -> None:
        self.record = record
        self._row_numbers, self._row_sizes = _row_numbers()
        self._header = container_header(block_definition(record, _FRAMING, _CHECKS))
        self._columns = [field.name for field in record.fields]
        self.empty = pl.read_avro(BytesIO(self._header))[self._columns]

    def lay_out(self, values: Sequence[bytes], token: int) -> Block:
        """Return the block of at most MOST_ROWS values."""
        count = len(values)
        check = varint(token)
        lengths = np.fromiter(map(len, values), np.int64, count)
        strides = lengths + (len(check) + self._row_sizes[:count])
        head = self._header + varint(count) + varint(int(strides.sum()))
        parts: list[bytes] = [check] * (3 * count + 2)
        parts[0] = head
        parts[1:-1:3] = values
        parts[3:-1:3] = self._row_numbers[:count]
        parts[-1] = SYNC_MARKER
        starts = np.cumsum(strides) - strides + len(head)
        return Block(b"".join(parts), starts, lengths, token)

    def read(self, block: Block) -> pl.DataFrame | None:
        """Return the rows, or None when any value is not the shortest encoding of one valid record."""
        try:
            frame = self.read_trusted(block)
            ends = check_bodies(frame, self.record, block.data, block.starts + HEADER_BYTES)
        except (KeyboardInterrupt, SystemExit):
            raise
        except (
            BaseException
        ):  # a panic of polars is a BaseException; the row codec says what is wrong
            return None
        return frame if np.array_equal(ends, block.starts + block.lengths) else None

    def read_trusted(self, block: Block) -> pl.DataFrame:
        """Return the rows of values that this product has encoded, with the check of rows and token alone.

        Raises:
            NotCanonicalError: a body does not end where its value ends.
        """
        frame = pl.read_avro(BytesIO(block.data))
        rows = len(block.starts)
        if (
            frame.height != rows
            or (frame["_check"].to_numpy() != block.token).any()
            or (frame["_row"].to_numpy() != np.arange(rows)).any()
        ):
            raise NotCanonicalError("a body does not end where its value ends")
        return frame[self._columns]
