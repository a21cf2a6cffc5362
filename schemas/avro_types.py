"""The part of Avro that the product's schemas use, as a typed tree.

Unions are `["null", X]` only, and maps and fixed are not used: what the tree can't hold is refused when a schema is
loaded, so that the code that walks bodies and columns has no unknown case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast

from schemas.errors import DefinitionError

PrimitiveKind = Literal["boolean", "int", "long", "double", "string", "bytes"]
LogicalKind = Literal["uuid", "timestamp-micros", "decimal"]
PRIMITIVE_KINDS: Final = frozenset({"boolean", "int", "long", "double", "string", "bytes"})
LOGICAL_KINDS: Final = {"uuid": "string", "timestamp-micros": "long", "decimal": "bytes"}


@dataclass(frozen=True, slots=True)
class Primitive:
    """A primitive type, with its logical type if it has one."""

    kind: PrimitiveKind
    logical: LogicalKind | None = None
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum; the position of a symbol is what is written."""

    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array."""

    items: AvroType


@dataclass(frozen=True, slots=True)
class Nullable:
    """The union of null, which comes first, and one other type."""

    item: AvroType


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. `default` is the JSON value of the schema file; only read when `has_default`."""

    name: str
    type: AvroType
    doc: str
    has_default: bool = False
    default: object = None


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record; `name` is without the namespace."""

    name: str
    doc: str
    fields: tuple[Field, ...]


AvroType: TypeAlias = Primitive | EnumType | ArrayType | Nullable | RecordType
Json: TypeAlias = Mapping[str, Any]


def parse_record(definition: Json) -> RecordType:
    """Return the typed tree of a record definition as it is in an `.avsc` file.

    Raises:
        DefinitionError: the schema uses something that the product does not.
    """
    found = _parse(definition, {})
    if not isinstance(found, RecordType):
        raise DefinitionError(f"expected a record, found {definition.get('type')!r}")
    return found


def short_name(name: str) -> str:
    """Return an Avro name without its namespace.

    >>> short_name("synergy.v1.Availability")
    'Availability'
    """
    return name.rpartition(".")[2]


def _parse(definition: object, named: dict[str, AvroType]) -> AvroType:
    if isinstance(definition, str):
        if definition in PRIMITIVE_KINDS:
            return Primitive(cast(PrimitiveKind, definition))
        if short_name(definition) in named:
            return named[short_name(definition)]
        raise DefinitionError(f"unknown type {definition!r}")
    if isinstance(definition, Sequence):
        branches = cast(Sequence[object], definition)
        if len(branches) != 2 or branches[0] != "null":
            raise DefinitionError(f"only unions of null and one type are used, found {branches!r}")
        return Nullable(_parse(branches[1], named))
    if isinstance(definition, Mapping):
        return _parse_object(cast(Json, definition), named)
    raise DefinitionError(f"unknown type {definition!r}")


def _parse_object(definition: Json, named: dict[str, AvroType]) -> AvroType:
    kind = definition["type"]
    if kind == "array":
        return ArrayType(_parse(definition["items"], named))
    if kind == "enum":
        enum = EnumType(short_name(definition["name"]), tuple(definition["symbols"]))
        named[enum.name] = enum
        return enum
    if kind == "record":
        record = RecordType(
            short_name(definition["name"]),
            definition.get("doc", ""),
            tuple(_parse_field(field, named) for field in definition["fields"]),
        )
        named[record.name] = record
        return record
    logical = definition.get("logicalType")
    if logical is None:
        return _parse(kind, named)
    if LOGICAL_KINDS.get(logical) != kind:
        raise DefinitionError(f"logical type {logical!r} on {kind!r} is not used")
    return Primitive(
        cast(PrimitiveKind, kind),
        logical,
        definition.get("precision", 0),
        definition.get("scale", 0),
    )


def _parse_field(definition: Json, named: dict[str, AvroType]) -> Field:
    return Field(
        definition["name"],
        _parse(definition["type"], named),
        definition.get("doc", ""),
        "default" in definition,
        definition.get("default"),
    )
