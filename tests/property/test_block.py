"""Checked block decoding: whatever a row holds, its neighbours decode exactly as alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro_files import record_schemas
from schemas.block import BlockReaders, Decoded, decode_batch
from schemas.codec import HEADER_BYTES, Codec
from schemas.container import varint
from schemas.errors import DecodeError
from schemas.events import Availability, Event
from tests.property.event_strategies import event_of_row, events_of

IDS = {record: number for number, record in enumerate(sorted(record_schemas()), 1)}
CODEC = Codec(IDS)
READERS = BlockReaders(CODEC)
TOKENS = st.integers(0, 2**63 - 1)

Value = bytes | None


@st.composite
def spoilt(draw: st.DrawFn, value: bytes, other: bytes) -> bytes | None:
    """Return what a broken or hostile producer makes of a value."""
    header, body = value[:HEADER_BYTES], value[HEADER_BYTES:]
    place = draw(st.integers(0, len(body) - 1))
    noise = draw(st.binary(min_size=1, max_size=30))
    number = varint(draw(st.integers(-(2**63), 2**63 - 1)))
    return draw(
        st.sampled_from(
            [
                None,
                value[: HEADER_BYTES + place],  # truncated
                value + noise,  # trailing bytes
                value + other[HEADER_BYTES:],  # a whole extra record
                value + number + varint(place) + other[HEADER_BYTES:],  # guesses the layout
                header + body[:place] + noise[:1] + body[place + 1 :],  # one byte changed
                header + body[:place] + body[place + len(noise) :],  # bytes gone
                header + body[:place] + noise + body[place:],  # bytes more
                header + body[:place] + number + body[place + 1 :],  # any number in a byte's place
                noise,
                header + noise,
                b"\x00" + noise[:1] * 4 + body,  # another schema id
            ]
        )
    )


@st.composite
def batches(draw: st.DrawFn) -> list[Value]:
    """Return a batch of good values, repeated in any order, some of them spoilt."""
    records = draw(st.lists(st.sampled_from(sorted(IDS)), min_size=1, max_size=2))
    good = [
        CODEC.encode(draw(events_of(record)))
        for record in records
        for _ in range(draw(st.integers(1, 3)))
    ]
    batch: list[Value] = list(draw(st.lists(st.sampled_from(good), min_size=1, max_size=90)))
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.integers(0, len(batch) - 1))
        batch[row] = draw(spoilt(draw(st.sampled_from(good)), draw(st.sampled_from(good))))
    return batch


def judged_alone(batch: Sequence[Value]) -> tuple[dict[int, bytes], dict[int, str]]:
    """Return the shortest form of each good value and the code of each bad one, by row."""
    good: dict[int, bytes] = {}
    bad: dict[int, str] = {}
    for row, value in enumerate(batch):
        if value is None:
            continue
        try:
            good[row] = CODEC.encode(CODEC.decode(value))
        except DecodeError as error:
            bad[row] = error.code
    return good, bad


def events_by_row(decoded: Decoded) -> dict[int, Event]:
    found: dict[int, Event] = {}
    for group in decoded.groups:
        assert list(group.rows) == sorted(group.rows)
        assert group.frame.height == len(group.rows) == len(group.values)
        assert group.frame.schema == READERS.empty_frame(group.record).schema
        kind = record_schemas()[group.record].type
        for row, columns in zip(group.rows.tolist(), group.frame.to_dicts(), strict=True):
            found[row] = cast(Event, event_of_row(kind, columns))
    return found


@settings(max_examples=300, deadline=None)
@given(batches(), TOKENS)
def test_every_row_decodes_as_it_does_alone(batch: list[Value], token: int) -> None:
    decoded = decode_batch(batch, READERS, token)

    good, bad = judged_alone(batch)
    assert {entry.row: entry.error.code for entry in decoded.bad} == bad
    assert decoded.tombstones.tolist() == [row for row, value in enumerate(batch) if value is None]
    found = {row: CODEC.encode(event) for row, event in events_by_row(decoded).items()}
    assert found == good


@settings(max_examples=50, deadline=None)
@given(batches(), TOKENS, TOKENS)
def test_the_token_changes_nothing(batch: list[Value], first: int, second: int) -> None:
    one, two = decode_batch(batch, READERS, first), decode_batch(batch, READERS, second)

    assert [group.rows.tolist() for group in one.groups] == [
        group.rows.tolist() for group in two.groups
    ]
    for left, right in zip(one.groups, two.groups, strict=True):
        assert left.values == right.values
        assert left.frame.equals(right.frame)


@settings(max_examples=60, deadline=None)
@given(st.lists(events_of("Availability"), min_size=1, max_size=40), TOKENS)
def test_a_good_batch_needs_no_row_codec(events: list[Event], token: int) -> None:
    values = CODEC.encode_many(events)
    reader = READERS.reader(IDS["Availability"])

    frame = reader.read(reader.lay_out(values, token))

    assert isinstance(frame, pl.DataFrame)
    assert frame["sequence"].to_list() == [
        event.sequence for event in events if isinstance(event, Availability)
    ]
