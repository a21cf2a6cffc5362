"""Reading a partition up to an end that was measured before: nothing less counts as all of it."""

from __future__ import annotations

from typing import cast

import pytest
from confluent_kafka import Consumer, KafkaError, Message

from runtime.clock import FakeClock
from runtime.kafka_reading import chunks_until
from runtime.log import LogError, TopicPartition

TP = TopicPartition("changelog", 0)


def _record(offset: int) -> Message:
    return Message(topic=TP.topic, partition=0, offset=offset)


def _end(offset: int) -> Message:
    return Message(
        topic=TP.topic, partition=0, offset=offset, error=KafkaError(KafkaError._PARTITION_EOF)
    )


class _Consumer:
    """Gives what it was made with, poll by poll, then nothing; a poll takes a second."""

    def __init__(self, clock: FakeClock, polls: list[list[Message]]) -> None:
        self._clock = clock
        self._polls = polls

    def consume(self, _most: int, _timeout_s: float) -> list[Message]:
        self._clock.sleep(1.0)
        return self._polls.pop(0) if self._polls else []


def _read(polls: list[list[Message]], end: int) -> list[int | None]:
    clock = FakeClock()
    consumer = cast("Consumer", _Consumer(clock, polls))
    return [one.offset() for some in chunks_until(consumer, clock, TP, end) for one in some]


def test_an_end_before_the_one_that_was_measured_is_none() -> None:
    """A broker that has just become the leader shows its log up to a mark that lags, and catches up."""
    polls = [[_record(0), _record(1), _end(2)], [_record(2), _record(3)], [_end(5)]]
    assert _read(polls, 5) == [0, 1, 2, 3]


def test_a_log_that_stays_shorter_than_it_was_is_no_whole_log() -> None:
    with pytest.raises(LogError, match="before offset 5"):
        _read([[_record(0), _end(1)]], 5)


def test_the_end_counts_where_the_last_offsets_hold_markers() -> None:
    assert _read([[_record(0)], [_end(2)]], 2) == [0]


def test_what_was_written_since_is_left_out() -> None:
    assert _read([[_record(0), _record(1), _record(2), _end(3)]], 2) == [0, 1]
