"""Events as JSON that people read: ISO 8601 times in UTC, amounts as text, bytes as base64, symbols by name.

For examples, exports and screens; what goes through Kafka is Avro (`schemas.codec`).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from schemas import events
from schemas.avro_files import record_schemas
from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType
from schemas.conversion import EPOCH
from schemas.errors import SchemaError
from schemas.events import Event


class JsonFormError(SchemaError):
    """JSON is no event; `path` is where, `message` says why."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as JSON values, every field by name in the order of the schema."""
    kind = record_schemas()[type(event).__name__].type
    return cast("dict[str, Any]", _to_json(kind, event))


def from_json(record: str, content: Mapping[str, Any]) -> Event:
    """Return the event of a record that `to_json` gives; fields with a default may be left out.

    Raises:
        JsonFormError: a field is missing, unknown or of the wrong form.
    """
    return cast(Event, _from_json(record_schemas()[record].type, content, record))


def _to_json(kind: AvroType, value: Any) -> object:  # noqa: ANN401 any value that an event holds
    match kind:
        case RecordType(fields=fields):
            return {
                field.name: _to_json(field.type, getattr(value, field.name)) for field in fields
            }
        case ArrayType(items):
            return [_to_json(items, item) for item in value]
        case Nullable(item):
            return None if value is None else _to_json(item, value)
        case EnumType():
            return str(value)
        case Primitive(logical="timestamp-micros"):
            return cast(datetime, value).astimezone(EPOCH.tzinfo).isoformat().replace("+00:00", "Z")
        case Primitive(kind="bytes", logical=None):
            return b64encode(value).decode()
        case Primitive(logical="uuid" | "decimal"):
            return str(value)
        case Primitive():
            return value


def _from_json(kind: AvroType, value: Any, path: str) -> object:  # noqa: ANN401 any JSON value
    try:
        match kind:
            case RecordType():
                return _record(kind, value, path)
            case ArrayType(items):
                entries = enumerate(_list(value))
                return tuple(_from_json(items, item, f"{path}[{at}]") for at, item in entries)
            case Nullable(item):
                return None if value is None else _from_json(item, value, path)
            case EnumType(name):
                return cast("type[StrEnum]", getattr(events, name))(value)
            case Primitive():
                return _primitive(kind, value)
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise JsonFormError(path, f"{value!r} is wrong: {error}") from error


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("expected a list")
    return value  # pyright: ignore[reportUnknownVariableType]


def _record(kind: RecordType, value: Mapping[str, Any], path: str) -> object:
    known = {field.name: field for field in kind.fields}
    if unknown := sorted(set(value) - known.keys()):
        raise JsonFormError(path, f"unknown fields {unknown}")
    required = {name for name, field in known.items() if not field.has_default}
    if missing := sorted(required - set(value)):
        raise JsonFormError(path, f"missing fields {missing}")
    cells = {
        name: _from_json(known[name].type, cell, f"{path}.{name}") for name, cell in value.items()
    }
    return cast(object, getattr(events, kind.name)(**cells))


def _primitive(kind: Primitive, value: Any) -> object:  # noqa: ANN401 any JSON value
    match kind:
        case Primitive(logical="uuid"):
            return UUID(value)
        case Primitive(logical="decimal"):
            return Decimal(value).quantize(Decimal(1).scaleb(-kind.scale))
        case Primitive(logical="timestamp-micros"):
            found = datetime.fromisoformat(value)
            if found.utcoffset() != timedelta(0):
                raise ValueError("write the time in UTC, with Z")
            return found
        case Primitive(kind="bytes"):
            return b64decode(value, validate=True)
        case Primitive(kind="double") if type(value) in (int, float):
            return float(value)
        case Primitive(kind="int" | "long") if type(value) is int:
            return value
        case Primitive(kind="boolean") if type(value) is bool:
            return value
        case Primitive(kind="string") if type(value) is str:
            return value
        case _:
            raise TypeError(f"expected {kind.kind}")
