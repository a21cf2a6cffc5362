"""Row codec: framing, reason codes, and the traps of lenient readers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from typing import Any
from uuid import UUID

import pytest

from schemas.avro_files import parse_schema, record_schemas
from schemas.avro_types import ArrayType, RecordType
from schemas.body import check_body
from schemas.codec import HEADER_BYTES, Codec
from schemas.container import varint
from schemas.conversion import to_plain
from schemas.errors import DecodeError, DefinitionError, EncodeError
from schemas.events import (
    Availability,
    Basis,
    DataKind,
    Direction,
    Form,
    Property,
    Quality,
    ReplayState,
    SourceKind,
    Tick,
    ValuePart,
    ValueSide,
)
from schemas.json_form import from_json

CODEC = Codec({"Availability": 7, "Tick": 300})
NOON = datetime(2007, 4, 27, 12, tzinfo=UTC)
READING = Availability(
    id=UUID("4f3f2898-69e3-5a0d-820a-c4e87987dbce"),
    source="epa:mitchell-1",
    facility="us-wv-mitchell",
    epoch=1,
    sequence=42,
    material="fly-ash",
    direction=Direction.SUPPLY,
    form=Form.FLOW,
    source_kind=SourceKind.REPLAY,
    quantity=12_345_678,
    unit="GRM",
    period_start=NOON,
    period_end=NOON + timedelta(hours=1),
    observed_at=NOON + timedelta(hours=1),
    quality=Quality.ESTIMATED,
    data_kind=DataKind.ESTIMATED,
    basis=Basis.DRY,
)
VALUE = CODEC.encode(READING)
MATERIAL_END = VALUE.index(b"fly-ash") + len(b"fly-ash")
TICK = Tick(programme="ohio-valley", time=NOON, state=ReplayState.RUNNING, speed=60.0)


def refused(value: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(value)
    return caught.value


def test_a_value_is_a_zero_byte_the_schema_id_and_the_body() -> None:
    assert VALUE[:HEADER_BYTES] == b"\x00\x00\x00\x00\x07"
    assert CODEC.encode(TICK)[:HEADER_BYTES] == b"\x00\x00\x00\x01\x2c"
    assert CODEC.decode(CODEC.encode(TICK)) == TICK
    assert CODEC.record_name(CODEC.encode(TICK)) == "Tick"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "not_framed"),
        (b"\x00\x00\x00\x00", "not_framed"),
        (b'{"facility":"us-wv-mitchell"}', "not_framed"),
        (VALUE[:HEADER_BYTES], "empty_body"),
        (b"\x00\x00\x00\x00\x08" + VALUE[HEADER_BYTES:], "unknown_schema_id"),
        (VALUE[:-1], "truncated"),
        (VALUE + b"\x00", "trailing_bytes"),
        (VALUE + VALUE[HEADER_BYTES:], "trailing_bytes"),
        (VALUE.replace(b"fly-ash", b"fly-\xffsh"), "wrong_avro"),
        (VALUE.replace(b"4f3f2898-69e3", b"4f3f2898+69e3"), "wrong_avro"),
    ],
)
def test_each_kind_of_wrong_bytes_has_its_code(value: bytes, code: str) -> None:
    assert refused(value).code == code


def test_the_error_names_the_field_and_the_fix() -> None:
    error = refused(VALUE.replace(b"fly-ash", b"fly-\xffsh"))
    assert (error.field, error.message) == (
        "material",
        "the text is not UTF-8: encode strings in UTF-8; write the record with the schema of its id",
    )
    assert refused(VALUE[: MATERIAL_END - 2]).field == "material"


@pytest.mark.parametrize("index", [-1, -2, 2, 63])
def test_an_enum_index_that_is_no_symbol_is_refused(index: int) -> None:
    # fastavro alone takes -1 for the last symbol.
    error = refused(VALUE[:MATERIAL_END] + varint(index) + VALUE[MATERIAL_END + 1 :])
    assert (error.code, error.field) == ("wrong_avro", "direction")


@pytest.mark.parametrize("branch", [-1, -2, 2])
def test_a_union_index_that_is_no_branch_is_refused(branch: int) -> None:
    value = CODEC.encode(TICK)
    assert value[-1:] == varint(0)
    # fastavro alone takes -2 for null.
    error = refused(value[:-1] + varint(branch))
    assert (error.code, error.field) == ("wrong_avro", "chapter")


def test_a_number_that_is_padded_is_read_and_shortened() -> None:
    padded = VALUE[:-1] + b"\x80\x00"  # no properties: a count of zero in two bytes
    assert CODEC.decode(padded) == READING
    assert CODEC.canonical(padded) == VALUE


def test_an_array_in_blocks_with_sizes_is_read_and_shortened() -> None:
    flagged = CODEC.encode(replace(READING, flags=("substitute",)))
    item = varint(10) + b"substitute"
    assert item in flagged
    blocked = flagged.replace(varint(1) + item, varint(-1) + varint(len(item)) + item)
    assert CODEC.decode(blocked) == replace(READING, flags=("substitute",))
    assert CODEC.canonical(blocked) == flagged
    wrong_size = flagged.replace(varint(1) + item, varint(-1) + varint(len(item) - 1) + item)
    assert refused(wrong_size).field == "flags"


def test_a_number_longer_than_its_type_is_refused() -> None:
    sequence = VALUE.index(varint(1) + varint(42) + varint(7)) + 1
    eleven_bytes = VALUE[:sequence] + b"\x80" * 10 + b"\x01" + VALUE[sequence + 1 :]
    assert refused(eleven_bytes).field == "sequence"
    revised = CODEC.encode(replace(READING, revision=5))
    branch = varint(1) + varint(5)
    assert revised.count(branch) == 1
    too_long = revised.replace(branch, varint(1) + varint(5 + 2**32))
    assert refused(too_long).field == "revision"


def test_a_number_just_beyond_its_type_is_refused() -> None:
    codec = Codec({"Position": 1})
    example = (files("schemas") / "examples" / "position.v1.json").read_text(encoding="utf-8")
    value = codec.encode(from_json("Position", json.loads(example)))
    # days_seen is an int that can't be null: fastavro alone reads and writes any long for it.
    assert value.count(varint(402118774) + varint(17)) == 1
    too_large = value.replace(varint(402118774) + varint(17), varint(402118774) + varint(2**31))
    with pytest.raises(DecodeError) as caught:
        codec.decode(too_large)
    assert (caught.value.code, caught.value.field) == ("wrong_avro", "days_seen")


def test_a_time_beyond_the_year_9999_is_refused() -> None:
    nanoseconds = int(NOON.timestamp()) * 10**9
    microseconds = int(NOON.timestamp()) * 10**6
    error = refused(VALUE.replace(varint(microseconds), varint(nanoseconds)))
    assert (error.code, error.field) == ("wrong_avro", "period_start")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"period_start": NOON.replace(tzinfo=None)}, "period_start"),
        ({"quantity": 2**63}, "quantity"),
        ({"sequence": "42"}, "sequence"),
        ({"revision": 2**31}, "revision"),
        ({"id": "4f3f2898-69e3-5a0d-820a-c4e87987dbce"}, "id"),
        ({"direction": "UP"}, "direction"),
        ({"properties": (Property(name="loi", value="high", unit="%"),)}, "value"),  # type: ignore[arg-type]
    ],
)
def test_an_event_that_its_schema_cannot_hold_is_refused_by_name(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        CODEC.encode(replace(READING, **change))
    assert (caught.value.record, caught.value.field) == ("Availability", field)


def test_a_time_of_another_zone_is_the_same_instant() -> None:
    beijing = timezone(timedelta(hours=8))
    moved = replace(READING, period_start=NOON.astimezone(beijing))
    assert CODEC.encode(moved) == VALUE


def test_amounts_are_rounded_half_to_even_at_four_decimals() -> None:
    part = ValuePart(
        side=ValueSide.GIVER,
        name="haul",
        low=Decimal("-1.00005"),
        base=Decimal("0.00015"),
        high=Decimal("12.3"),
        data_kind=DataKind.ASSUMED,
        source="test",
    )
    kind = next(
        field.type for field in record_schemas()["Match"].type.fields if field.name == "value"
    )
    assert isinstance(kind, ArrayType)
    assert isinstance(kind.items, RecordType)
    plain = to_plain(kind.items)(part)
    assert (plain["low"], plain["base"], plain["high"]) == (
        (-10000).to_bytes(2, "big", signed=True),
        (2).to_bytes(1, "big"),
        (123000).to_bytes(3, "big"),
    )


def test_an_event_without_a_schema_id_is_refused() -> None:
    with pytest.raises(EncodeError, match="no schema id"):
        Codec({"Availability": 1}).encode(TICK)
    with pytest.raises(DefinitionError, match="Ash"):
        Codec({"Ash": 1})
    with pytest.raises(DefinitionError, match="used twice"):
        Codec({"Availability": 1, "Tick": 1})


@pytest.mark.parametrize(
    "value",
    [b"", VALUE[:4], VALUE[:5], VALUE[:-1], VALUE + b"\x00", b"\x01" + VALUE[1:], VALUE * 2],
)
def test_only_whole_records_fit(value: bytes) -> None:
    assert CODEC.fits(VALUE)
    assert not CODEC.fits(value)


def test_unknown_ids_are_what_a_registry_has_to_be_asked_for() -> None:
    values = [VALUE, None, b"", b"\x00\x00\x00\x00\x09abc", b"\x01\x00\x00\x00\x0aabc"]
    assert CODEC.unknown_ids(values) == {9}


def test_a_record_of_an_earlier_version_gets_the_defaults_of_the_current_one() -> None:
    definition = dict(record_schemas()["Tick"].definition)
    definition["fields"] = [field for field in definition["fields"] if field["name"] != "chapter"]
    earlier = parse_schema(json.dumps(definition))
    codec = Codec({"Tick": 2}, {1: earlier})
    body = codec.encode(TICK)[HEADER_BYTES:-1]
    check_body(earlier.type, body)
    value = b"\x00\x00\x00\x00\x01" + body
    assert codec.decode(value) == TICK
    assert codec.fields_of(codec.encode(TICK)) - codec.fields_of(value) == {"chapter"}
