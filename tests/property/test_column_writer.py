"""Columns give the bytes of the row codec, for every record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_files import record_schemas
from schemas.codec import HEADER_BYTES, Codec
from schemas.column_writer import FEWEST, write_bodies
from schemas.errors import EncodeError
from schemas.events import Availability, Event, Position
from tests.property.event_strategies import events_of

SCHEMAS = record_schemas()
CODEC = Codec({record: number for number, record in enumerate(sorted(SCHEMAS), 1)})
SEVERAL = st.sampled_from(sorted(SCHEMAS)).flatmap(
    lambda record: st.lists(events_of(record), min_size=1, max_size=5)
)


@given(SEVERAL, st.integers(1, 3))
def test_columns_give_the_bytes_of_the_row_codec(events: list[Event], times: int) -> None:
    events = events * times
    bodies = write_bodies(SCHEMAS[type(events[0]).__name__].type, events)
    assert bodies == [CODEC.encode(event)[HEADER_BYTES:] for event in events]


@given(st.lists(events_of("Position"), min_size=1, max_size=3), events_of("Alert"))
def test_many_events_of_several_records_stay_in_order(some: list[Event], other: Event) -> None:
    events = [*some * FEWEST, other, *some * FEWEST, other, other]
    assert CODEC.encode_many(events) == [CODEC.encode(event) for event in events]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity_24h", 1 << 63),
        ("quantity_24h", 1.5),
        ("days_seen", 1.5),
        ("stale", None),
        ("quantity_24h", "7"),
        ("days_seen", 1 << 31),
        ("as_of", datetime(2024, 7, 1)),  # noqa: DTZ001
        ("direction", "SIDEWAYS"),
        ("facility", b"bytes"),
    ],
)
@given(events_of("Position"))
def test_of_many_events_the_wrong_field_is_named(field: str, value: Any, good: Position) -> None:
    bad = replace(good, **{field: value})
    with pytest.raises(EncodeError) as alone:
        CODEC.encode(bad)
    with pytest.raises(EncodeError) as among_many:
        CODEC.encode_many([*[good] * FEWEST, bad])
    assert str(among_many.value) == str(alone.value)
    assert field in str(alone.value)


@given(events_of("Availability"))
def test_what_the_row_codec_takes_is_written_as_it_writes_it(good: Availability) -> None:
    text = type("Text", (str,), {})(good.source)
    events = [*[good] * FEWEST, replace(good, source=text)]
    assert CODEC.encode_many(events) == [CODEC.encode(event) for event in events]
