"""One behaviour suite for every log: in memory and on the embedded Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest

import runtime.kafka_writer
from runtime.clock import SystemClock
from runtime.failpoints import Place
from runtime.log import (
    FencedError,
    Log,
    OutRecord,
    RetriableCommitError,
    TopicMissingError,
    TopicPartition,
)
from runtime.memory_log import CommitFault, MemoryLog
from tests.stateful.kafka_control import KafkaControl
from tests.stateful.tally import INPUT, OUTPUT

NUMBERS = count()
LONG_COMMIT_S = 17.0
"""The former limit of 5 s, the 10 s between two looks of the broker for timed-out transactions, and a little more."""


@dataclass(frozen=True)
class Subject:
    """A log with two empty topics of two partitions, and a transactional id of its own."""

    log: Log
    control: KafkaControl | None
    first: str
    second: str
    transactional_id: str

    def append(self, tp: TopicPartition, key: bytes, value: bytes) -> int:
        if self.control is not None:
            return self.control.append(tp, key, value)
        assert isinstance(self.log, MemoryLog)
        return self.log.append(tp, key, value)

    def cut(self, tp: TopicPartition, start: int) -> None:
        if self.control is not None:
            self.control.cut(tp, start)
        else:
            assert isinstance(self.log, MemoryLog)
            self.log.cut(tp, start)

    def values(self, tp: TopicPartition) -> list[bytes | None]:
        return [record.value for record in self.log.read(tp, *self.log.bounds(tp))]


def written_out(log: Log, transactional_id: str) -> None:
    """Wait until the markers of the last transaction are written: the next writer does not come before."""
    log.open_writer(transactional_id).close()


@pytest.fixture(params=["memory", "kafka"])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    prefix = f"log-{next(NUMBERS)}."
    if request.param == "memory":
        log = MemoryLog()
        for topic in (INPUT, OUTPUT):
            log.create_topic(prefix + topic, 2)
        yield Subject(log, None, prefix + INPUT, prefix + OUTPUT, prefix)
        return
    bootstrap: str = request.getfixturevalue("kafka")
    control = KafkaControl(bootstrap, prefix, 2)
    yield Subject(control.log, control, prefix + INPUT, prefix + OUTPUT, prefix)
    control.close(prefix)


def test_a_topic_is_described_by_id_and_partitions(subject: Subject) -> None:
    first, second = subject.log.describe(subject.first), subject.log.describe(subject.second)
    assert (first.topic, first.partitions) == (subject.first, 2)
    assert first.topic_id != second.topic_id
    assert subject.log.describe(subject.first) == first


def test_a_missing_topic_is_said_by_name(subject: Subject) -> None:
    with pytest.raises(TopicMissingError, match="nowhere"):
        subject.log.describe("nowhere")


def test_a_commit_shows_all_its_records_and_takes_one_more_offset_in_each_partition(
    subject: Subject,
) -> None:
    one, two = TopicPartition(subject.first, 0), TopicPartition(subject.second, 1)
    writer = subject.log.open_writer(subject.transactional_id)
    writer.commit([OutRecord(one, b"k", b"a"), OutRecord(two, b"k", b"b", (("ce_id", b"1"),))])
    end = writer.commit([OutRecord(one, b"k", b"c")])
    writer.close()
    written_out(subject.log, subject.transactional_id)
    assert subject.log.bounds(one)[1] == end
    assert subject.values(one) == [b"a", b"c"]
    assert subject.values(two) == [b"b"]
    assert subject.log.bounds(one) == (0, 4)
    assert [record.offset for record in subject.log.read(one, 0, 4)] == [0, 2]
    assert [record.value for record in subject.log.read(one, 1, 4)] == [b"c"]


def test_the_latest_value_of_each_key_is_told_and_deleted_keys_are_not(subject: Subject) -> None:
    tp = TopicPartition(subject.first, 0)
    for key, value in ((b"a", b"1"), (b"b", b"1"), (b"c", b"1"), (b"a", b"2")):
        subject.append(tp, key, value)
    writer = subject.log.open_writer(subject.transactional_id)
    writer.commit(
        [OutRecord(tp, b"b", None), OutRecord(tp, b"d", b""), OutRecord(tp, None, b"no key")]
    )
    writer.close()
    written_out(subject.log, subject.transactional_id)
    _, end = subject.log.bounds(tp)
    assert subject.log.latest(tp, 0, end) == {b"a": b"2", b"c": b"1", b"d": b""}
    assert subject.log.latest(tp, 1, 3) == {b"b": b"1", b"c": b"1"}
    assert subject.log.latest(tp, 4, 4) == {}


def test_a_new_writer_fences_the_former_one(subject: Subject) -> None:
    tp = TopicPartition(subject.first, 0)
    former = subject.log.open_writer(subject.transactional_id)
    former.commit([OutRecord(tp, b"k", b"before")])
    present = subject.log.open_writer(subject.transactional_id)
    with pytest.raises(FencedError):
        former.commit([OutRecord(tp, b"k", b"zombie")])
    present.commit([OutRecord(tp, b"k", b"after")])
    former.close()
    present.close()
    assert subject.values(tp) == [b"before", b"after"]


def test_what_retention_deleted_is_below_the_start(subject: Subject) -> None:
    tp = TopicPartition(subject.first, 1)
    for number in range(4):
        assert subject.append(tp, b"k", b"%d" % number) == number
    subject.cut(tp, 3)
    assert subject.log.bounds(tp) == (3, 4)
    assert subject.values(tp) == [b"3"]


def test_a_group_that_never_committed_has_no_positions(subject: Subject) -> None:
    tp = TopicPartition(subject.first, 0)
    assert subject.log.group_positions(f"{subject.transactional_id}nobody", [tp]) == {}


def test_a_tombstone_is_a_record_without_a_value(subject: Subject) -> None:
    tp = TopicPartition(subject.first, 0)
    writer = subject.log.open_writer(subject.transactional_id)
    writer.commit([OutRecord(tp, b"k", None)])
    writer.close()
    assert [record[:3] for record in subject.log.read(tp, 0, 2)] == [(0, b"k", None)]


def test_in_memory_a_commit_whose_answer_was_lost_is_written_once_when_repeated() -> None:
    log = MemoryLog()
    log.create_topic("a", 1)
    tp = TopicPartition("a", 0)
    writer = log.open_writer("w")
    log.faults.append(CommitFault.LOST_RESPONSE)
    with pytest.raises(RetriableCommitError):
        writer.commit([OutRecord(tp, b"k", b"v")])
    assert writer.commit([OutRecord(tp, b"k", b"v")]) == log.bounds(tp)[1]
    assert [record.value for record in log.read(tp, 0, 9)] == [b"v"]


@pytest.mark.kafka
@pytest.mark.slow
def test_a_commit_may_take_longer_than_the_broker_waits_for_its_next_look(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dawdle(place: Place) -> None:
        if place == "commit.produced":
            SystemClock().sleep(LONG_COMMIT_S)

    monkeypatch.setattr(runtime.kafka_writer, "reach", dawdle)
    prefix = f"log-{next(NUMBERS)}."
    control = KafkaControl(kafka, prefix)
    tp = TopicPartition(prefix + OUTPUT, 0)
    writer = control.log.open_writer(prefix)
    writer.commit([OutRecord(tp, b"k", b"all of it")])
    written_out(control.log, prefix)
    found = [record.value for record in control.log.read(tp, *control.log.bounds(tp))]
    assert found == [b"all of it"]
    writer.close()
    control.close(prefix)
