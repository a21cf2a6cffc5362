"""What librdkafka's clients do not get over by themselves: that a partition had no leader, that a broker hung.

A real broker leads to either in the moment after it was frozen for half a minute, and not each time: `make chaos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

import runtime.kafka_clients
import runtime.kafka_log
import runtime.kafka_sink_source
from runtime.clock import FakeClock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings, TopicDescriber
from runtime.log import LogError, TopicDescription, TopicPartition
from runtime.sink_source import SourceUnavailableError

TP = TopicPartition("readings", 0)


class _Client:
    """Answers like librdkafka: from what it remembers, until it is asked for the cluster's topics."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._stale = True

    def __call__(self, *_: Any, **__: Any) -> _Client:
        return self

    def list_topics(self, **_: Any) -> None:
        self._stale = False

    def list_offsets(self, asked: Mapping[Any, Any], **_: Any) -> Mapping[Any, Future[Any]]:
        answer: Future[Any] = Future()
        if self._stale:
            answer.set_exception(KafkaException(KafkaError(self._code)))
        else:
            answer.set_result(SimpleNamespace(offset=7))
        return dict.fromkeys(asked, answer)

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        if self._stale:
            raise KafkaException(KafkaError(self._code))
        return 0, 7


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._NOENT,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
    ],
)
def test_a_log_looks_again(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(runtime.kafka_clients, "AdminClient", _Client(code))
    log = KafkaLog(KafkaConnection("nowhere:9092"), FakeClock())
    assert log.bounds(TP) == (7, 7)


def test_a_sink_source_looks_again_for_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        runtime.kafka_sink_source, "Consumer", _Client(KafkaError._UNKNOWN_PARTITION)
    )
    source = KafkaSinkSource(SinkSourceSettings(bootstrap="nowhere:9092", group="sink"))
    with pytest.raises(SourceUnavailableError):
        source.bounds(TP)
    assert source.bounds(TP) == (0, 7)


class _Hung:
    """An admin client of which the first waits for its controller for ever, and those made after it do not."""

    made = 0

    def __init__(self, *_: Any) -> None:
        self._hangs = _Hung.made == 0
        _Hung.made += 1

    def describe_topics(self, topics: Any, **_: Any) -> Mapping[str, Future[Any]]:
        answer: Future[Any] = Future()
        if self._hangs:
            answer.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
        else:
            answer.set_result(SimpleNamespace(topic_id="id", partitions=[0, 1]))
        return {"readings": answer}


def test_an_admin_client_that_hangs_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.kafka_clients, "AdminClient", _Hung)
    described = TopicDescription("readings", "id", 2)
    _Hung.made = 0
    describer = TopicDescriber(SinkSourceSettings(bootstrap="nowhere:9092", group="sink"))
    with pytest.raises(SourceUnavailableError):
        describer.describe("readings")
    assert describer.describe("readings") == described
    _Hung.made = 0
    log = KafkaLog(KafkaConnection("nowhere:9092"), FakeClock())
    with pytest.raises(LogError):
        log.describe("readings")
    assert log.describe("readings") == described


class _HungConsumer:
    """Stands for consumers of which the first never comes to its coordinator."""

    made = closed = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        self.number = type(self).made
        type(self).made += 1

    def committed(self, asked: Any, *_: Any, **__: Any) -> Any:
        if self.number in self.hanging:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [SimpleNamespace(topic=TP.topic, partition=0, offset=5, error=None, metadata="")]

    hanging: frozenset[int] = frozenset()

    def close(self) -> None:
        type(self).closed += 1


def test_a_consumer_that_hangs_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Made(_HungConsumer):
        hanging = frozenset({1})  # the sink source makes the one that fetches first

    monkeypatch.setattr(runtime.kafka_sink_source, "Consumer", Made)
    source = KafkaSinkSource(SinkSourceSettings(bootstrap="nowhere:9092", group="sink"))
    with pytest.raises(SourceUnavailableError):
        source.committed([TP])
    assert source.committed([TP])[TP].next == 5

    class Asking(_HungConsumer):
        hanging = frozenset({0})

    monkeypatch.setattr(runtime.kafka_log, "Consumer", Asking)
    log = KafkaLog(KafkaConnection("nowhere:9092"), FakeClock())
    with pytest.raises(LogError):
        log.group_positions("group", [TP])
    assert log.group_positions("group", [TP]) == {TP: 5}
