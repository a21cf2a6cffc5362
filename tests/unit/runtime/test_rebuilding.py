"""A state that is begun anew replaces what the changelog held, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from runtime.log import Batch, Record, Records, TopicPartition
from runtime.memory_log import MemoryLog
from runtime.opening import open_partition
from runtime.partition_actions import Commit, Open, Seek, Stop, TaskSettings
from runtime.partition_head import HEAD_KEY
from runtime.partition_stops import ChangelogUnreadable, StateMissing
from runtime.partition_task import PartitionTask
from tests.stateful.tally import CHANGELOG, INPUT, OUTPUT, POISON, SETUP, TallyStage, TallyState

NOW = 1_700_000_000_000_000
TP, PARTS = TopicPartition(INPUT, 0), TopicPartition(CHANGELOG, 0)
SETTINGS = TaskSettings(
    stage="tally", group="tally", partition=0, inputs=(INPUT, SETUP), changelog=CHANGELOG
)
REBUILD = replace(SETTINGS, rebuild=True)
STAGE = TallyStage()
Task = PartitionTask[TallyState]


@pytest.fixture
def log() -> MemoryLog:
    """A group that has read three readings, and a changelog with a damaged part."""
    made = MemoryLog()
    for topic in (INPUT, SETUP, OUTPUT, CHANGELOG):
        made.create_topic(topic, 1)
    for number in range(3):
        made.append(TP, b"a", b"%d:5" % number)
    made.append(PARTS, b"gone", b'{"sum": 7, "seen": ["gone/1"]}')
    made.append(PARTS, b"a", b"damaged")
    made.append(PARTS, HEAD_KEY, b"damaged too")
    made.commit_group("tally", {TP: 3})
    return made


def opened(log: MemoryLog, settings: TaskSettings) -> Task:
    task = PartitionTask(settings, STAGE, NOW)
    reopen(log, task)
    return task


def reopen(log: MemoryLog, task: Task) -> None:
    action = task.step(NOW)
    assert isinstance(action, Open)
    task.opened(open_partition(log, task.settings, STAGE, action)[1])


def read(log: MemoryLog, task: Task, *values: bytes) -> None:
    """Let the task seek, and deliver what is on the log and then these values."""
    action = task.step(NOW)
    assert isinstance(action, Seek)
    task.sought(1)
    for value in values:
        log.append(TP, b"a", value)
    start, end = action.positions[INPUT], log.bounds(TP)[1]
    task.deliver(Batch(TP, start, end, 1, Records.of(log.read(TP, start, end))))


def committed(log: MemoryLog, task: Task) -> None:
    for late in range(NOW, NOW + 10_000_000, 100_000):
        action = task.step(late)
        if isinstance(action, Commit):
            log.write(action.records)
            task.committed(log.bounds(PARTS)[1])
            return
    raise AssertionError("no commit within ten seconds")


def parts(log: MemoryLog) -> Mapping[bytes, bytes | None]:
    return {record.key or b"": record.value for record in log.read(PARTS, *log.bounds(PARTS))}


def test_a_damaged_changelog_stops_the_partition_and_an_empty_one_too(log: MemoryLog) -> None:
    task = opened(log, SETTINGS)
    assert isinstance(task.step(NOW), Stop)
    assert isinstance(task.stopped, ChangelogUnreadable)
    log.create_topic(CHANGELOG, 1)
    task = opened(log, SETTINGS)
    assert isinstance(task.step(NOW), Stop)
    assert isinstance(task.stopped, StateMissing)


def test_the_first_commit_of_a_rebuild_replaces_everything_that_was_there(log: MemoryLog) -> None:
    task = opened(log, REBUILD)
    read(log, task)
    committed(log, task)
    found = parts(log)
    assert found[b"gone"] is None
    kept = {key: part for key, part in found.items() if part is not None and key != HEAD_KEY}
    assert STAGE.restore(0, kept).sums == {"a": 15}
    again = opened(log, SETTINGS)
    assert again.stopped is None
    assert again.next[INPUT] == 3


def test_a_rebuild_without_anything_to_write_still_replaces_what_was_there(log: MemoryLog) -> None:
    log.cut(TP, 3)
    task = opened(log, REBUILD)
    assert isinstance(task.step(NOW), Seek)
    task.sought(1)
    committed(log, task)
    assert {key for key, part in parts(log).items() if part is not None} == {HEAD_KEY}
    assert opened(log, SETTINGS).next[INPUT] == 3


def test_what_was_rebuilt_is_opened_from_its_changelog_when_a_record_fails_later(
    log: MemoryLog,
) -> None:
    task = opened(log, REBUILD)
    read(log, task)
    committed(log, task)
    task.deliver(Batch(TP, 3, 4, 1, Records.of([Record(3, b"a", POISON)])))
    assert task.step(NOW + 20_000_000) == Open(rebuild=False)


def test_what_fails_before_the_first_commit_is_begun_again(log: MemoryLog) -> None:
    task = opened(log, REBUILD)
    read(log, task, POISON)
    assert task.step(NOW) == Open(rebuild=True)
