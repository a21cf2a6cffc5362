"""The load generator: its bytes are the codec's, its identities are valid, it is the same every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.errors import LoadTemplateError
from producers.load import (
    LoadPlan,
    load_facility,
    load_reading,
    load_records,
    load_sequence,
)
from schemas.codec import Codec
from schemas.events import Availability, Event

START = datetime(2024, 7, 14, tzinfo=UTC)
CODEC = Codec({"Availability": 17})
PLAN = LoadPlan(facilities=4, start=START)


def test_every_record_is_what_the_codec_writes_for_its_event() -> None:
    count = PLAN.series * 90 + 5
    records = list(load_records(PLAN, CODEC.encode, count))
    assert len(records) == count
    for number, record in enumerate(records):
        event = load_reading(PLAN, number).identified(PLAN.epoch, load_sequence(PLAN, number))
        assert record.value == CODEC.encode(event)
        assert record.key == f"{event.facility}|{event.material}|SUPPLY".encode()
        assert record.facility == event.facility


@given(
    facilities=st.integers(1, 300),
    materials=st.lists(st.sampled_from(["a", "bb", "clay"]), min_size=1, max_size=3, unique=True),
    epoch=st.integers(1, 2**40),
    period=st.timedeltas(timedelta(milliseconds=1), timedelta(days=7)),
    last=st.integers(0, 2000),
)
def test_the_last_record_of_any_plan_decodes_to_its_event(
    facilities: int, materials: list[str], epoch: int, period: timedelta, last: int
) -> None:
    plan = LoadPlan(
        facilities=facilities,
        materials=tuple(materials),
        start=START,
        period=period,
        epoch=epoch,
    )
    *_, record = load_records(plan, CODEC.encode, last + 1)
    event = load_reading(plan, last).identified(epoch, load_sequence(plan, last))
    assert CODEC.decode(record.value) == event


def test_sequences_of_a_source_are_gap_free_and_in_order() -> None:
    seen: dict[str, list[int]] = {}
    for record in load_records(PLAN, CODEC.encode, PLAN.series * 3):
        event = CODEC.decode(record.value)
        assert isinstance(event, Availability)
        seen.setdefault(event.source, []).append(event.sequence)
    assert len(seen) == PLAN.facilities
    assert all(sequences == list(range(1, 10)) for sequences in seen.values())


def test_every_plant_of_the_load_can_be_enrolled() -> None:
    facility = load_facility(PLAN, 3)
    assert facility.id == load_reading(PLAN, 3 * len(PLAN.materials)).facility
    assert "(sample)" in facility.name


def test_another_layout_of_the_event_is_refused_not_garbled() -> None:
    def reordered(event: Event) -> bytes:
        value = CODEC.encode(event)
        return value[:60] + b"x" + value[60:]

    with pytest.raises(LoadTemplateError):
        next(load_records(PLAN, reordered, 1))


@given(period=st.timedeltas(timedelta(milliseconds=1), timedelta(days=1)))
def test_no_plant_of_the_load_gives_more_a_day_than_it_can_have(period: timedelta) -> None:
    reading = load_reading(LoadPlan(facilities=1, start=START, period=period), 996)
    a_day = reading.quantity * (timedelta(days=1) / period)
    assert a_day < 200_000_000 or reading.quantity == 1
