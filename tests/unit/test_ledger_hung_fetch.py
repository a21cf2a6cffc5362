"""A client that fetches nothing any more, though Kafka has records: the ledger knows how far it is behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

import tests.ledger.world
from runtime.log import TopicPartition
from runtime.sink_source import Fetched
from tests.ledger.world import Fate, MortalSource, World


class HungSource(MortalSource):
    """Gives no records, and knows the ends that it was last asked for, as a client of Kafka does."""

    ends: ClassVar[dict[TopicPartition, int]] = {}

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        start, self.ends[tp] = super().bounds(tp)
        return start, self.ends[tp]

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        del max_records, timeout_s
        return {}

    def known_end(self, tp: TopicPartition) -> int | None:
        return self.ends.get(tp)


def test_the_lag_is_known_within_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests.ledger.world, "MortalSource", HungSource)
    world = World()
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
