"""Conversions between events and what fastavro reads and writes when logical types are taken off.

Plain values are what an Avro reader without logical types sees: text for a UUID, microseconds since 1970 for a time,
two's complement bytes for a decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from operator import attrgetter, index
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from schemas import events
from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType
from schemas.errors import EncodeError

Converter: TypeAlias = Callable[[Any], Any]
Plain: TypeAlias = dict[str, Any]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
_INT_LIMIT: Final = 1 << 31
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)


def plain_definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Avro definition without its logical types."""
    return cast(dict[str, Any], _without_logical(definition))


def _without_logical(definition: object) -> object:
    if isinstance(definition, Mapping):
        entries = cast(Mapping[str, object], definition)
        left_out = {"logicalType", "precision", "scale"} if "logicalType" in entries else set[str]()
        return {
            key: value if key in ("default", "symbols") else _without_logical(value)
            for key, value in entries.items()
            if key not in left_out
        }
    if isinstance(definition, list):
        return [_without_logical(item) for item in cast(list[object], definition)]
    return definition


def to_plain(record: RecordType) -> Converter:
    """Return the function that makes the plain mapping of an event.

    It raises EncodeError with the field whose value the type can't hold.
    """
    names = tuple(field.name for field in record.fields)
    read = attrgetter(*names)
    special = _special(record, _to_plain_value)

    def convert(event: object) -> Plain:
        plain: Plain = dict(zip(names, read(event), strict=True))
        for name, converter in special:
            try:
                plain[name] = converter(plain[name])
            except EncodeError as error:
                field = f"{name}.{error.field}" if error.field else name
                raise EncodeError(record.name, field, error.message) from error
            except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
                raise EncodeError(record.name, name, str(error)) from error
        return plain

    return convert


def from_plain(record: RecordType) -> Converter:
    """Return the function that makes the event of a plain mapping, which it uses up.

    It raises LookupError, TypeError, ValueError or OverflowError for a value that is no event.
    """
    event: type[Any] = getattr(events, record.name)
    special = _special(record, _from_plain_value)

    def convert(plain: Plain) -> object:
        for name, converter in special:
            plain[name] = converter(plain[name])
        return event(**plain)

    return convert


def plain_value(kind: AvroType) -> Converter:
    """Return the function that makes the plain value of one field's value; it raises as `to_plain`'s does."""
    return _to_plain_value(kind) or _unchanged


def event_value(kind: AvroType) -> Converter:
    """Return the function that makes one field's value of its plain value; it raises as `from_plain`'s does."""
    return _from_plain_value(kind) or _unchanged


def _unchanged(value: object) -> object:
    return value


def _special(
    record: RecordType, converter_of: Callable[[AvroType], Converter | None]
) -> tuple[tuple[str, Converter], ...]:
    found = ((field.name, converter_of(field.type)) for field in record.fields)
    return tuple((name, converter) for name, converter in found if converter is not None)


def _to_plain_value(kind: AvroType) -> Converter | None:
    match kind:
        case RecordType():
            return to_plain(kind)
        case ArrayType(items):
            return _each(_to_plain_value(items), list)
        case Nullable(item):
            return _unless_none(_to_plain_value(item))
        case EnumType():
            return None
        case Primitive(kind="int"):
            return _int_value
        case Primitive(logical="uuid"):
            return _uuid_text
        case Primitive(logical="timestamp-micros"):
            return _microseconds
        case Primitive(logical="decimal"):
            return _decimal_bytes(kind)
        case Primitive(kind="long"):
            return index  # fastavro cuts the fraction of a float off
        case Primitive(kind="boolean"):
            return _boolean
        case Primitive():
            return None


def _from_plain_value(kind: AvroType) -> Converter | None:
    match kind:
        case RecordType():
            return from_plain(kind)
        case ArrayType(items):
            return _each(_from_plain_value(items), tuple)
        case Nullable(item):
            return _unless_none(_from_plain_value(item))
        case EnumType(name):
            return _members(getattr(events, name)).__getitem__
        case Primitive(kind="int"):
            return _int  # fastavro reads any long for it
        case Primitive(logical="uuid"):
            return _uuid
        case Primitive(logical="timestamp-micros"):
            return _time
        case Primitive(logical="decimal"):
            return _decimal(kind)
        case Primitive():
            return None


def _each(converter: Converter | None, collect: Callable[[Any], Any]) -> Converter:
    if converter is None:
        return collect
    return lambda values: collect([converter(value) for value in values])


def _unless_none(converter: Converter | None) -> Converter | None:
    if converter is None:
        return None
    return lambda value: None if value is None else converter(value)


def _members(enum: type[StrEnum]) -> dict[str, StrEnum]:
    return {member.value: member for member in enum}


def _int(value: int) -> int:
    if not -_INT_LIMIT <= value < _INT_LIMIT:
        raise ValueError(f"{value} does not fit in 32 bits")
    return value


def _int_value(value: int) -> int:
    return _int(index(value))


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, found {value!r}")
    return value


def _uuid_text(value: UUID) -> str:
    if not isinstance(value, UUID):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"expected a UUID, found {value!r}")
    return str(value)


def _uuid(text: str) -> UUID:
    found = UUID(text)
    if str(found) != text.lower():
        raise ValueError(f"{text!r} is no UUID in the form 8-4-4-4-12")
    return found


def _microseconds(value: datetime) -> int:
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone: use an aware datetime")
    return (value - EPOCH) // MICROSECOND


def _time(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def _decimal_bytes(kind: Primitive) -> Converter:
    quantum = Decimal(1).scaleb(-kind.scale)
    limit = 10**kind.precision

    def convert(value: Decimal) -> bytes:
        if not value.is_finite():
            raise ValueError(f"{value} is no amount")
        unscaled = int(_EXACT.scaleb(_EXACT.quantize(value, quantum), kind.scale))
        if abs(unscaled) >= limit:
            raise ValueError(f"{value} has more than {kind.precision} digits at scale {kind.scale}")
        return unscaled.to_bytes((unscaled.bit_length() + 8) >> 3, "big", signed=True)

    return convert


def _decimal(kind: Primitive) -> Converter:
    limit = 10**kind.precision

    def convert(content: bytes) -> Decimal:
        unscaled = int.from_bytes(content, "big", signed=True)
        if not content or abs(unscaled) >= limit:
            raise ValueError(f"{content!r} is no decimal of {kind.precision} digits")
        return Decimal(unscaled).scaleb(-kind.scale, _EXACT)

    return convert
