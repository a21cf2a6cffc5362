"""What is published, when, and what it says: one story a test."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from schemas.block import BlockReaders, decode_batch
from schemas.codec import Codec
from schemas.events import (
    Availability,
    DataKind,
    Direction,
    FacilityFacts,
    Form,
    Position,
    Property,
    Quality,
    ReplayState,
    Tick,
)
from synergy.balance import PartError, PartitionBalances
from synergy.balance.parts import FACILITY, facts_known
from synergy.balance.terms import DAY_US, QUARTER_US, VERSION, moment
from tests.property.balance_input import (
    HOUR_US,
    MINUTE_US,
    NOW_2024,
    RULES,
    SCHEMA,
    START_2007,
    facility,
    frame,
    reading,
)

TOPIC = "synergy.availability.v1"
FACTS = [one.name for one in fields(FacilityFacts)]


class Partition:
    """A partition with two live facilities and one of a replay; sequences and offsets count by themselves."""

    def __init__(self) -> None:
        self.balances = PartitionBalances.restore(TOPIC, 0, RULES, {}, lambda _: 0)
        self.parts: dict[bytes, bytes | None] = {}
        self.next = 0
        self.now_us = NOW_2024
        for offset, (name, programme) in enumerate(
            (("a", "live"), ("b", "live"), ("c", "history"))
        ):
            self.balances.put_facility(facility(name, programme), offset)
        self.balances.clock(self.now_us)
        self.balances.take_events(0)

    def send(self, *readings: Availability) -> None:
        offsets = np.arange(self.next, self.next + len(readings))
        arrived = np.full(len(readings), self.now_us)
        assert self.balances.apply_readings(frame(readings), offsets, arrived) == ()
        self.next += len(readings)

    def flow(self, end_us: int, quantity: int = 1_000_000, **changes: Any) -> None:
        """Send a flow over the quarter-hour before `end_us`."""
        values = {"sequence": self.next + 1, "quantity": quantity, **changes}
        self.send(
            reading(period_start=moment(end_us - QUARTER_US), period_end=moment(end_us), **values)
        )

    def plan(self, start_us: int, days: int, quantity: int, **changes: Any) -> None:
        values = {"sequence": self.next + 1, "direction": Direction.DEMAND, **changes}
        self.send(
            reading(
                form=Form.PLAN,
                quantity=quantity,
                period_start=moment(start_us),
                period_end=moment(start_us + days * DAY_US),
                **values,
            )
        )

    def wait(self, duration_us: int) -> None:
        self.now_us += duration_us
        self.balances.clock(self.now_us)

    def tick(self, time_us: int, chapter: str | None = "tour") -> None:
        tick = Tick(
            programme="history",
            time=moment(time_us),
            state=ReplayState.RUNNING,
            speed=60.0,
            chapter=chapter,
        )
        self.balances.apply_tick(tick)

    def take(self) -> list[Position]:
        events = self.balances.take_events(self.next)
        self.parts.update(self.balances.take_parts())
        return [event for event in events if isinstance(event, Position)]


def test_the_frames_of_the_tests_are_what_readings_are_decoded_to() -> None:
    analysis = Property(name="loi", value=3.5, unit="%", sampled_at=moment(NOW_2024 - HOUR_US))
    sent = [
        reading(flags=("substitute",), properties=(analysis,)),
        reading(direction=Direction.DEMAND),
    ]
    codec = Codec({"Availability": 1})
    values = codec.encode_many(
        Availability(**{name: getattr(one, name) for name in SCHEMA}) for one in sent
    )
    [group] = decode_batch(values, BlockReaders(codec), 7).groups
    assert group.frame.equals(frame(sent))


def test_the_window_holds_the_96_quarter_hours_that_end_with_as_of() -> None:
    partition = Partition()
    start = NOW_2024 - 2 * DAY_US
    for step in range(1, 100):
        partition.flow(start + step * QUARTER_US, quantity=10**6 + step)
    (position,) = partition.take()
    assert position.as_of == moment(start + 99 * QUARTER_US)
    assert position.quantity_24h == sum(10**6 + step for step in range(4, 100))
    assert position.latest.offset == 98
    assert position.applied.offset == 99


def test_a_period_that_ends_just_ahead_of_now_counts_from_when_now_has_reached_it() -> None:
    partition = Partition()
    oldest = NOW_2024 - DAY_US + QUARTER_US
    partition.flow(oldest, quantity=7)
    partition.flow(NOW_2024 + 9 * MINUTE_US + 6 * MINUTE_US - QUARTER_US, quantity=100)
    partition.send(
        reading(
            sequence=3,
            quantity=900,
            period_start=moment(NOW_2024),
            period_end=moment(NOW_2024 + 9 * MINUTE_US),
        )
    )
    (position,) = partition.take()
    assert position.as_of == moment(NOW_2024)
    assert position.quantity_24h == 107
    partition.wait(9 * MINUTE_US)
    partition.flow(NOW_2024 + 9 * MINUTE_US, quantity=0)
    (position,) = partition.take()
    assert position.quantity_24h == 100 + 900


def test_bad_quality_is_not_zero_supply_and_does_not_move_the_window() -> None:
    partition = Partition()
    partition.flow(NOW_2024 - 2 * HOUR_US, quantity=1000)
    assert [p.quantity_24h for p in partition.take()] == [1000]
    partition.flow(NOW_2024 - HOUR_US, quantity=0, quality=Quality.BAD)
    (position,) = partition.take()
    assert (position.quantity_24h, position.quality_good) == (1000, 0.5)
    assert position.as_of == moment(NOW_2024 - 2 * HOUR_US)
    assert position.latest.offset == 0


def test_a_series_with_only_bad_readings_says_nothing() -> None:
    partition = Partition()
    partition.flow(NOW_2024, quality=Quality.BAD)
    assert partition.take() == []


def test_firm_is_the_third_smallest_of_28_days_and_the_rest_of_the_mean_is_interruptible() -> None:
    partition = Partition()
    midnight = NOW_2024 // DAY_US * DAY_US
    for day in range(30):
        partition.send(
            reading(
                sequence=day + 1,
                quantity=(day + 1) * 1000,
                period_start=moment(midnight - (30 - day) * DAY_US),
                period_end=moment(midnight - (29 - day) * DAY_US),
            )
        )
    (position,) = partition.take()
    assert position.days_seen == 28
    assert position.firm_per_day == 5000  # days 3 to 30 count
    assert position.interruptible_per_day == sum(range(3, 31)) * 1000 // 28 - 5000


def test_without_a_full_day_the_24_h_sum_stands_for_firm() -> None:
    partition = Partition()
    partition.flow(NOW_2024, quantity=5)
    (position,) = partition.take()
    assert (position.days_seen, position.firm_per_day, position.interruptible_per_day) == (0, 5, 0)


def test_a_day_without_readings_is_no_day_of_history() -> None:
    partition = Partition()
    midnight = NOW_2024 // DAY_US * DAY_US
    for sequence, days_ago in enumerate((9, 4), 1):
        partition.send(
            reading(
                sequence=sequence,
                quantity=1000,
                period_start=moment(midnight - days_ago * DAY_US),
                period_end=moment(midnight - (days_ago - 1) * DAY_US),
            )
        )
    (position,) = partition.take()
    assert (position.days_seen, position.firm_per_day) == (2, 1000)


def test_a_change_within_the_deadband_is_not_published_and_small_ones_add_up() -> None:
    partition = Partition()
    partition.flow(NOW_2024 - HOUR_US, quantity=100_000)
    assert len(partition.take()) == 1
    partition.flow(NOW_2024 - HOUR_US, quantity=600)
    assert partition.take() == []
    partition.flow(NOW_2024 - HOUR_US, quantity=401)
    assert [p.quantity_24h for p in partition.take()] == [101_001]


@pytest.mark.parametrize("form", [Form.STOCK, Form.PLAN])
def test_a_stock_and_a_plan_are_news_of_their_own(form: Form) -> None:
    partition = Partition()
    partition.flow(NOW_2024 - QUARTER_US)
    partition.take()
    now = moment(NOW_2024 - QUARTER_US)
    for sequence, quantity, published in ((2, 10_000, 1), (3, 10_050, 0), (4, 10_101, 1)):
        partition.send(
            reading(
                form=form,
                sequence=sequence,
                quantity=quantity,
                document="PO-1",
                period_start=now,
                period_end=now if form is Form.STOCK else now + timedelta(days=1),
            )
        )
        positions = partition.take()
        assert len(positions) == published
        for position in positions:
            assert (position.stock if form is Form.STOCK else position.plan_per_day) == quantity


def test_of_two_stocks_at_one_time_the_one_that_came_later_counts_an_older_one_does_not() -> None:
    partition = Partition()
    now = moment(NOW_2024)
    hour_ago = now - timedelta(hours=1)
    for sequence, quantity, at in ((1, 10, now), (2, 20, now), (3, 30, hour_ago)):
        stock = reading(
            form=Form.STOCK, sequence=sequence, quantity=quantity, period_start=at, period_end=at
        )
        partition.send(stock)
    (position,) = partition.take()
    assert (position.stock, position.stock_at) == (20, now)


def test_silence_makes_a_position_stale_once_and_news_revives_it() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    assert [p.stale for p in partition.take()] == [False]
    partition.wait(RULES["ash"].stale_after_us)
    assert partition.take() == []
    partition.wait(1)
    assert [p.stale for p in partition.take()] == [True]
    partition.wait(40 * DAY_US)
    assert partition.take() == []
    partition.flow(partition.now_us)
    assert [p.stale for p in partition.take()] == [False]


def test_a_position_that_is_not_stale_is_published_once_a_day() -> None:
    partition = Partition()
    partition.plan(NOW_2024, days=30, quantity=30_000)
    published = len(partition.take())
    for _ in range(48):
        partition.wait(HOUR_US)
        published += len(partition.take())
    assert published == 1 + 2  # the plan itself, then one a day


def test_a_plan_is_published_at_once_and_again_when_a_line_starts_and_ends() -> None:
    partition = Partition()
    partition.plan(NOW_2024 + HOUR_US, days=9, quantity=9_000, document="PO-1")
    (position,) = partition.take()
    assert (position.plan_per_day, position.quantity_24h, position.days_seen) == (0, 0, 0)
    assert position.as_of == moment(NOW_2024)
    assert position.direction is Direction.DEMAND
    partition.wait(HOUR_US - 1)
    assert partition.take() == []
    partition.wait(1)
    assert [(p.plan_per_day, p.stale) for p in partition.take()] == [(1_000, False)]
    partition.plan(NOW_2024 + HOUR_US, days=2, quantity=9_000, document="PO-1", revision=2)
    assert [p.plan_per_day for p in partition.take()] == [4_500]
    partition.plan(NOW_2024 + HOUR_US, days=9, quantity=9_000, document="PO-1", revision=1)
    assert partition.take() == []
    partition.wait(2 * DAY_US)
    assert [p.plan_per_day for p in partition.take()] == [None]


def test_the_later_of_two_equal_revisions_counts_and_lines_of_several_documents_add_up() -> None:
    partition = Partition()
    for document, quantity in (("PO-1", 1_000), ("PO-1", 2_000), ("PO-2", 500), (None, 50)):
        partition.plan(NOW_2024, days=1, quantity=quantity, document=document)
    assert [p.plan_per_day for p in partition.take()] == [2_550]


def test_a_replay_goes_by_its_ticks_and_a_live_programme_by_the_clock() -> None:
    partition = Partition()
    partition.tick(START_2007)
    partition.flow(START_2007, facility="c")
    partition.flow(NOW_2024, facility="a")
    assert [(p.programme, p.stale) for p in partition.take()] == [
        ("history", False),
        ("live", False),
    ]
    partition.wait(7 * HOUR_US)
    assert [(p.programme, p.stale) for p in partition.take()] == [("live", True)]
    partition.tick(START_2007 + 7 * HOUR_US)
    assert [(p.programme, p.stale) for p in partition.take()] == [("history", True)]


def test_after_a_jump_a_silent_series_has_no_data_in_the_chapter_instead_of_being_stale() -> None:
    partition = Partition()
    partition.tick(START_2007, "tour")
    partition.flow(START_2007, quantity=1_000, facility="c")
    assert [p.flags for p in partition.take()] == [()]
    mitchell = START_2007 + 50 * DAY_US
    partition.tick(mitchell, "mitchell")
    (position,) = partition.take()
    assert position.flags == ("no_data_in_chapter",)
    assert (position.stale, position.firm_per_day, position.interruptible_per_day) == (False, 0, 0)
    assert position.quantity_24h == 1_000
    partition.tick(mitchell + 3 * DAY_US, "mitchell")
    assert partition.take() == []
    partition.flow(mitchell + 3 * DAY_US, quantity=500, facility="c")
    (position,) = partition.take()
    assert (position.flags, position.quantity_24h, position.firm_per_day) == ((), 500, 500)


def test_a_plan_that_reaches_into_the_chapter_is_data_in_it() -> None:
    partition = Partition()
    partition.tick(START_2007, "tour")
    partition.plan(START_2007, days=60, quantity=60_000, facility="c")
    partition.take()
    partition.tick(START_2007 + 50 * DAY_US, "mitchell")
    (position,) = partition.take()
    assert (position.flags, position.plan_per_day) == ((), 1_000)


def test_facts_come_before_positions_and_the_old_programme_is_told_first() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    partition.balances.put_facility(facility("a", "live"), 7)
    assert partition.balances.take_events(partition.next) == ()
    partition.balances.put_facility(facility("a", "history"), 8)
    partition.tick(NOW_2024)
    left, joined, position = partition.balances.take_events(partition.next)
    assert isinstance(left, FacilityFacts)
    assert (left.programme, left.removed) == ("live", True)
    assert isinstance(joined, FacilityFacts)
    assert (joined.programme, joined.removed) == ("history", False)
    assert isinstance(position, Position)
    assert position.programme == "history"


def test_a_dropped_facility_is_removed_and_its_positions_come_again_with_it() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    partition.balances.drop_facility("a", 7)
    (left,) = partition.balances.take_events(partition.next)
    assert isinstance(left, FacilityFacts)
    assert left.removed
    partition.wait(2 * DAY_US)
    assert partition.take() == []
    partition.balances.put_facility(facility("a", "live"), 6)  # an older record
    assert partition.balances.take_events(partition.next) == ()
    partition.balances.put_facility(facility("a", "live"), 8)
    assert [type(event) for event in partition.balances.take_events(partition.next)] == [
        FacilityFacts,
        Position,
    ]


def test_an_analysis_is_shown_until_it_runs_out_and_a_newer_one_supersedes_it() -> None:
    partition = Partition()

    def analysed(value: float, sampled_us: int, until_us: int) -> None:
        analysis = Property(
            name="loi",
            value=value,
            unit="%",
            sampled_at=moment(sampled_us),
            valid_until=moment(until_us),
        )
        partition.flow(NOW_2024, quantity=0, properties=(analysis,))

    analysed(3.0, NOW_2024 - 3 * HOUR_US, NOW_2024 + 30 * DAY_US)
    assert [p.properties[0].value for p in partition.take()] == [3.0]
    analysed(7.0, NOW_2024 - HOUR_US, NOW_2024 + HOUR_US)
    assert [p.properties[0].value for p in partition.take()] == [7.0]
    analysed(5.0, NOW_2024 - 2 * HOUR_US, NOW_2024 + 30 * DAY_US)
    assert partition.take() == []
    analysed(8.0, NOW_2024 - HOUR_US, NOW_2024 + HOUR_US)
    assert [p.properties[0].value for p in partition.take()] == [8.0]
    partition.wait(HOUR_US)
    assert [p.properties for p in partition.take()] == [()]


def test_flags_and_the_least_certain_kind_are_of_the_day_of_as_of_and_the_day_before() -> None:
    partition = Partition()
    midnight = NOW_2024 // DAY_US * DAY_US
    simulated: dict[str, Any] = {"data_kind": DataKind.SIMULATED, "flags": ("substitute",)}
    partition.flow(midnight - DAY_US, **simulated)
    partition.flow(midnight - 2 * DAY_US, **simulated)
    partition.flow(midnight + HOUR_US)
    assert [(p.flags, p.data_kind) for p in partition.take()] == [((), DataKind.MEASURED)]
    partition.flow(midnight - HOUR_US, **simulated)
    partition.flow(midnight - 3 * DAY_US, **simulated)
    expected = [(("substitute",), DataKind.SIMULATED)]
    assert [(p.flags, p.data_kind) for p in partition.take()] == expected


def test_a_flow_that_is_too_old_for_every_window_is_counted_as_late() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.flow(NOW_2024 - 36 * DAY_US)
    (position,) = partition.take()
    assert (position.late, partition.balances.late, partition.balances.applied) == (1, 1, 2)
    assert position.quantity_24h == 1_000_000


def test_every_late_flow_is_told_although_nothing_else_has_changed() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    for told in (1, 2):
        partition.flow(NOW_2024 - 36 * DAY_US)
        assert [position.late for position in partition.take()] == [told]
    assert partition.take() == []


def test_a_reading_in_order_changes_two_parts_only_its_head_and_its_identity() -> None:
    partition = Partition()
    partition.flow(NOW_2024 - HOUR_US, quantity=10**6)
    partition.take()
    partition.flow(NOW_2024 - HOUR_US, quantity=1)
    partition.balances.take_events(partition.next)
    assert sorted(key[:1] for key in partition.balances.take_parts()) == [b"h", b"i"]
    assert partition.balances.take_parts() == {}


def test_what_a_commit_would_save_is_counted_by_series_until_it_is_taken() -> None:
    partition = Partition()
    facilities = partition.balances.changed
    assert facilities > 0
    partition.flow(NOW_2024 - HOUR_US)
    partition.flow(NOW_2024)
    assert partition.balances.changed == facilities + 1
    partition.take()
    assert partition.balances.changed == 0


def test_time_alone_changes_nothing_that_would_be_saved() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    partition.wait(HOUR_US)
    assert partition.balances.take_events(partition.next) == ()
    assert partition.balances.take_parts() == {}


def test_a_history_is_whole_although_the_state_was_restored_after_every_day() -> None:
    partition = Partition()
    midnight = NOW_2024 // DAY_US * DAY_US
    for day in range(16):
        partition.flow(midnight + (day - 16) * DAY_US + HOUR_US, quantity=1_000 + day)
        partition.take()
        saved = {key: value for key, value in partition.parts.items() if value is not None}
        partition.balances = PartitionBalances.restore(TOPIC, 0, RULES, saved, lambda _: 0)
        partition.wait(0)
    partition.flow(midnight + HOUR_US)
    (position,) = partition.take()
    assert (position.days_seen, position.firm_per_day) == (15, 1_002)
    assert position.interruptible_per_day == sum(range(1_001, 1_016)) // 15 - 1_002


@pytest.mark.parametrize(
    ("letter", "damage"),
    [(letter, damage) for letter in "fhiap" for damage in ("empty", "other version", "cut")]
    + [("n", "empty"), ("n", "other version")],  # a cut text is a text
)
def test_a_damaged_part_is_named(letter: str, damage: str) -> None:
    partition = Partition()
    analysis = Property(name="loi", value=3.5, unit="%")
    partition.flow(NOW_2024, properties=(analysis,))
    partition.take()
    parts = {key: value for key, value in partition.parts.items() if value is not None}
    damaged = next(key for key in parts if key[:1] == letter.encode())
    values = {
        "empty": b"",
        "other version": bytes([VERSION + 1]) + parts[damaged][1:],
        "cut": bytes([VERSION]) + b"{",
    }
    parts[damaged] = values[damage]
    with pytest.raises(PartError) as caught:
        PartitionBalances.restore(TOPIC, 0, RULES, parts, lambda _: 0)
    assert caught.value.key == damaged


@pytest.mark.parametrize(
    "names", [("facility", "programme"), (*FACTS, "of a later version"), FACTS[:-1][1:]]
)
def test_a_facility_with_other_facts_than_are_known_is_named(names: tuple[str, ...]) -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    parts = {key: value for key, value in partition.parts.items() if value is not None}
    name = b"f\x00\x00\x00\x00"
    [head] = np.frombuffer(parts[name], FACILITY, 1).copy()
    body = json.dumps({"id": "a", "offset": 1, "facts": dict.fromkeys(names, "x")}).encode()
    head["facts"], head["id_bytes"] = facts_known(names), 1
    head["all_bytes"] = FACILITY.itemsize + 1 + len(body)
    parts[name] = head.tobytes() + b"a" + body
    with pytest.raises(PartError) as caught:
        PartitionBalances.restore(TOPIC, 0, RULES, parts, lambda _: 0)
    assert caught.value.key == name


def test_a_part_that_is_missing_is_named() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    parts = {key: value for key, value in partition.parts.items() if value is not None}
    del parts[b"f\x00\x00\x00\x00"]
    with pytest.raises(PartError) as caught:
        PartitionBalances.restore(TOPIC, 0, RULES, parts, lambda _: 0)
    assert caught.value.key == b"f\x00\x00\x00\x00"


def test_a_series_whose_material_left_the_catalogue_is_kept_but_not_published() -> None:
    partition = Partition()
    partition.flow(NOW_2024)
    partition.take()
    saved = {key: value for key, value in partition.parts.items() if value is not None}
    only_heat = {"heat": RULES["heat"]}
    balances = PartitionBalances.restore(TOPIC, 0, only_heat, saved, lambda _: 0)
    balances.clock(NOW_2024 + 2 * DAY_US)
    assert balances.take_events(1) == ()
    again = PartitionBalances.restore(TOPIC, 0, RULES, saved, lambda _: 0)
    again.clock(NOW_2024 + 2 * DAY_US)
    assert [type(event) for event in again.take_events(1)] == [Position]
