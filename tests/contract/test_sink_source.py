"""What a sink may rely on of its source, on topics in memory and on a real Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol, cast

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as VendorPartition
from confluent_kafka.admin import AdminClient

from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.log import TopicMissingError, TopicPartition
from runtime.memory_sink_source import MemoryTopics
from runtime.prefetching_source import PrefetchingSource
from runtime.sink_source import (
    ClaimLostError,
    Columns,
    OffsetGoneError,
    Position,
    SinkSource,
    SourceUnavailableError,
    TakenOverError,
)
from runtime.topics import TopicAdmin, TopicSpec

NUMBERS = count()


class Cluster(Protocol):
    """What the tests do to a cluster."""

    @property
    def topic(self) -> str: ...
    def source(self) -> SinkSource: ...
    def write(self, partition: int, *values: bytes | None) -> None: ...
    def write_aborted(self, partition: int) -> None: ...
    def delete_before(self, partition: int, offset: int) -> None: ...
    def recreate(self) -> None: ...


@dataclass
class MemoryCluster:
    topic: str = "orders"
    topics: MemoryTopics = field(default_factory=lambda: MemoryTopics({"orders": 2}))

    def source(self) -> SinkSource:
        return self.topics.source("group")

    def write(self, partition: int, *values: bytes | None) -> None:
        for value in values:
            self.topics.append(TopicPartition(self.topic, partition), b"key", value, 1)

    def write_aborted(self, partition: int) -> None:
        self.topics.append_marker(TopicPartition(self.topic, partition))

    def delete_before(self, partition: int, offset: int) -> None:
        self.topics.delete_before(TopicPartition(self.topic, partition), offset)

    def recreate(self) -> None:
        self.topics.recreate(self.topic)


@dataclass
class KafkaCluster:
    bootstrap: str
    topic: str

    def source(self) -> SinkSource:
        settings = SinkSourceSettings(
            bootstrap=self.bootstrap, group=f"group-of-{self.topic}", timeout_s=60.0
        )
        return KafkaSinkSource(settings)

    def write(self, partition: int, *values: bytes | None) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 0})
        for value in values:
            producer.produce(self.topic, value, b"key", partition)
        assert producer.flush(60) == 0

    def write_aborted(self, partition: int) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": self.topic})
        producer.init_transactions(60)
        producer.begin_transaction()
        producer.produce(self.topic, b"aborted", b"key", partition)
        producer.flush(60)
        producer.abort_transaction(60)

    def delete_before(self, partition: int, offset: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        wanted = VendorPartition(self.topic, partition, offset)
        answers = cast("Mapping[object, Future[object]]", admin.delete_records([wanted]))
        answers[wanted].result(60)

    def recreate(self) -> None:
        client = AdminClient({"bootstrap.servers": self.bootstrap})
        answers = cast("Mapping[object, Future[object]]", client.delete_topics([self.topic]))
        answers[self.topic].result(60)
        source = self.source()
        self._until(lambda: not _exists(source, self.topic))
        TopicAdmin({"bootstrap.servers": self.bootstrap}).apply([TopicSpec(self.topic, 2)])
        self._until(lambda: _exists(source, self.topic))
        source.close()

    def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline


def _exists(source: SinkSource, topic: str) -> bool:
    try:
        source.describe(topic)
    except TopicMissingError:
        return False
    return True


@dataclass
class Prefetched:
    """The same cluster, read by a source that fetches in a thread of its own."""

    inner: Cluster
    sources: list[PrefetchingSource] = field(default_factory=list[PrefetchingSource])

    @property
    def topic(self) -> str:
        return self.inner.topic

    def source(self) -> SinkSource:
        self.sources.append(PrefetchingSource(self.inner.source(), 100))
        return self.sources[-1]

    def write(self, partition: int, *values: bytes | None) -> None:
        self.inner.write(partition, *values)

    def write_aborted(self, partition: int) -> None:
        self.inner.write_aborted(partition)

    def delete_before(self, partition: int, offset: int) -> None:
        self.inner.delete_before(partition, offset)

    def recreate(self) -> None:
        self.inner.recreate()


KINDS = (
    "memory",
    "memory, prefetched",
    pytest.param("kafka", marks=pytest.mark.kafka),
    pytest.param("kafka, prefetched", marks=pytest.mark.kafka),
)


@pytest.fixture(params=KINDS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    kind: str = request.param
    inner = _on_kafka(request.getfixturevalue("kafka")) if "kafka" in kind else MemoryCluster()
    if "prefetched" not in kind:
        yield inner
        return
    prefetched = Prefetched(inner)
    yield prefetched
    for source in prefetched.sources:
        source.close()


def _on_kafka(bootstrap: str) -> KafkaCluster:
    made = KafkaCluster(bootstrap, f"sink.source.{next(NUMBERS)}.v1")
    TopicAdmin({"bootstrap.servers": bootstrap}).apply([TopicSpec(made.topic, 2)])
    return made


def _read(source: SinkSource, tp: TopicPartition, until: int) -> Columns:
    """Read one partition until its fetch position is at `until`; give up after half a minute."""
    read = Columns()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        fetched = source.poll(100, 0.05).get(tp)
        if fetched is not None:
            read.extend(fetched.columns)
            if fetched.next >= until:
                return read
    raise AssertionError(f"stopped at {read.offsets[-1:]} before {until}")


def test_records_come_with_offsets_keys_values_and_append_times(cluster: Cluster) -> None:
    cluster.write(0, b"a", None, b"c")
    tp = TopicPartition(cluster.topic, 0)
    source = cluster.source()
    source.assign({tp: 0})
    read = _read(source, tp, 3)
    assert read.offsets == [0, 1, 2]
    assert read.keys == [b"key"] * 3
    assert read.values == [b"a", None, b"c"]
    assert all(stamp > 0 for stamp in read.timestamps_ms)
    assert source.known_end(tp) == 3


def test_reading_starts_where_the_assignment_says(cluster: Cluster) -> None:
    cluster.write(1, b"a", b"b", b"c")
    tp = TopicPartition(cluster.topic, 1)
    source = cluster.source()
    source.assign({tp: 2})
    assert _read(source, tp, 3).values == [b"c"]


def test_after_a_seek_the_same_records_come_again(cluster: Cluster) -> None:
    cluster.write(0, b"a", b"b", b"c")
    tp = TopicPartition(cluster.topic, 0)
    source = cluster.source()
    source.assign({tp: 0})
    assert _read(source, tp, 3).values == [b"a", b"b", b"c"]
    source.seek(tp, 1)
    assert _read(source, tp, 3).values == [b"b", b"c"]


def test_what_is_aborted_is_never_seen_and_moves_the_position(cluster: Cluster) -> None:
    cluster.write(0, b"a")
    cluster.write_aborted(0)
    tp = TopicPartition(cluster.topic, 0)
    source = cluster.source()
    deadline = time.monotonic() + 30
    while (end := source.bounds(tp)[1]) <= 1:  # the marker is written behind the abort's answer
        assert time.monotonic() < deadline
    source.assign({tp: 0})
    assert _read(source, tp, end).values == [b"a"]


def test_a_group_that_never_committed_has_no_position(cluster: Cluster) -> None:
    assert cluster.source().committed([TopicPartition(cluster.topic, 0)]) == {}


def test_a_position_and_its_note_are_kept_for_the_group(cluster: Cluster) -> None:
    positions = {
        TopicPartition(cluster.topic, 0): Position(5, '{"v":1}'),
        TopicPartition(cluster.topic, 1): Position(7, ""),
    }
    cluster.source().commit(positions)
    assert cluster.source().committed(list(positions)) == positions


def test_a_commit_replaces_the_note(cluster: Cluster) -> None:
    tp = TopicPartition(cluster.topic, 0)
    source = cluster.source()
    source.commit({tp: Position(5, "pending")})
    source.commit({tp: Position(6, "")})
    assert source.committed([tp]) == {tp: Position(6, "")}


def test_who_claimed_a_group_last_commits_alone(cluster: Cluster) -> None:
    one, other = TopicPartition(cluster.topic, 0), TopicPartition(cluster.topic, 1)
    first, second = cluster.source(), cluster.source()
    first.claim([cluster.topic])
    first.commit({one: Position(5, "first"), other: Position(1, "first")})
    second.claim([cluster.topic])
    assert second.committed([one]) == {one: Position(5, "first")}
    with pytest.raises(TakenOverError):
        first.commit({one: Position(9, "too late"), other: Position(9, "too late")})
    second.commit({one: Position(6, "second")})
    assert second.committed([one, other]) == {
        one: Position(6, "second"),
        other: Position(1, "first"),
    }


def test_who_lost_a_group_may_claim_it_again(cluster: Cluster) -> None:
    tp = TopicPartition(cluster.topic, 0)
    first, second = cluster.source(), cluster.source()
    first.claim([cluster.topic])
    second.claim([cluster.topic])
    with pytest.raises(TakenOverError):
        first.commit({tp: Position(5)})
    first.claim([cluster.topic])
    first.commit({tp: Position(6)})
    assert second.committed([tp]) == {tp: Position(6)}
    with pytest.raises(TakenOverError):
        second.commit({tp: Position(7)})


def test_who_never_claimed_commits_nothing_beside_who_did(cluster: Cluster) -> None:
    tp = TopicPartition(cluster.topic, 0)
    owner, other = cluster.source(), cluster.source()
    other.commit({tp: Position(5)})
    owner.claim([cluster.topic])
    with pytest.raises(SourceUnavailableError):
        other.commit({tp: Position(9)})
    assert other.committed([tp]) == {tp: Position(5)}
    owner.commit({tp: Position(6)})
    assert other.committed([tp]) == {tp: Position(6)}


def test_a_commit_for_a_topic_that_is_gone_fails_and_leaves_the_claim(cluster: Cluster) -> None:
    tp = TopicPartition(cluster.topic, 0)
    source = cluster.source()
    source.claim([cluster.topic])
    with pytest.raises(SourceUnavailableError) as met:
        source.commit({TopicPartition("gone.v1", 0): Position(5)})
    assert not isinstance(met.value, ClaimLostError)
    source.commit({tp: Position(6)})
    assert source.committed([tp]) == {tp: Position(6)}


def test_bounds_are_the_first_offset_kept_and_the_end(cluster: Cluster) -> None:
    cluster.write(0, b"a", b"b", b"c")
    cluster.delete_before(0, 2)
    assert cluster.source().bounds(TopicPartition(cluster.topic, 0)) == (2, 3)


@pytest.mark.parametrize("offset", [1, 9])
def test_an_offset_that_is_gone_is_an_error_and_never_a_reset(
    cluster: Cluster, offset: int
) -> None:
    cluster.write(0, b"a", b"b", b"c")
    cluster.delete_before(0, 2)
    tp = TopicPartition(cluster.topic, 0)
    source = cluster.source()
    source.assign({tp: offset})
    with pytest.raises(OffsetGoneError):
        _read(source, tp, 99)


def test_that_an_offset_is_gone_is_told_although_another_partition_was_sought_meanwhile(
    cluster: Cluster,
) -> None:
    cluster.write(0, b"a", b"b")
    cluster.write(1, b"a", b"b", b"c")
    cluster.delete_before(1, 2)
    other, gone = TopicPartition(cluster.topic, 0), TopicPartition(cluster.topic, 1)
    source = cluster.source()
    source.assign({other: 0, gone: 0})
    time.sleep(2.0)  # a source that fetches by itself has met it by then
    source.seek(other, 0)
    with pytest.raises(OffsetGoneError) as met:
        _read(source, other, 99)
    assert met.value.tp == gone


def test_a_topic_made_again_has_another_id(cluster: Cluster) -> None:
    source = cluster.source()
    former = source.describe(cluster.topic)
    cluster.recreate()
    now = source.describe(cluster.topic)
    assert (former.partitions, now.partitions) == (2, 2)
    assert former.topic_id != now.topic_id


def test_a_missing_topic_is_said_so(cluster: Cluster) -> None:
    with pytest.raises(TopicMissingError):
        cluster.source().describe("nowhere.v1")


def test_topics_in_memory_can_be_out_of_reach() -> None:
    cluster = MemoryCluster()
    cluster.topics.reachable = False
    with pytest.raises(SourceUnavailableError):
        cluster.source().commit({})


def test_a_broker_that_does_not_answer_is_out_of_reach() -> None:
    settings = SinkSourceSettings(
        bootstrap="127.0.0.1:1", group="nobody", timeout_s=0.2, client={"log_level": 0}
    )
    source = KafkaSinkSource(settings)
    with pytest.raises(SourceUnavailableError):
        source.bounds(TopicPartition("orders", 0))
    with pytest.raises(SourceUnavailableError):
        source.claim(["orders"])
    with pytest.raises(ClaimLostError):
        source.commit({TopicPartition("orders", 0): Position(1)})
    source.close()
