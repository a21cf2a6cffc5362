"""Many values decoded together are what the row codec says of each, for every record and whatever is wrong."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import event_blocks
from schemas.avro_files import record_schemas
from schemas.block_reader import BlockReader
from schemas.codec import Codec
from schemas.column_reader import read_events
from schemas.conversion import EPOCH
from schemas.errors import DecodeError
from schemas.event_blocks import FEWEST, MOST_BYTES, EventBlocks, Read
from schemas.events import Coordinates, Event, Rejected, ReplayState, Tick
from tests.property.event_strategies import events_of

RECORDS = sorted(record_schemas())
CODEC = Codec({record: number for number, record in enumerate(RECORDS, 1)})
BLOCKS = EventBlocks(CODEC, lambda: 1 << 62)
EVENTS = st.sampled_from(RECORDS).flatmap(
    lambda record: st.lists(events_of(record), min_size=1, max_size=6)
)
VALUES = st.none() | st.binary(max_size=30) | EVENTS.map(lambda some: CODEC.encode(some[0]))


def alone(value: bytes | None) -> Read:
    """Return what the row codec says."""
    if value is None:
        return None
    try:
        return CODEC.decode(value)
    except DecodeError as error:
        return error


def told(found: object) -> str:
    """Return a text in which also NaN equals itself, and the exponent of a decimal counts."""
    return repr(found)


@settings(max_examples=30)
@given(EVENTS)
def test_columns_give_the_events_of_the_row_codec(events: list[Event]) -> None:
    values: list[bytes | None] = []
    values += [CODEC.encode(event) for event in events] * FEWEST
    assert [told(one) for one in BLOCKS.decode(values)] == [told(alone(value)) for value in values]


@settings(max_examples=30)
@given(EVENTS, st.lists(VALUES, max_size=20), st.randoms(use_true_random=False))
def test_whatever_is_between_them_changes_no_event(
    events: list[Event], others: list[bytes | None], order: Random
) -> None:
    values = others + [CODEC.encode(event) for event in events] * FEWEST
    order.shuffle(values)
    assert [told(one) for one in BLOCKS.decode(values)] == [told(alone(value)) for value in values]


@settings(max_examples=20)
@given(st.lists(VALUES, max_size=FEWEST - 1))
def test_few_values_are_decoded_one_by_one(values: list[bytes | None]) -> None:
    assert [told(one) for one in BLOCKS.decode(values)] == [told(alone(value)) for value in values]


@pytest.mark.parametrize("record", RECORDS)
@settings(max_examples=15)
@given(data=st.data())
def test_every_record_is_read_by_column(record: str, data: st.DataObject) -> None:
    events = data.draw(st.lists(events_of(record), min_size=1, max_size=4))
    reader = BlockReader(record_schemas()[record].type)
    frame = reader.read(reader.lay_out([CODEC.encode(event) for event in events], 1 << 62))
    assert frame is not None
    assert told(read_events(reader.record, frame)) == told(events)


class PanicError(BaseException):
    """As polars panics."""


def no_block(*_: object) -> list[object]:
    raise PanicError


@settings(max_examples=5)
@given(st.lists(VALUES, min_size=1, max_size=3))
def test_a_panic_leaves_it_to_the_row_codec(values: list[bytes | None]) -> None:
    many = values * FEWEST
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(event_blocks, "read_events", no_block)
        patched.setattr(event_blocks, "decode_batch", no_block)
        assert [told(one) for one in BLOCKS.decode(many)] == [told(alone(one)) for one in many]


def test_large_values_are_decoded_one_by_one_as_they_are_asked_for() -> None:
    event = Rejected(
        origin=Coordinates(topic="t", partition=0, offset=1),
        code="absurd_quantity",
        message="too much",
        value=bytes(MOST_BYTES // FEWEST),
        stage="balance",
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(event_blocks, "decode_batch", no_block)
        found = BLOCKS.decode([CODEC.encode(event)] * FEWEST)
        assert next(found) == event
        assert len(list(found)) == FEWEST - 1


def test_an_error_does_not_keep_the_values_beside_it() -> None:
    good = CODEC.encode(
        Tick(programme="p", time=EPOCH, speed=1.0, state=ReplayState.RUNNING, chapter="c")
    )
    *_, error = BLOCKS.decode([good] * FEWEST + [good + b"x"])
    assert isinstance(error, DecodeError)
    assert error.__traceback__ is None
