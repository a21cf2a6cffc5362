"""Hypothesis strategies for events of any record, made from its schema."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from hypothesis import strategies as st

from schemas import events
from schemas.avro_files import record_schemas
from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType
from schemas.conversion import EPOCH, MICROSECOND
from schemas.events import Event

TEXTS = st.text(st.characters(codec="utf-8"), max_size=70)
LONGS = st.integers(-(2**63), 2**63 - 1) | st.integers(-100, 100)
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(fold=0))
PRIMITIVES: dict[str, st.SearchStrategy[object]] = {
    "uuid": st.uuids(),
    "timestamp-micros": TIMES,
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": LONGS,
    "double": st.floats(),
    "string": TEXTS,
    "bytes": st.binary(max_size=70),
}


def events_of(record: str) -> st.SearchStrategy[Event]:
    """Return any event that the schema of the record allows."""
    return cast("st.SearchStrategy[Event]", _values(record_schemas()[record].type))


def _values(kind: AvroType) -> st.SearchStrategy[object]:
    match kind:
        case RecordType(name, _, fields):
            made = {field.name: _values(field.type) for field in fields}
            return st.builds(getattr(events, name), **made)
        case ArrayType(items):
            return st.lists(_values(items), max_size=3).map(tuple)
        case Nullable(item):
            return st.none() | _values(item)
        case EnumType(name):
            return st.sampled_from(list(cast("type[StrEnum]", getattr(events, name))))
        case Primitive(logical="decimal"):
            limit = 10**kind.precision - 1
            return st.integers(-limit, limit).map(lambda n: Decimal(n).scaleb(-kind.scale))
        case Primitive():
            return PRIMITIVES[kind.logical or kind.kind]


def event_of_row(kind: AvroType, value: Any) -> object:
    """Return the event, or part of it, that a row of a decoded frame stands for."""
    match kind:
        case RecordType(name, _, fields):
            cells = {field.name: event_of_row(field.type, value[field.name]) for field in fields}
            return cast(object, getattr(events, name)(**cells))
        case ArrayType(items):
            return tuple(event_of_row(items, item) for item in value)
        case Nullable(item):
            return None if value is None else event_of_row(item, value)
        case EnumType(name):
            members: list[StrEnum] = list(cast("type[StrEnum]", getattr(events, name)))
            return members[int(value)]
        case Primitive(logical="uuid"):
            return UUID(value)
        case Primitive(logical="timestamp-micros"):
            assert isinstance(value, datetime)
            return EPOCH + (value - EPOCH) // MICROSECOND * MICROSECOND
        case Primitive():
            return value
