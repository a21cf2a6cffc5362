"""What librdkafka's clients do not get over by themselves: that a partition had no leader, that a broker hung.

A real broker leads to either in the moment after it was frozen for half a minute, and not each time: `make chaos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

import runtime.kafka_clients
import runtime.kafka_keeper
import runtime.kafka_log
import runtime.kafka_sink_source
from runtime.clock import FakeClock
from runtime.kafka_keeper import KafkaKeeper
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings, TopicDescriber
from runtime.log import LogError, RecordsDamagedError, TopicDescription, TopicPartition
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


def test_a_keeper_looks_again_for_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    client = _Client(KafkaError._UNKNOWN_PARTITION)
    monkeypatch.setattr(runtime.kafka_keeper, "Consumer", client)
    keeper = KafkaKeeper({}, timeout_s=1.0, clock=FakeClock())
    with pytest.raises(SourceUnavailableError):
        keeper.bounds(TP)
    assert keeper.bounds(TP) == (0, 7)


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
    """Stands for consumers of which the first hangs: it comes to no coordinator and fetches nothing."""

    made = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        self._hangs = _HungConsumer.made == 0
        _HungConsumer.made += 1
        self.place = -1

    def committed(self, asked: Any, *_: Any, **__: Any) -> Any:
        if self._hangs:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [SimpleNamespace(topic=TP.topic, partition=0, offset=5, error=None, metadata="")]

    def assign(self, places: list[Any]) -> None:
        [self.place] = [one.offset for one in places]

    def consume(self, *_: Any) -> list[_Fetched]:
        if self._hangs:
            return []
        self.place += 1
        return [_Fetched(self.place - 1)]

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        return 0, 7

    def close(self) -> None:
        """Leave, as somebody does who is not waited for."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A record, as confluent-kafka gives it."""

    at: int

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return TP.topic

    def partition(self) -> int:
        return TP.partition

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return 1, 0

    def key(self) -> None:
        return None

    def value(self) -> bytes:
        return b"value"


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_HungConsumer, "made", 0)
    for module in (runtime.kafka_keeper, runtime.kafka_log):
        monkeypatch.setattr(module, "Consumer", _HungConsumer)


@pytest.mark.usefixtures("hung")
def test_a_keeper_that_hangs_is_made_anew() -> None:
    keeper = KafkaKeeper({}, timeout_s=1.0, clock=FakeClock())
    with pytest.raises(SourceUnavailableError):
        keeper.committed([TP])
    assert keeper.committed([TP])[TP].next == 5


def _fetching(monkeypatch: pytest.MonkeyPatch, clock: FakeClock, start: int) -> KafkaSinkSource:
    """Return a source that has polled for 31 s; its first client fetches nothing, where Kafka ends at 7."""
    monkeypatch.setattr(_HungConsumer, "made", 0)
    monkeypatch.setattr(runtime.kafka_sink_source, "Consumer", _HungConsumer)
    monkeypatch.setattr(runtime.kafka_keeper, "Consumer", _Client(KafkaError._NOENT))
    settings = SinkSourceSettings(bootstrap="nowhere:9092", group="sink")
    source = KafkaSinkSource(settings, clock=clock)
    with pytest.raises(SourceUnavailableError):
        source.bounds(TP)  # from now on it knows
    source.assign({TP: start})
    for _ in range(31):
        assert source.poll(10, 0.0) == {}
        clock.sleep(1.0)
    return source


def test_a_client_that_fetches_nothing_of_what_kafka_has_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    source = _fetching(monkeypatch, clock, 3)
    assert source.known_end(TP) == 7, "the lag is known before anything comes"
    for _ in range(29):
        assert source.poll(10, 0.0) == {}
        clock.sleep(1.0)
    assert source.poll(10, 0.0)[TP].columns.offsets == [3]
    assert source.poll(10, 0.0)[TP].columns.offsets == [4]


def test_a_client_at_the_end_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    source = _fetching(monkeypatch, clock, 7)
    for _ in range(90):
        assert source.poll(10, 0.0) == {}
        clock.sleep(1.0)
    assert _HungConsumer.made == 1


def test_a_client_that_nobody_polled_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    source = _fetching(monkeypatch, clock, 3)
    for _ in range(5):
        clock.sleep(40.0)  # the sink waits for its database
        assert source.poll(10, 0.0) == {}
    assert _HungConsumer.made == 1


@pytest.mark.usefixtures("hung")
def test_a_consumer_that_asks_for_a_group_and_hangs_is_made_anew() -> None:
    log = KafkaLog(KafkaConnection("nowhere:9092"), FakeClock())
    with pytest.raises(LogError):
        log.group_positions("group", [TP])
    assert log.group_positions("group", [TP]) == {TP: 5}


class _Troubled(_HungConsumer):
    """Gives a record, then an error of the partition, and then another record."""

    code = 0

    def consume(self, *_: Any) -> list[Any]:
        told = SimpleNamespace(
            error=lambda: KafkaError(self.code, "the broker's own words"),
            topic=lambda: TP.topic,
            partition=lambda: TP.partition,
            offset=lambda: -1001,
        )
        return [_Fetched(3), told, _Fetched(4)]


def _troubled(monkeypatch: pytest.MonkeyPatch, code: int) -> KafkaSinkSource:
    monkeypatch.setattr(_Troubled, "code", code)
    monkeypatch.setattr(runtime.kafka_sink_source, "Consumer", _Troubled)
    return KafkaSinkSource(SinkSourceSettings(bootstrap="nowhere:9092", group="sink"))


@pytest.mark.parametrize(
    "code", [KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._AUTHENTICATION, KafkaError._FATAL]
)
def test_a_broker_that_refuses_to_be_read_is_the_cause_that_is_told(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    source = _troubled(monkeypatch, code)
    assert source.poll(10, 0.0)[TP].columns.offsets == [3, 4], "nothing that came is lost"
    with pytest.raises(SourceUnavailableError, match="the broker's own words"):
        source.poll(10, 0.0)
    assert source.poll(10, 0.0)[TP].columns.offsets == [3, 4], "and it is asked again"


@pytest.mark.parametrize("code", [KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION])
def test_what_cannot_be_unpacked_is_damage_and_nothing_behind_it_is_read(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    source = _troubled(monkeypatch, code)
    assert source.poll(10, 0.0)[TP].columns.offsets == [3]
    with pytest.raises(RecordsDamagedError):
        source.poll(10, 0.0)


def test_an_error_that_the_client_gets_over_by_itself_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = _troubled(monkeypatch, KafkaError._ALL_BROKERS_DOWN)
    for _ in range(3):
        assert source.poll(10, 0.0)[TP].columns.offsets == [3, 4]


def test_a_source_lets_the_broker_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    class Asking(_Troubled):
        def __init__(self, settings: dict[str, object], **more: object) -> None:
            asked.append(settings)
            super().__init__(settings, **more)

    monkeypatch.setattr(runtime.kafka_sink_source, "Consumer", Asking)
    KafkaSinkSource(SinkSourceSettings(bootstrap="nowhere:9092", group="sink"))
    gathering = SinkSourceSettings(bootstrap="nowhere:9092", group="sink", gather_bytes=70_000)
    KafkaSinkSource(gathering)
    assert [one["fetch.min.bytes"] for one in asked] == [1, 70_000]
