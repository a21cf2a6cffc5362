"""A client that fetches nothing any more, though Kafka has records: the ledger knows it and fetches anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

import tests.ledger.world
from runtime.log import TopicPartition
from runtime.sink_source import Fetched
from tests.ledger.world import Fate, MortalSource, World


class HungSource(MortalSource):
    """Gives no records until it is assigned again, and knows the ends that it was last asked for, like a client."""

    ends: ClassVar[dict[TopicPartition, int]] = {}
    assigned: ClassVar[int] = 0

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        type(self).assigned += 1
        super().assign(starts)

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        start, self.ends[tp] = super().bounds(tp)
        return start, self.ends[tp]

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        return {} if self.assigned == 1 else super().poll(max_records, timeout_s)

    def known_end(self, tp: TopicPartition) -> int | None:
        return self.ends.get(tp)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(tests.ledger.world, "MortalSource", HungSource)
    monkeypatch.setattr(HungSource, "assigned", 0)
    return World()


def test_the_lag_is_known_within_half_a_minute(world: World) -> None:
    sink = world.sink(Fate(), max_rows=3)
    sink.open()
    sink.step(0.0)
    assert sink.status.lag == 0
    world.produce(10)
    sink.step(0.0)
    assert sink.status.lag == 0
    world.clock.advance(30.0)
    sink.step(0.0)
    assert sink.status.lag == 10


def test_what_did_not_come_for_half_a_minute_is_fetched_anew(world: World) -> None:
    sink = world.sink(Fate(), max_rows=3)
    sink.open()
    world.produce(10)
    for seconds in (30.0, 29.0):  # the first look finds the records
        world.clock.advance(seconds)
        sink.step(0.0)
        assert (HungSource.assigned, sink.status.lag) == (1, 10)
    world.clock.advance(1.0)
    sink.step(0.0)
    assert HungSource.assigned == 2
    sink.finish()
    assert (world.lost(), world.doubled()) == (set(), set())


def test_a_topic_without_news_is_not_fetched_anew(world: World) -> None:
    sink = world.sink(Fate(), max_rows=3)
    sink.open()
    for _ in range(4):
        world.clock.advance(30.0)
        sink.step(0.0)
    assert HungSource.assigned == 1
