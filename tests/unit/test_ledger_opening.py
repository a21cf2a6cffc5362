"""Where the ledger goes on: what Kafka and the tables say, what a person has allowed, and when it stops instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from runtime.log import RecordsDamagedError, TopicPartition
from runtime.memory_sink_source import MemorySinkSource
from runtime.sink_source import Fetched, Position
from sinks.ledger import LedgerSink
from sinks.ledger_opening import Evidence, LedgerStoppedError, Opening, Permissions, decide
from sinks.ledger_protocol import Note, OffsetRange
from tests.ledger.world import TOPIC, Fate, World

TP = TopicPartition(TOPIC, 1)
NONE = Permissions()


def noted(after: int, last: int | None, pending: OffsetRange | None = None) -> Position:
    return Position(after, Note("id", last, pending).text())


def evidence(
    committed: Position | None, last: int | None, start: int = 0, end: int = 100
) -> Evidence:
    return Evidence(tp=TP, topic_id="id", start=start, end=end, committed=committed, last=last)


@pytest.mark.parametrize(
    ("known", "opening"),
    [
        (evidence(None, None, start=7), Opening(7, None)),
        (evidence(noted(10, 9), 9), Opening(10, 9)),
        (
            evidence(noted(10, 9, OffsetRange(10, 14)), 9),
            Opening(10, 9, OffsetRange(10, 14)),
        ),
        (
            evidence(noted(10, 9, OffsetRange(10, 14)), 14),
            Opening(10, 9, OffsetRange(10, 14)),
        ),
        (evidence(noted(10, 9), 14), Opening(10, 9, OffsetRange(10, 14))),
        (evidence(None, 14), Opening(0, None, OffsetRange(0, 14))),
    ],
    ids=["first", "idle", "announced", "inserted", "ahead of the note", "a group forgotten"],
)
def test_it_goes_on_where_the_tables_end(known: Evidence, opening: Opening) -> None:
    assert decide(known, NONE) == opening


@pytest.mark.parametrize(
    ("reason", "known", "allowed", "opening"),
    [
        (
            "topic_recreated",
            replace(evidence(noted(50, 49), None), topic_id="another"),
            Permissions(accept_new_topic=True),
            Opening(0, None),
        ),
        (
            "topic_recreated",
            replace(evidence(None, None, start=3), other_topic_id="another"),
            Permissions(accept_new_topic=True),
            Opening(3, None),
        ),
        (
            "gap",
            evidence(noted(10, 9), 9, start=20),
            Permissions(accept_gap=True),
            Opening(20, 9),
        ),
        (
            "gap",
            evidence(noted(10, 9, OffsetRange(10, 29)), 9, start=20),
            Permissions(accept_gap=True),
            Opening(20, 9, OffsetRange(10, 29)),
        ),
        (
            "table_behind_group",
            evidence(noted(10, 9), 4),
            Permissions(resume_from_table=True),
            Opening(0, None, OffsetRange(0, 4)),
        ),
        (
            "table_behind_group",
            evidence(noted(10, 9), None),
            Permissions(resume_from_table=True),
            Opening(0, None),
        ),
    ],
)
def test_it_stops_until_a_person_allows_it_and_then_goes_on_there(
    reason: str, known: Evidence, allowed: Permissions, opening: Opening
) -> None:
    with pytest.raises(LedgerStoppedError) as stopped:
        decide(known, NONE)
    assert stopped.value.reason == reason
    assert decide(known, allowed) == opening


@pytest.mark.parametrize(
    "allowed", [NONE, Permissions(accept_gap=True), Permissions(accept_new_topic=True)]
)
def test_a_log_that_lost_its_end_is_never_gone_on_with(allowed: Permissions) -> None:
    with pytest.raises(LedgerStoppedError) as stopped:
        decide(evidence(noted(50, 49), 49, end=40), allowed)
    assert stopped.value.reason == "log_cut"


def test_a_topic_made_again_under_a_running_sink_stops_it() -> None:
    world = World()
    world.produce(12)
    sink = world.sink(Fate(), max_rows=3)
    sink.open()
    sink.step(0.0)
    world.topics.recreate(TOPIC)
    world.clock.advance(60.0)
    with pytest.raises(LedgerStoppedError) as stopped:
        sink.step(0.0)
    assert stopped.value.reason == "topic_recreated"


def test_records_that_retention_took_stop_the_sink_and_a_permission_costs_the_others_nothing() -> (
    None
):
    world = World()
    world.produce(40)
    assert world.live(None)
    world.produce(40)
    start, end = world.topics.source("any").bounds(TP)
    world.topics.delete_before(TP, end - 5)
    with pytest.raises(LedgerStoppedError) as stopped:
        world.live(None)
    assert stopped.value.reason == "gap"
    world.permissions = Permissions(accept_gap=True)
    assert world.live(None)
    assert {partition for _, partition, _ in world.lost()} == {1}
    assert all(start <= offset < end - 5 for _, _, offset in world.lost())


def test_retention_that_passes_a_running_sink_costs_the_other_partitions_nothing() -> None:
    world = World(permissions=Permissions(accept_gap=True))
    world.produce(40)
    sink = world.sink(Fate(), max_rows=3)
    sink.open()
    sink.step(0.0)
    world.produce(40)
    _, end = world.topics.source("any").bounds(TP)
    world.topics.delete_before(TP, end - 5)
    for _ in range(60):
        sink.step(0.0)
        world.clock.advance(0.5)
    sink.finish()
    assert {partition for _, partition, _ in world.lost()} == {1}
    assert not world.doubled()


def test_records_that_are_damaged_stop_the_sink_after_what_came_before_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def damaged(*_: object) -> Mapping[TopicPartition, Fetched]:
        raise RecordsDamagedError(TP, "failed CRC32C check")

    world = World()
    world.produce(40)
    sink = world.sink(Fate(), max_rows=1_000, linger_s=5.0)
    sink.open()
    sink.step(0.0)
    assert world.lost() == world.expected
    monkeypatch.setattr(MemorySinkSource, "poll", damaged)
    with pytest.raises(LedgerStoppedError, match="CRC32C") as stopped:
        sink.step(0.0)
    assert (stopped.value.tp, stopped.value.reason) == (TP, "records_damaged")
    assert not world.lost()
    assert not world.doubled()


@pytest.mark.parametrize("permission", ["accept_gap", "accept_new_topic"])
def test_what_a_person_has_accepted_is_not_asked_again_though_nothing_came(permission: str) -> None:
    world = World()
    world.produce(40)
    assert world.live(None)
    if permission == "accept_gap":
        world.produce(40)
        for number in range(2):
            tp = TopicPartition(TOPIC, number)
            world.topics.delete_before(tp, world.topics.log(tp).end)
    else:
        world.topics.recreate(TOPIC)
    with pytest.raises(LedgerStoppedError):
        world.live(None)
    world.permissions = Permissions(**{permission: True})
    assert world.live(None)
    world.permissions = Permissions()
    assert world.live(None)


def test_what_was_fetched_of_a_topic_that_is_made_again_is_written_first() -> None:
    world = World()
    world.produce(24)
    sink = world.sink(Fate(), max_rows=1_000, linger_s=100.0)
    sink.open()
    sink.step(0.0)
    assert not world.tables.rows
    world.topics.recreate(TOPIC)
    world.clock.advance(60.0)
    with pytest.raises(LedgerStoppedError):
        sink.step(0.0)
    assert not world.lost()


def test_a_topic_that_is_made_again_before_anything_was_written_is_not_opened_again() -> None:
    world = World()
    world.produce(24)
    sink = world.sink(Fate(), max_rows=1_000, linger_s=100.0)
    sink.open()
    sink.step(0.0)
    world.topics.recreate(TOPIC)
    with pytest.raises(LedgerStoppedError, match="topic_recreated"):
        sink.open()


def _at_rest(world: World) -> LedgerSink:
    """Return a sink that has written everything and told Kafka so."""
    world.produce(24)
    sink = world.sink(Fate(), max_rows=1_000)
    sink.open()
    for _ in range(10):
        sink.step(0.0)
        world.clock.advance(1.0)
    return sink


def test_positions_are_told_again_every_day_lest_kafka_forgets_them() -> None:
    world = World()
    sink = _at_rest(world)
    told = dict(world.topics.positions)
    world.topics.positions.clear()
    sink.step(0.0)
    assert world.topics.positions == {}
    world.clock.advance(86_400.0)
    sink.step(0.0)
    assert world.topics.positions == told


def test_a_marker_that_is_read_after_the_position_was_told_does_not_stay_as_lag() -> None:
    world = World()
    sink = _at_rest(world)
    for number in range(2):
        world.topics.append_marker(TopicPartition(TOPIC, number))
    for _ in range(2):
        sink.step(0.0)
    for number in range(2):
        tp = TopicPartition(TOPIC, number)
        assert world.topics.positions["ledger", tp].next == world.topics.log(tp).end
