"""What the fetching thread meets is raised where somebody polls; an error that cost records is never passed over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from runtime.clock import SystemClock
from runtime.log import TopicPartition
from runtime.memory_sink_source import MemorySinkSource, MemoryTopics
from runtime.prefetching_source import PrefetchingSource
from runtime.sink_source import Columns, Fetched, OffsetGoneError

A, B = TopicPartition("readings", 0), TopicPartition("readings", 1)
CLOCK = SystemClock()


@dataclass
class Scripted(MemorySinkSource):
    """Answers each poll in turn, then with nothing."""

    answers: list[Callable[[], Mapping[TopicPartition, Fetched]]]
    polled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(MemoryTopics({"readings": 2}), "group")

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        if not self.answers:
            CLOCK.sleep(0.01)
            return {}
        self.polled.set()
        return self.answers.pop(0)()


def _gone() -> Mapping[TopicPartition, Fetched]:
    """A's offset is gone: what the same fetch brought of B, up to offset 9, is dropped with that."""
    raise OffsetGoneError(A, "offset out of range")


def _bad() -> Mapping[TopicPartition, Fetched]:
    raise LookupError("nobody thought of this")


def _of_b() -> Mapping[TopicPartition, Fetched]:
    return {B: Fetched(Columns([10, 11], [0, 0], [None, None], [b"x", b"x"]), 12)}


def test_an_error_of_any_kind_is_raised_where_somebody_polls() -> None:
    source = PrefetchingSource(Scripted([_bad]), 10)
    source.assign({A: 0})
    with pytest.raises(LookupError):
        source.poll(10, 10.0)
    source.assign({A: 0})  # and nobody waits for a thread that is gone
    source.close()


def test_a_seek_hides_no_error_that_cost_records_of_other_partitions() -> None:
    scripted = Scripted([_gone, _of_b])
    source = PrefetchingSource(scripted, 10)
    source.assign({A: 0, B: 0})
    assert scripted.polled.wait(10)
    CLOCK.sleep(0.05)
    source.seek(A, 5)
    with pytest.raises(OffsetGoneError):
        source.poll(10, 1.0)
    source.close()
