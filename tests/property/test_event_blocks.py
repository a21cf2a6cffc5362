"""Many values decoded together are what the row codec says of each, for every record and whatever is wrong."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.errors import DecodeError
from schemas.event_blocks import FEWEST, EventBlocks, Read
from schemas.events import Event
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


def told(found: Read) -> str:
    """Return a text in which also NaN equals itself, and the exponent of a decimal counts."""
    return repr(found)


@given(EVENTS)
def test_columns_give_the_events_of_the_row_codec(events: list[Event]) -> None:
    values: list[bytes | None] = []
    values += [CODEC.encode(event) for event in events] * FEWEST
    assert list(map(told, BLOCKS.decode(values))) == [told(alone(value)) for value in values]


@given(EVENTS, st.lists(VALUES, max_size=20), st.randoms(use_true_random=False))
def test_whatever_is_between_them_changes_no_event(
    events: list[Event], others: list[bytes | None], order: Random
) -> None:
    values = others + [CODEC.encode(event) for event in events] * FEWEST
    order.shuffle(values)
    assert list(map(told, BLOCKS.decode(values))) == [told(alone(value)) for value in values]


@given(st.lists(VALUES, max_size=FEWEST - 1))
def test_few_values_are_decoded_one_by_one(values: list[bytes | None]) -> None:
    assert list(map(told, BLOCKS.decode(values))) == [told(alone(value)) for value in values]
