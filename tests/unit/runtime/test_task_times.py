"""When a partition commits: after an idle time or with many changes at once, else once an interval."""

from __future__ import annotations

from dataclasses import replace

from runtime.log import Batch, Record, Records, TopicPartition
from runtime.memory_log import MemoryLog
from runtime.opening import open_partition
from runtime.partition_actions import Commit, Open, TaskSettings
from runtime.partition_task import PartitionTask
from tests.stateful.tally import CHANGELOG, INPUT, OUTPUT, SETUP, TallyStage, TallyState

NOW = 1_700_000_000_000_000
TP = TopicPartition(INPUT, 0)
SETTINGS = TaskSettings(
    stage="tally", group="tally", partition=0, inputs=(INPUT, SETUP), changelog=CHANGELOG
)


def _running(most_changes: int = 10) -> PartitionTask[TallyState]:
    """Return a task that has just committed nothing yet and reads under generation 1."""
    settings = replace(SETTINGS, most_changes=most_changes)
    log = MemoryLog()
    for topic in (INPUT, SETUP, OUTPUT, CHANGELOG):
        log.create_topic(topic, 1)
    stage = TallyStage()
    task = PartitionTask(settings, stage, NOW)
    task.step(NOW)
    task.opened(open_partition(log, settings, stage, Open())[1])
    task.step(NOW)
    task.sought(1)
    return task


def _deliver(
    task: PartitionTask[TallyState], offset: int, appended_us: int, key: bytes = b"a"
) -> None:
    records = Records.of([Record(offset, key, b"%d:1" % offset, appended_us // 1_000)])
    task.deliver(Batch(TP, offset, offset + 1, 1, records))


def _first_commit(task: PartitionTask[TallyState], now: int) -> int:
    """Return the time of the next commit, looked for every 10 ms from `now` on; it is then done."""
    for time in range(now, now + 10_000_000, 10_000):
        if isinstance(task.step(time), Commit):
            task.committed(1)
            return time
    raise AssertionError("no commit within ten seconds")


def test_a_change_after_an_idle_time_is_committed_once_it_settled() -> None:
    task = _running()
    _deliver(task, 0, NOW)
    assert _first_commit(task, NOW) == NOW + SETTINGS.settle_us


def test_changes_in_a_row_are_committed_once_an_interval() -> None:
    task = _running()
    _deliver(task, 0, NOW)
    first = _first_commit(task, NOW)
    _deliver(task, 1, first)
    assert _first_commit(task, first) == first + SETTINGS.commit_interval_us


def test_while_it_catches_up_a_partition_commits_less_often_and_is_prompt_again_afterwards() -> (
    None
):
    task = _running()
    old = NOW - 60_000_000
    _deliver(task, 0, old)
    first = _first_commit(task, NOW)
    _deliver(task, 1, old)
    second = _first_commit(task, first)
    assert second == first + SETTINGS.catch_up_interval_us
    _deliver(task, 2, second)
    assert _first_commit(task, second) == second + SETTINGS.commit_interval_us


def test_a_step_says_how_long_there_is_nothing_to_do() -> None:
    task = _running()
    _deliver(task, 0, NOW)
    assert task.step(NOW) is None
    assert task.idle_us(NOW) == SETTINGS.settle_us


def test_a_clock_that_is_set_back_holds_up_no_commit() -> None:
    task = _running()
    _deliver(task, 0, NOW)
    first = _first_commit(task, NOW)
    _deliver(task, 1, first)
    assert task.step(first) is None
    back = first - 7_200_000_000
    assert task.idle_us(back) > 1_000
    assert _first_commit(task, back) == back + SETTINGS.commit_interval_us


def test_many_changes_are_committed_without_waiting_and_nothing_more_is_applied_before() -> None:
    task = _running(most_changes=2)
    _deliver(task, 0, NOW)
    first = _first_commit(task, NOW)
    for offset, key in enumerate((b"a", b"b", b"c"), 1):
        _deliver(task, offset, first, key)
    action = task.step(first)
    assert isinstance(action, Commit)
    assert [one.key for one in action.records if one.tp.topic == OUTPUT] == [b"a", b"b"]
    task.committed(2)
    assert _first_commit(task, first) == first + SETTINGS.commit_interval_us


def _long(task: PartitionTask[TallyState], keys: bytes) -> None:
    """Deliver one batch of a record for each key."""
    start = task.next[INPUT]
    records = [Record(at, bytes([key]), b"%d:1" % at) for at, key in enumerate(keys, start)]
    task.deliver(Batch(TP, start, start + len(keys), 1, Records.of(records)))


def _changes_by_commit(task: PartitionTask[TallyState], now: int) -> list[bytes]:
    """Return which keys each commit of ten seconds says, every commit done."""
    said: list[bytes] = []
    for time in range(now, now + 10_000_000, 10_000):
        if isinstance(action := task.step(time), Commit):
            outputs = [one.key for one in action.records if one.tp.topic == OUTPUT]
            said.append(b"".join(key or b"" for key in outputs))
            task.committed(len(said))
    return said


def test_a_long_batch_that_changes_much_is_committed_in_pieces() -> None:
    task = _running(most_changes=2)
    _long(task, b"abcde")
    assert _changes_by_commit(task, NOW) == [b"ab", b"cd", b"e"]
    assert task.next[INPUT] == 5


def test_after_batches_that_change_little_more_is_applied_at_once_until_one_changes_much() -> None:
    task = _running(most_changes=8)
    _long(task, b"a" * 8)
    assert _changes_by_commit(task, NOW) == [b"a"]
    _long(task, b"abcdefghijklmnopqrstuvwxyz")
    assert [len(said) for said in _changes_by_commit(task, NOW)] == [16, 8, 2]


def test_short_batches_that_change_little_say_nothing_of_long_ones() -> None:
    task = _running(most_changes=8)
    for _ in range(5):
        _long(task, b"a")
        _changes_by_commit(task, NOW)
    _long(task, b"abcdefghijklmnopqrstuvwxyz")
    assert [len(said) for said in _changes_by_commit(task, NOW)] == [8, 8, 8, 2]


def test_a_key_that_changes_often_is_one_change() -> None:
    task = _running(most_changes=2)
    _deliver(task, 0, NOW)
    first = _first_commit(task, NOW)
    for offset in (1, 2, 3):
        _deliver(task, offset, first)
    assert task.step(first) is None
    assert _first_commit(task, first) == first + SETTINGS.commit_interval_us
