"""The changelog parts of the market's state: typed values to bytes and back.

The first byte is the format version; the rest is compact JSON of named fields, but for positions (`position_parts`).
A field that a part does not have takes its default, so that a newer state reads older parts. Times are microseconds
since 1970 in UTC, money and other decimals are strings, ids are hexadecimal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints
from uuid import UUID

VERSION: Final = 1
_VERSION_BYTE: Final = bytes([VERSION])
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
"""One for all parts: `json.dumps` makes one for each call that wants anything but its own separators."""

Value = TypeVar("Value")
# Annotations, what JSON holds and the events themselves are only known at run time here.
Plain = Any
Convert = Callable[[Plain], Plain]


class UnreadablePart(Exception):  # noqa: N818 - named after what it is
    """A changelog part can't be read: another version, or damaged.

    Attributes:
        key: key of the part.
        problem: what is wrong.
    """

    def __init__(self, key: bytes, problem: str) -> None:
        super().__init__(f"changelog part {key!r}: {problem}")
        self.key = key
        self.problem = problem


def _same(value: Plain) -> Plain:
    return value


def _to_micros(value: datetime) -> int:
    return (value - EPOCH) // MICROSECOND


def _from_micros(value: int) -> datetime:
    return EPOCH + value * MICROSECOND


def _scalar(kind: type) -> tuple[Convert, Convert]:
    if kind is datetime:
        return _to_micros, _from_micros
    if kind is Decimal:
        return str, Decimal
    if kind is UUID:
        return (lambda value: cast("UUID", value).hex), UUID
    if kind is float or issubclass(kind, StrEnum):
        return _same, kind
    return _same, _same


@cache
def _converters(kind: Hashable) -> tuple[Convert, Convert]:
    """Return the encoder and decoder of a type annotation."""
    origin: object = get_origin(kind)
    arguments: tuple[Hashable, ...] = get_args(kind)
    if origin is UnionType:
        encode, decode = _converters(arguments[0])
        return (
            _same if encode is _same else lambda value: None if value is None else encode(value),
            lambda value: None if value is None else decode(value),
        )
    if origin is tuple:
        encode, decode = _converters(arguments[0])
        return (
            _same if encode is _same else lambda values: [encode(value) for value in values],
            lambda values: tuple(decode(value) for value in values),
        )
    if is_dataclass(kind):
        return _record(cast("type[Any]", kind))
    return _scalar(cast("type", kind))


def _record(kind: type[Any]) -> tuple[Convert, Convert]:
    hints = get_type_hints(kind)
    columns = [(item.name, *_converters(hints[item.name])) for item in fields(kind)]
    names = [name for name, _, _ in columns]
    read = attrgetter(*names, names[0])  # at least two names, so that it always gives a tuple
    special = [(name, convert) for name, convert, _ in columns if convert is not _same]
    required = {
        item.name
        for item in fields(kind)
        if item.default is MISSING and item.default_factory is MISSING
    }

    def encode(value: Plain) -> dict[str, Plain]:
        plain = dict(zip(names, read(value), strict=False))
        for name, convert in special:
            plain[name] = convert(plain[name])
        return plain

    def decode(record: Mapping[str, Plain]) -> Plain:
        missing = required - record.keys()
        if missing:
            msg = f"no {', '.join(sorted(missing))}"
            raise ValueError(msg)
        return kind(
            **{name: convert(record[name]) for name, _, convert in columns if name in record}
        )

    return encode, decode


def pack(value: object) -> bytes:
    r"""Return a dataclass as a part.

    >>> from schemas.events import Coordinates
    >>> pack(Coordinates(topic="t", partition=0, offset=7))
    b'\x01{"topic":"t","partition":0,"offset":7}'
    """
    encode, _ = _converters(cast("Hashable", type(value)))
    return _VERSION_BYTE + _COMPACT.encode(encode(value)).encode()


def unpack(kind: type[Value], key: bytes, part: bytes) -> Value:
    """Return the dataclass of a part.

    Raises:
        UnreadablePart: another format version, or damaged.
    """
    if part[:1] != _VERSION_BYTE:
        raise UnreadablePart(key, f"format version {part[:1].hex()}, this is {VERSION:02x}")
    _, decode = _converters(cast("Hashable", kind))
    try:
        return cast("Value", decode(json.loads(part[1:])))
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise UnreadablePart(key, str(error)) from error
