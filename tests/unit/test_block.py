"""Checked block decoding: the usual batch, the traps of polars, and what a bad row may not do."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from schemas.avro_files import parse_schema, record_schemas
from schemas.block import BlockReaders, decode_batch
from schemas.block_reader import MOST_ROWS
from schemas.codec import HEADER_BYTES, Codec
from schemas.container import varint
from schemas.errors import DefinitionError
from schemas.events import Direction
from tests.unit.test_codec import CODEC, MATERIAL_END, READING, TICK, VALUE

READERS = BlockReaders(CODEC)
TOKEN = 0x7EDC_BA98_7654_3210


def numbered(count: int) -> list[bytes]:
    return CODEC.encode_many(replace(READING, sequence=number) for number in range(count))


def test_a_batch_of_readings_and_ticks_gives_a_frame_for_each() -> None:
    tick = CODEC.encode(TICK)
    demand = CODEC.encode(replace(READING, direction=Direction.DEMAND))

    decoded = decode_batch([VALUE, tick, None, demand, tick], READERS, TOKEN)

    assert decoded.bad == ()
    assert decoded.tombstones.tolist() == [2]
    readings, ticks = decoded.groups
    assert (readings.record, readings.rows.tolist()) == ("Availability", [0, 3])
    assert (ticks.record, ticks.rows.tolist()) == ("Tick", [1, 4])
    assert readings.frame["direction"].to_list() == [0, 1]
    assert readings.frame["period_start"].to_list() == [READING.period_start] * 2
    assert readings.values == [VALUE, demand]
    assert ticks.frame["programme"].to_list() == ["ohio-valley"] * 2


def test_an_empty_batch_and_a_batch_of_tombstones_have_no_groups() -> None:
    assert decode_batch([], READERS, TOKEN).groups == ()
    decoded = decode_batch([None, None], READERS, TOKEN)
    assert (decoded.groups, decoded.bad, decoded.tombstones.tolist()) == ((), (), [0, 1])


def test_more_rows_than_one_block_holds_are_one_group() -> None:
    values = numbered(MOST_ROWS + 3)

    (group,) = decode_batch(values, READERS, TOKEN).groups

    assert group.frame["sequence"].to_list() == list(range(MOST_ROWS + 3))
    assert group.rows.tolist() == list(range(MOST_ROWS + 3))


@pytest.mark.parametrize(
    "spoilt",
    [
        VALUE[:-1],
        VALUE + b"\x00",
        VALUE + VALUE[HEADER_BYTES:],
        # Knows the layout and even the token: the row number behind it is another one.
        VALUE + varint(TOKEN) + varint(500) + VALUE[HEADER_BYTES:],
        VALUE[:HEADER_BYTES],
        VALUE[: HEADER_BYTES + 1],
        b"",
        b"\x00\x00\x00\x00\x63" + VALUE[HEADER_BYTES:],
        VALUE[:MATERIAL_END] + varint(-1) + VALUE[MATERIAL_END + 1 :],
        VALUE[:MATERIAL_END] + varint(2) + VALUE[MATERIAL_END + 1 :],
        VALUE.replace(b"fly-ash", b"fly-\xffsh"),
        VALUE.replace(b"4f3f2898-69e3", b"4f3f2898+69e3"),
        # Lengths that would swallow the rest of the block, or more than there is.
        VALUE.replace(varint(len("fly-ash")) + b"fly-ash", varint(2000) + b"fly-ash"),
        VALUE.replace(varint(len("fly-ash")) + b"fly-ash", varint(2**62) + b"fly-ash"),
        VALUE.replace(varint(len("fly-ash")) + b"fly-ash", varint(-7) + b"fly-ash"),
        VALUE[:-2] + varint(2**40) + varint(0),
    ],
)
@pytest.mark.parametrize("row", [0, 500, 999])
def test_a_bad_row_is_bad_alone(spoilt: bytes, row: int) -> None:
    values = numbered(1000)
    values[row] = spoilt

    decoded = decode_batch(values, READERS, TOKEN)

    assert [entry.row for entry in decoded.bad] == [row]
    (group,) = decoded.groups
    expected = [number for number in range(1000) if number != row]
    assert group.rows.tolist() == expected
    assert group.frame["sequence"].to_list() == expected
    assert group.frame.schema == READERS.empty_frame("Availability").schema


@pytest.mark.parametrize("branch", [-1, 2, 3])
def test_a_union_index_that_polars_takes_for_the_second_branch_is_bad(branch: int) -> None:
    labelled = CODEC.encode(replace(TICK, chapter="tour"))
    text = varint(4) + b"tour"
    wrong = labelled.replace(varint(1) + text, varint(branch) + text)
    assert wrong != labelled

    decoded = decode_batch([labelled, wrong, labelled], READERS, TOKEN)

    assert [(entry.row, entry.error.field) for entry in decoded.bad] == [(1, "chapter")]
    assert decoded.groups[0].frame["chapter"].to_list() == ["tour", "tour"]


def test_a_number_whose_surplus_bits_polars_drops_is_bad() -> None:
    revised = CODEC.encode(replace(READING, revision=2**30))
    wrong = revised.replace(varint(1) + varint(2**30), varint(1) + varint(2**32 + 2**30))
    assert len(wrong) == len(revised)

    decoded = decode_batch([revised, wrong], READERS, TOKEN)

    assert [(entry.row, entry.error.field) for entry in decoded.bad] == [(1, "revision")]


def test_a_padded_number_is_good_and_its_value_is_shortened() -> None:
    padded = VALUE[:-1] + b"\x80\x00"

    decoded = decode_batch([VALUE, padded], READERS, TOKEN)

    assert decoded.bad == ()
    assert decoded.groups[0].values == [VALUE, VALUE]
    assert decoded.groups[0].rows.tolist() == [0, 1]


def test_rows_of_an_earlier_version_come_in_the_columns_of_the_current_one() -> None:
    definition = dict(record_schemas()["Tick"].definition)
    definition["fields"] = [field for field in definition["fields"] if field["name"] != "chapter"]
    codec = Codec({"Tick": 2}, {1: parse_schema(json.dumps(definition))})
    current = codec.encode(TICK)
    earlier = b"\x00\x00\x00\x00\x01" + current[HEADER_BYTES:-1]

    values = [current, earlier, current, earlier[:-1]]
    decoded = decode_batch(values, BlockReaders(codec), TOKEN)

    (group,) = decoded.groups
    assert (group.record, group.rows.tolist()) == ("Tick", [0, 1, 2])
    assert group.values == values[:3]
    assert group.frame[0].equals(group.frame[1])
    assert [(entry.row, entry.error.code) for entry in decoded.bad] == [(3, "truncated")]


def test_rows_stay_in_the_order_of_the_batch_whichever_had_to_be_looked_at_alone() -> None:
    values = numbered(100)
    values[40] = values[40][:-1] + b"\x80\x00"  # padded: it does not fit, but it is good
    values[70] = b""

    decoded = decode_batch(values, READERS, TOKEN)

    expected = [row for row in range(100) if row != 70]
    assert [group.rows.tolist() for group in decoded.groups] == [expected]
    assert decoded.groups[0].frame["sequence"].to_list() == expected


def test_the_frame_has_a_column_for_each_field() -> None:
    frame = READERS.empty_frame("Availability")
    assert frame.columns == [field.name for field in record_schemas()["Availability"].type.fields]
    assert frame.schema["direction"] == pl.Int32
    assert frame.schema["period_end"] == pl.Datetime("us", "UTC")
    assert frame.schema["properties"].is_nested()


def test_a_token_has_63_bits_and_readers_know_a_schema() -> None:
    with pytest.raises(ValueError, match="63 bits"):
        decode_batch([VALUE], READERS, 1 << 63)
    with pytest.raises(DefinitionError, match="no schema id"):
        BlockReaders(Codec({}))
