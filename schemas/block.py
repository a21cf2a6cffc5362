"""Checked block decoding: many values of one partition at once, by column, without trusting any of them.

Avro has no record length: in a block, one bad body shifts or forges its neighbours. So every value is followed by two
fields that only the reader of the block knows, a random number and the row; and the decoded columns are measured
against the bytes (`schemas.columns`). From a block that does not hold, the values that do not fit their schema are set
aside, and the rest is halved until the rows that spoil it stand alone; those are judged by the row codec, and only they
are bad. (Halving alone finds them too, at the price of a panic of polars, with its lines in the log, at each step.)

    block:  value 0 | token | 0 | value 1 | token | 1 | ...

This module is pure: the token comes from the caller (gate: import-linter bans `random` and `os`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.avro_files import record_schemas
from schemas.block_reader import MOST_ROWS, Block, BlockReader
from schemas.codec import HEADER_BYTES, Codec
from schemas.container import Int64s
from schemas.errors import DecodeError, DefinitionError

_ALONE: Final = 32


@dataclass(frozen=True, slots=True)
class BadRow:
    """A value that is no event. `row` is its index among the values."""

    row: int
    error: DecodeError


@dataclass(frozen=True, slots=True)
class Group:
    """The good values of one record, in the order of the batch, whatever schema ids they were written with.

    Args:
        record: record name; `frame` has the columns of its current schema, whatever version was written.
        rows: index of each value in the batch, ascending, shape (n,).
        values: the framed values in the shortest encoding, equal to the batch's except where a producer padded.
        frame: n rows; an enum is the index of its symbol (Int32), a time is UTC microseconds, a UUID is text.
    """

    record: str
    rows: Int64s
    values: Sequence[bytes]
    frame: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Decoded:
    """Every value of a batch, once: in a group, bad, or a tombstone (a value that is None)."""

    groups: tuple[Group, ...]
    bad: tuple[BadRow, ...]
    tombstones: Int64s


class BlockReaders:
    """What decoding of blocks needs of a codec's schemas, prepared once.

    Args:
        codec: knows the schema ids, at least one; also judges the rows of a block that does not hold.

    Raises:
        DefinitionError: the codec knows no schema id.
    """

    __slots__ = ("_by_id", "_by_record", "codec")

    def __init__(self, codec: Codec) -> None:
        if not codec.schemas:
            raise DefinitionError("the codec knows no schema id")
        current = record_schemas()
        records = {schema.record for schema in codec.schemas.values()}
        self.codec = codec
        self._by_record = {record: BlockReader(current[record].type) for record in records}
        self._by_id = {
            schema_id: self._by_record[schema.record] for schema_id, schema in codec.schemas.items()
        }

    def empty_frame(self, record: str) -> pl.DataFrame:
        """Return the frame of no rows of a record: its column names and types."""
        return self._by_record[record].empty

    def reader(self, schema_id: int) -> BlockReader:
        """Return the reader of the record that the id belongs to; any reader when the id is not known."""
        return self._by_id.get(schema_id) or next(iter(self._by_id.values()))


def decode_batch(values: Sequence[bytes | None], readers: BlockReaders, token: int) -> Decoded:
    """Decode the values of one partition's batch; a bad value never changes what its neighbours decode to.

    Args:
        values: framed values in offset order; None is a tombstone.
        readers: made once with `BlockReaders(codec)`.
        token: random, 0 <= token < 2**63, drawn for this batch and told to nobody.

    Raises:
        ValueError: the token is out of range.
    """
    if not 0 <= token < 1 << 63:
        raise ValueError("the token is a random number of 63 bits")
    members = _present(values)
    decoding = _Decoding(readers, token)
    for start in range(0, len(members.values), MOST_ROWS):
        decoding.take(members.part(start, start + MOST_ROWS))
    return Decoded(
        tuple(kept.group() for kept in decoding.kept.values() if kept.frames),
        tuple(sorted(decoding.bad, key=lambda entry: entry.row)),
        np.delete(np.arange(len(values)), members.rows),
    )


@dataclass(frozen=True, slots=True)
class _Members:
    """Some of the values, with their rows in the batch."""

    rows: Int64s
    values: Sequence[bytes]

    def part(self, start: int, stop: int) -> _Members:
        return _Members(self.rows[start:stop], self.values[start:stop])

    def where(self, mask: npt.NDArray[np.bool_]) -> _Members:
        return _Members(self.rows[mask], list(compress(self.values, mask.tolist())))


def _present(values: Sequence[bytes | None]) -> _Members:
    rows = np.arange(len(values))
    if None not in values:
        return _Members(rows, cast(Sequence[bytes], values))
    kept = [value for value in values if value is not None]
    return _Members(rows[[value is not None for value in values]], kept)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The good rows of one record so far, in parts: producers may write it with different schema ids."""

    record: str
    members: list[_Members] = field(default_factory=list[_Members])
    frames: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])

    def group(self) -> Group:
        if len(self.members) == 1:
            [part] = self.members
            return Group(self.record, part.rows, part.values, self.frames[0])
        rows = np.concatenate([part.rows for part in self.members])
        values: list[bytes] = [value for part in self.members for value in part.values]
        frame = pl.concat(self.frames)
        if (np.diff(rows) > 0).all():  # a long batch of one schema id
            return Group(self.record, rows, values, frame)
        order: list[int] = np.argsort(rows).tolist()
        return Group(self.record, rows[order], [values[at] for at in order], frame[order])


class _Decoding:
    """The values of one batch on their way: each is kept or bad."""

    def __init__(self, readers: BlockReaders, token: int) -> None:
        self._readers = readers
        self._codec = readers.codec
        self._token = token
        self.kept: dict[str, _Kept] = {}
        self.bad: list[BadRow] = []

    def take(self, members: _Members) -> None:
        """Decode at most MOST_ROWS values; usually they are of one schema id and need no sorting."""
        first = int.from_bytes(members.values[0][1:HEADER_BYTES], "big")
        block = self._readers.reader(first).lay_out(members.values, self._token)
        ids = block.schema_ids()
        if first in self._codec.schemas and (ids == first).all():
            self._take_block(first, members, block)
            return
        for found in np.unique(ids).tolist():
            if found in self._codec.schemas:
                self._take_id(found, members.where(ids == found))
        self._take_unreadable(members.where(np.isin(ids, list(self._codec.schemas), invert=True)))

    def _take_id(self, schema_id: int, members: _Members) -> None:
        block = self._readers.reader(schema_id).lay_out(members.values, self._token)
        self._take_block(schema_id, members, block)

    def _take_block(self, schema_id: int, members: _Members, block: Block) -> None:
        """Keep the rows of a block that holds; take one apart that does not, down to the rows that spoil it."""
        reader = self._readers.reader(schema_id)
        if self._codec.schemas[schema_id].type != reader.record:
            self._take_alone(schema_id, members)
            return
        frame = reader.read(block)
        if frame is not None:
            self._keep(schema_id, members, frame)
        elif len(members.values) <= _ALONE:
            self._take_alone(schema_id, members)
        else:
            self._take_apart(schema_id, members)

    def _take_apart(self, schema_id: int, members: _Members) -> None:
        """Set aside what does not even fit its schema; where all of it fits, halve."""
        fitting = np.fromiter(map(self._codec.fits, members.values), np.bool_)
        size = len(fitting)
        if fitting.all():
            self._take_id(schema_id, members.part(0, size // 2))
            self._take_id(schema_id, members.part(size // 2, size))
            return
        self._take_alone(schema_id, members.where(~fitting))
        if fitting.any():
            self._take_id(schema_id, members.where(fitting))

    def _take_alone(self, schema_id: int, members: _Members) -> None:
        """Judge each value by the row codec, then read what is good, in the current schema, as a block."""
        rows: list[int] = []
        written: list[bytes] = []
        current: list[bytes] = []
        for row, value in zip(members.rows.tolist(), members.values, strict=True):
            try:
                shortest = self._codec.canonical(value)
                current.append(self._codec.encode(self._codec.decode(shortest)))
            except DecodeError as error:
                self.bad.append(BadRow(row, error.with_traceback(None)))
                continue
            rows.append(row)
            written.append(shortest)
        reader = self._readers.reader(schema_id)
        if rows:
            frame = reader.read_trusted(reader.lay_out(current, self._token))
            self._keep(schema_id, _Members(np.array(rows), written), frame)

    def _take_unreadable(self, members: _Members) -> None:
        for row, value in zip(members.rows.tolist(), members.values, strict=True):
            try:
                self._codec.record_name(value)
            except DecodeError as error:
                self.bad.append(BadRow(row, error.with_traceback(None)))

    def _keep(self, schema_id: int, members: _Members, frame: pl.DataFrame) -> None:
        record = self._codec.schemas[schema_id].record
        kept = self.kept.setdefault(record, _Kept(record))
        kept.members.append(members)
        kept.frames.append(frame)
