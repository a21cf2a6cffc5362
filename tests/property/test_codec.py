"""Row codec: what is written is what is read, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro_files import record_schemas
from schemas.body import check_body
from schemas.codec import HEADER_BYTES, Codec
from schemas.errors import DECODE_CODES, DecodeError
from schemas.events import Event
from tests.property.event_strategies import events_of

RECORDS = sorted(record_schemas())
CODEC = Codec({record: number for number, record in enumerate(RECORDS, 1)})
ANY_EVENT = st.sampled_from(RECORDS).flatmap(events_of)


def event_or_code(value: bytes) -> Event | str:
    try:
        return CODEC.decode(value)
    except DecodeError as error:
        return error.code


@given(ANY_EVENT)
def test_decoding_gives_the_event_that_was_encoded(event: Event) -> None:
    value = CODEC.encode(event)
    # Through repr, because NaN is not equal to itself.
    assert repr(CODEC.decode(value)) == repr(event)
    assert CODEC.record_name(value) == type(event).__name__
    assert CODEC.canonical(value) == value


@given(ANY_EVENT, st.data())
def test_no_prefix_of_a_value_is_an_event(event: Event, data: st.DataObject) -> None:
    value = CODEC.encode(event)
    cut = data.draw(st.integers(0, len(value) - 1))
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(value[:cut])
    expected = (
        "not_framed" if cut < HEADER_BYTES else "empty_body" if cut == HEADER_BYTES else "truncated"
    )
    assert caught.value.code == expected


@given(ANY_EVENT, st.binary(min_size=1, max_size=300))
def test_bytes_behind_a_record_are_refused(event: Event, more: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(CODEC.encode(event) + more)
    assert caught.value.code == "trailing_bytes"


@given(ANY_EVENT, ANY_EVENT)
def test_a_whole_extra_record_is_refused(event: Event, extra: Event) -> None:
    with pytest.raises(DecodeError) as caught:
        CODEC.decode(CODEC.encode(event) + CODEC.encode(extra)[HEADER_BYTES:])
    assert caught.value.code == "trailing_bytes"


@given(ANY_EVENT, st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4))
def test_changed_bytes_give_an_event_or_a_decode_error(
    event: Event, changes: list[tuple[int, int]]
) -> None:
    value = bytearray(CODEC.encode(event))
    for place, byte in changes:
        value[place % len(value)] = byte
    found = event_or_code(bytes(value))
    if isinstance(found, str):
        assert found in DECODE_CODES
        return
    schema = record_schemas()[type(found).__name__]
    check_body(schema.type, bytes(value[HEADER_BYTES:]))
    assert repr(CODEC.decode(CODEC.encode(found))) == repr(found)


@given(st.binary(max_size=200))
def test_noise_is_an_event_or_a_decode_error(noise: bytes) -> None:
    for value in (noise, b"\x00\x00\x00\x00\x02" + noise):
        found = event_or_code(value)
        assert found in DECODE_CODES or type(found).__name__ in RECORDS
