"""Schema files, event classes and examples agree with each other."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from types import GenericAlias
from typing import Any, cast, get_args, get_type_hints
from uuid import UUID

import pytest

from schemas import events
from schemas.avro_files import RecordSchema, record_schemas
from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType
from schemas.codec import Codec
from schemas.events import Event
from schemas.json_form import JsonFormError, from_json, to_json

FILES = {
    entry.name.removesuffix(".avsc"): record
    for record in record_schemas()
    for entry in (files("schemas") / "avro").iterdir()
    if json.loads(entry.read_text(encoding="utf-8"))["name"] == record
}
EXAMPLES = {
    entry.name.removesuffix(".json"): json.loads(entry.read_text(encoding="utf-8"))
    for entry in (files("schemas") / "examples").iterdir()
}
PYTHON_TYPES: dict[str, object] = {
    "uuid": UUID,
    "timestamp-micros": datetime,
    "decimal": Decimal,
    "boolean": bool,
    "int": int,
    "long": int,
    "double": float,
    "string": str,
    "bytes": bytes,
}


def python_type(kind: AvroType) -> object:
    """Return the annotation that an event has for an Avro type."""
    match kind:
        case Nullable(item):
            return cast(Any, python_type(item)) | None
        case ArrayType(items):
            return GenericAlias(tuple, (python_type(items), ...))
        case EnumType(name) | RecordType(name=name):
            return getattr(events, name)
        case Primitive():
            return PYTHON_TYPES[kind.logical or kind.kind]


def types_in(kind: AvroType) -> list[AvroType]:
    """Return the type and everything in it."""
    match kind:
        case RecordType(fields=fields):
            return [kind, *(inner for field in fields for inner in types_in(field.type))]
        case ArrayType(inner) | Nullable(inner):
            return [kind, *types_in(inner)]
        case _:
            return [kind]


ALL_TYPES = [found for schema in record_schemas().values() for found in types_in(schema.type)]
ALL_RECORDS = [found for found in ALL_TYPES if isinstance(found, RecordType)]
ALL_ENUMS = [found for found in ALL_TYPES if isinstance(found, EnumType)]


@pytest.mark.parametrize("record", ALL_RECORDS, ids=lambda record: record.name)
def test_an_event_has_the_fields_of_its_schema_in_order_and_type(record: RecordType) -> None:
    event = getattr(events, record.name)
    hints = get_type_hints(event)
    expected = {field.name: python_type(field.type) for field in record.fields}
    assert list(expected) == [field.name for field in dataclasses.fields(event)]
    assert {name: hints[name] for name in expected} == expected


@pytest.mark.parametrize("record", ALL_RECORDS, ids=lambda record: record.name)
def test_an_event_has_the_defaults_of_its_schema(record: RecordType) -> None:
    event = getattr(events, record.name)
    found = {
        field.name: field.default
        for field in dataclasses.fields(event)
        if field.default is not dataclasses.MISSING
    }
    expected = {
        field.name: () if field.default == [] else field.default
        for field in record.fields
        if field.has_default
    }
    assert found == expected


@pytest.mark.parametrize("enum", ALL_ENUMS, ids=lambda enum: enum.name)
def test_an_enum_has_the_symbols_of_its_schema_in_order(enum: EnumType) -> None:
    members = cast("type[StrEnum]", getattr(events, enum.name))
    assert tuple(members) == enum.symbols


def test_a_type_that_several_schemas_use_is_the_same_in_all() -> None:
    shared: list[RecordType | EnumType] = [*ALL_RECORDS, *ALL_ENUMS]
    first = {found.name: found for found in reversed(shared)}
    assert len(shared) > len(first)
    assert [found.name for found in shared if found != first[found.name]] == []


def test_every_record_and_field_is_documented() -> None:
    for record in ALL_RECORDS:
        assert record.doc, record.name
        for field in record.fields:
            assert field.doc.endswith("."), f"{record.name}.{field.name}"


def test_every_event_class_has_a_schema_and_every_enum_is_used() -> None:
    assert {event.__name__ for event in get_args(Event)} == set(record_schemas())
    enums = {
        name
        for name, found in vars(events).items()
        if isinstance(found, type) and issubclass(found, StrEnum) and found is not StrEnum
    }
    assert enums == {enum.name for enum in ALL_ENUMS}


def test_a_union_starts_with_null_so_that_its_default_can_be_null() -> None:
    for record in ALL_RECORDS:
        for field in record.fields:
            if isinstance(field.type, Nullable):
                assert field.has_default, f"{record.name}.{field.name}"
                assert field.default is None, f"{record.name}.{field.name}"


def test_every_schema_has_an_example_and_every_example_a_schema() -> None:
    assert set(EXAMPLES) == {f"{file}.v1" for file in FILES}


@pytest.mark.parametrize("file", FILES)
def test_an_example_is_an_event_and_survives_the_codec(file: str) -> None:
    content = EXAMPLES[f"{file}.v1"]
    codec = Codec({FILES[file]: 1})
    event = from_json(FILES[file], content)
    assert to_json(event) == content
    assert codec.decode(codec.encode(event)) == event


def test_an_example_shows_every_field_that_can_be_left_out() -> None:
    for file, record in FILES.items():
        fields = [field.name for field in record_schemas()[record].type.fields]
        assert list(EXAMPLES[f"{file}.v1"]) == fields


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"tonnes": 5}, "Availability"),
        ({"facility": None}, "Availability.facility"),
        ({"quantity": 1.5}, "Availability.quantity"),
        ({"quantity": True}, "Availability.quantity"),
        ({"direction": "UP"}, "Availability.direction"),
        ({"period_start": "2007-05-14T09:00:00-04:00"}, "Availability.period_start"),
        ({"period_start": "2007-05-14"}, "Availability.period_start"),
        ({"id": "42"}, "Availability.id"),
        ({"properties": [{"name": "loi"}]}, "Availability.properties[0]"),
        ({"flags": "substitute"}, "Availability.flags"),
    ],
)
def test_json_that_is_no_event_is_refused_with_its_place(change: dict[str, Any], path: str) -> None:
    with pytest.raises(JsonFormError) as caught:
        from_json("Availability", {**EXAMPLES["availability.v1"], **change})
    assert caught.value.path == path


def test_a_field_without_default_has_to_be_there() -> None:
    content = dict(EXAMPLES["tick.v1"])
    del content["speed"], content["chapter"]
    with pytest.raises(JsonFormError, match=r"missing fields \['speed'\]"):
        from_json("Tick", content)


def test_a_schema_keeps_its_documentation_when_it_is_published() -> None:
    schema: RecordSchema = record_schemas()["Availability"]
    assert "UUIDv5 of source, facility, epoch and sequence." in schema.text
    assert schema.full_name == "synergy.v1.Availability"
