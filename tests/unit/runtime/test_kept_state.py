"""A partition that was given up whole and comes back is not read again, unless somebody has written to it since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.assignment import Assignment
from runtime.log import Batch, OutRecord, Records, TopicPartition
from runtime.memory_log import MemoryLog
from runtime.opening import open_partition
from runtime.partition_actions import Close, Commit, Open, Seek, Stop, TaskSettings
from runtime.partition_head import HEAD_KEY
from runtime.partition_stops import TopicRecreated
from runtime.partition_task import PartitionTask
from tests.stateful.tally import CHANGELOG, INPUT, OUTPUT, SETUP, TallyStage, TallyState

NOW = 1_000_000_000
TP, PARTS = TopicPartition(INPUT, 0), TopicPartition(CHANGELOG, 0)
STAGE = TallyStage("")
SETTINGS = TaskSettings(
    stage="tally", group="tally", partition=0, inputs=(INPUT, SETUP), changelog=CHANGELOG
)


class CountingLog(MemoryLog):
    """A log that counts how often a changelog was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_back = 0

    def latest(self, tp: TopicPartition, start: int, end: int) -> dict[bytes, bytes]:
        self.read_back += tp == PARTS
        return super().latest(tp, start, end)


class Owner:
    """One worker that holds the partition, driven by hand."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.settings = SETTINGS
        self.assignment: Assignment[TallyState] = Assignment(
            lambda _, now, kept: PartitionTask(self.settings, STAGE, now, kept)
        )

    @property
    def task(self) -> PartitionTask[TallyState]:
        return self.assignment.tasks[0]

    def open(self) -> None:
        """Get the partition and come as far as the seek, or as the stop."""
        self.assignment.assign([0], NOW)
        action = self.task.step(NOW)
        assert isinstance(action, Open)
        self.writer, opened = open_partition(self.log, self.task.settings, STAGE, action)
        self.task.opened(opened)
        action = self.task.step(NOW)
        if isinstance(action, Seek):
            self.task.sought(1)
        else:
            assert isinstance(action, Stop)

    def apply(self, value: bytes) -> None:
        self.log.append(TP, b"a", value)
        start, end = self.task.next[INPUT], self.log.bounds(TP)[1]
        self.task.deliver(Batch(TP, start, end, 1, Records.of(self.log.read(TP, start, end))))
        assert self.task.step(NOW + 1_000) is None

    def give_up(self) -> None:
        self.assignment.revoke()
        while not isinstance(action := self.task.step(NOW + 2_000), Close):
            assert isinstance(action, Commit)
            self.task.committed(self.writer.commit(action.records))
        self.task.closed()
        self.assignment.forget_ended()


@pytest.fixture
def log() -> CountingLog:
    made = CountingLog()
    for topic in (INPUT, SETUP, OUTPUT, CHANGELOG):
        made.create_topic(topic, 1)
    return made


def sums(log: MemoryLog) -> dict[str, int]:
    """Return the sums that the changelog tells."""
    parts = {record.key or b"": record.value for record in log.read(PARTS, *log.bounds(PARTS))}
    kept = {key: part for key, part in parts.items() if part is not None and key != HEAD_KEY}
    return STAGE.restore(0, kept).sums


def test_what_comes_back_untouched_goes_on_without_a_look_at_the_changelog(
    log: CountingLog,
) -> None:
    owner = Owner(log)
    owner.open()
    owner.apply(b"1:5")
    owner.give_up()
    read_before = log.read_back
    owner.open()
    assert log.read_back == read_before
    owner.apply(b"1:5")
    owner.apply(b"2:7")
    owner.give_up()
    owner.open()  # a second time, with a commit of the second time
    assert log.read_back == read_before
    owner.give_up()
    owner.open()  # and without any
    assert log.read_back == read_before
    assert sums(log) == {"a": 12}


def test_what_another_worker_wrote_meanwhile_is_read(log: CountingLog) -> None:
    owner, other = Owner(log), Owner(log)
    owner.open()
    owner.apply(b"1:5")
    owner.give_up()
    other.open()
    other.apply(b"2:7")
    other.give_up()
    read_before = log.read_back
    owner.open()
    assert log.read_back == read_before + 1
    owner.apply(b"3:1")
    owner.give_up()
    assert sums(log) == {"a": 13}


def test_what_another_worker_aborted_or_lost_is_read_too(log: CountingLog) -> None:
    owner = Owner(log)
    owner.open()
    owner.apply(b"1:5")
    owner.give_up()
    log.write([OutRecord(PARTS, b"b", b'{"sum": 1, "seen": []}')])
    owner.open()
    owner.apply(b"2:5")
    owner.give_up()
    assert sums(log) == {"a": 10, "b": 1}


def test_a_state_that_was_begun_and_never_written_is_begun_again(log: CountingLog) -> None:
    owner = Owner(log)
    owner.open()
    owner.give_up()
    assert log.bounds(PARTS) == (0, 0)
    owner.open()
    assert log.read_back == 2


def test_an_input_that_was_made_again_stops_a_kept_state_too(log: CountingLog) -> None:
    owner = Owner(log)
    owner.open()
    owner.apply(b"1:5")
    owner.give_up()
    log.create_topic(INPUT, 1)
    owner.open()
    assert isinstance(owner.task.stopped, TopicRecreated)


def test_a_rebuild_does_not_go_on_from_what_was_kept(log: CountingLog) -> None:
    owner = Owner(log)
    owner.open()
    owner.apply(b"1:5")
    owner.give_up()
    owner.settings = replace(SETTINGS, rebuild=True)
    owner.open()
    assert owner.task.next == {INPUT: 0, SETUP: 0}
    owner.apply(b"2:7")
    owner.give_up()
    assert sums(log) == {"a": 12}


def test_what_is_kept_of_a_partition_that_went_elsewhere_is_dropped(log: CountingLog) -> None:
    owner = Owner(log)
    owner.open()
    owner.apply(b"1:5")
    owner.give_up()
    owner.assignment.assign([], NOW)
    read_before = log.read_back
    owner.open()
    assert log.read_back == read_before + 1
