"""Walks the bodies of a block, all rows in step: are the bytes the shortest encoding of valid values?

polars is lenient in what it decodes: any union index but zero counts as the second branch, surplus bits of a number are
dropped, a text need not be a UUID. A reader that is not (ClickHouse) would lose its place at such a byte and forge the
rows behind it. The walk knows where each field starts, looks at every byte that the decoded values don't show, and
checks that every number ends where its shortest encoding would. So its place is exact at each step, and a padded
number can't hide.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType
from schemas.body import FIRST_MICROSECOND, LAST_MICROSECOND
from schemas.container import Int64s, size_steps, varint_sizes
from schemas.errors import SchemaError

Bytes: TypeAlias = npt.NDArray[np.uint8]

_DECIMAL_STEPS: Final = tuple(1 << (8 * count - 1) for count in range(1, 8))
# The last byte of a number that takes all the bytes of its type: 4 of 32 bits, 1 of 64.
_INT_LONGEST: Final = (5, 0x0F)
_LONG_LONGEST: Final = (10, 0x01)
_CONTINUED: Final = 0x80
_MOST_ITEMS: Final = 64
_MOST_SYMBOLS: Final = 64
_UUID_CHARACTERS: Final = 36
_UUID_SHAPE: Final = b"hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh"
# Hexadecimal digits become h, dashes stay, everything else becomes a space.
_UUID_CLASSES: Final = bytes(
    ord("h") if chr(byte) in "0123456789abcdefABCDEF" else byte if byte == ord("-") else ord(" ")
    for byte in range(256)
)


class NotCanonicalError(SchemaError):
    """Some row is not the shortest encoding of valid values, or is longer than the walk goes."""


def check_bodies(frame: pl.DataFrame, record: RecordType, block: bytes, starts: Int64s) -> Int64s:
    """Check the bodies of a block and return where each ends, shape (rows,).

    Args:
        frame: the decoded rows; enums as the index of their symbol.
        record: the schema of the bodies.
        block: the bytes that hold them, with at least 36 more behind the last.
        starts: where each body starts, shape (rows,).

    Raises:
        NotCanonicalError: some row is not the shortest encoding of valid values.
    """
    walk = _Walk(block)
    for field in record.fields:
        starts = walk.step(frame[field.name], field.type, starts)
    return starts


class _Walk:
    """One walk: `at` is where each row's next value starts, and each step returns where it ends."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._data: Bytes = np.frombuffer(block, np.uint8)

    def step(self, column: pl.Series, kind: AvroType, at: Int64s) -> Int64s:
        match kind:
            case Primitive():
                return self._primitive(column, kind, at)
            case EnumType(_, symbols):
                return self._enum(len(symbols), at)
            case Nullable(item):
                return self._nullable(column, item, at)
            case ArrayType(items):
                return self._array(column, items, at)
            case RecordType(_, _, fields):
                for field in fields:
                    at = self.step(column.struct.field(field.name), field.type, at)
                return at

    def _primitive(self, column: pl.Series, kind: Primitive, at: Int64s) -> Int64s:
        match kind.kind:
            case "boolean":
                _require(self._data[at] <= 1, "a boolean")
                return at + 1
            case "double":
                return at + 8
            case "int":
                return self._number(column.to_numpy().astype(np.int64), _INT_LONGEST, at)
            case "long":
                values = column.to_numpy().view(np.int64)
                if kind.logical and len(values):
                    _require_all(values.min() >= FIRST_MICROSECOND, "a time")
                    _require_all(values.max() <= LAST_MICROSECOND, "a time")
                return self._number(values, _LONG_LONGEST, at)
            case "string":
                if kind.logical:
                    return self._uuid(at)
                return self._sized(column, at)
            case "bytes":
                if kind.logical:
                    return self._decimal(column, kind, at)
                return self._sized(column, at)

    def _number(self, values: Int64s, longest: tuple[int, int], at: Int64s) -> Int64s:
        sizes = varint_sizes(values)
        end = at + sizes
        most_bytes, last_byte = longest
        last = self._data[end - 1]
        _require(last < np.where(sizes == most_bytes, last_byte + 1, _CONTINUED), "a number")
        return end

    def _enum(self, symbols: int, at: Int64s) -> Int64s:
        if symbols > _MOST_SYMBOLS:
            raise NotCanonicalError("an enum of more than 64 symbols")
        index = self._data[at]
        _require((index <= 2 * (symbols - 1)) & (index & 1 == 0), "an enum index")
        return at + 1

    def _sized(self, column: pl.Series, at: Int64s) -> Int64s:
        head = self._data[at]
        if head.max(initial=0) < _CONTINUED:
            _require(head & 1 == 0, "a length")
            return at + 1 + (head >> 1)
        lengths = column.str.len_bytes() if column.dtype == pl.String else column.bin.size()
        counts: Int64s = lengths.cast(pl.Int64).to_numpy()
        return self._number(counts, _LONG_LONGEST, at) + counts

    def _uuid(self, at: Int64s) -> Int64s:
        _require(self._data[at] == 2 * _UUID_CHARACTERS, "a UUID")
        windows = len(self._block) - _UUID_CHARACTERS + 1
        texts = np.ndarray((windows,), f"V{_UUID_CHARACTERS}", self._block, 0, (1,))[at + 1]
        _require_all(texts.tobytes().translate(_UUID_CLASSES) == _UUID_SHAPE * len(at), "a UUID")
        return at + 1 + _UUID_CHARACTERS

    def _decimal(self, column: pl.Series, kind: Primitive, at: Int64s) -> Int64s:
        magnitudes = np.abs(column.to_physical().cast(pl.Int64).to_numpy())
        _require(magnitudes < 10**kind.precision, "a decimal")
        sizes = size_steps(magnitudes.astype(np.uint64), _DECIMAL_STEPS)
        _require(self._data[at] == 2 * sizes, "a decimal")
        return at + sizes + 1

    def _nullable(self, column: pl.Series, item: AvroType, at: Int64s) -> Int64s:
        branch = self._data[at]
        present = branch == 2
        count = int(np.count_nonzero(present))
        _require_all(count + np.count_nonzero(branch == 0) == len(branch), "a union index")
        if count == 0:
            return at + 1
        if count == len(branch):
            return self.step(column, item, at + 1)
        end = at + 1
        end[present] = self.step(column.drop_nulls(), item, end[present])
        return end

    def _array(self, column: pl.Series, items: AvroType, at: Int64s) -> Int64s:
        head = self._data[at]
        most = int(head.max(initial=0)) >> 1
        if most == 0:
            _require(head == 0, "a count")
            return at + 1
        _require((head <= 2 * _MOST_ITEMS) & (head & 1 == 0), "a count")
        end = at + 1
        for index in range(most):
            held = head > 2 * index
            item = column.filter(pl.Series(held)).list.get(index)
            end[held] = self.step(item, items, end[held])
        filled = head > 0
        _require(self._data[end[filled]] == 0, "an array's end")
        return np.where(filled, end + 1, end)


def _require(holds: npt.NDArray[np.bool_], what: str) -> None:
    _require_all(bool(holds.all()), what)


def _require_all(holds: bool | np.bool_, what: str) -> None:
    if not holds:
        raise NotCanonicalError(f"{what} is not written in the shortest valid form")
