"""A log and two workers that a test moves step by step, with the oracle that says what had to come out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from runtime.assignment import Assignment
from runtime.log import (
    Batch,
    CommitFailedError,
    FencedError,
    Log,
    Record,
    Records,
    RetriableCommitError,
    TopicPartition,
    Writer,
)
from runtime.opening import open_partition
from runtime.partition_actions import Close, Commit, Kept, Open, Seek, Stop, TaskSettings
from runtime.partition_head import HEAD_KEY, Head
from runtime.partition_stops import StopReason
from runtime.partition_task import PartitionTask
from tests.stateful.tally import (
    CHANGELOG,
    INPUT,
    OUTPUT,
    POISONS,
    SETUP,
    TallyStage,
    TallyState,
    parse,
)

TOPICS = (INPUT, SETUP, OUTPUT, CHANGELOG)


class Control(Protocol):
    """What a test may do to the log behind the workers' backs."""

    @property
    def log(self) -> Log: ...

    def append(self, tp: TopicPartition, key: bytes, value: bytes) -> int: ...

    def cut(self, tp: TopicPartition, start: int) -> None: ...

    def compact(self, tp: TopicPartition) -> None: ...

    def recreate(self, topic: str) -> None: ...

    def commit_group(self, group: str, positions: Mapping[TopicPartition, int]) -> None: ...


@dataclass(slots=True)
class Worker:
    """One process: its assignment, its writer, the commit under way and the batches it ever fetched."""

    assignment: Assignment[TallyState]
    assigned: bool = False
    writer: Writer | None = None
    pending: Commit | None = None
    positions: dict[str, int] = field(default_factory=dict[str, int])
    generation: int = 0
    fetched: list[Batch] = field(default_factory=list[Batch])


class World:
    """One partition, two workers. Every method checks what must hold; `now` is in microseconds."""

    def __init__(
        self,
        control: Control,
        task_class: type[PartitionTask[TallyState]] = PartitionTask,
        assignment_class: type[Assignment[TallyState]] = Assignment,
        prefix: str = "",
    ) -> None:
        self.control = control
        self.prefix = prefix
        self.stage = TallyStage(prefix)
        self.task_class = task_class
        self.assignment_class = assignment_class
        self.now = 1_000_000_000
        self.history: dict[int, Record] = {}
        self.setups = 0
        self.setups_at_open = 0
        self.stops: list[StopReason] = []
        self.recreated = False
        self.workers = [self._new_worker(), self._new_worker()]

    def tp(self, topic: str) -> TopicPartition:
        return TopicPartition(self.prefix + topic, 0)

    def _new_worker(self) -> Worker:
        def make(
            partition: int, now: int, kept: Kept[TallyState] | None
        ) -> PartitionTask[TallyState]:
            settings = TaskSettings(
                stage="tally",
                group=f"{self.prefix}tally",
                partition=partition,
                inputs=(self.prefix + INPUT, self.prefix + SETUP),
                first=(self.prefix + SETUP,),
                changelog=self.prefix + CHANGELOG,
                queue_batches=3,
                most_changes=3,  # keys a and b and the setup: reached now and then
            )
            return self.task_class(settings, self.stage, now, kept)

        return Worker(self.assignment_class(make))

    # -- what happens to a worker

    def assign(self, index: int) -> None:
        worker = self.workers[index]
        if not worker.assigned:
            worker.assigned = True
            worker.assignment.assign([0], self.now)

    def revoke(self, index: int) -> None:
        """Take the partition away in an orderly way: the worker drives its task to the end."""
        worker = self.workers[index]
        worker.assignment.revoke()
        for _ in range(50):
            if worker.pending is not None:
                self.finish_commit(index)
            if not worker.assignment.tasks:
                break
            self.step(index, 1_000)
        worker.assigned = False

    def crash(self, index: int) -> None:
        self.workers[index] = self._new_worker()

    def intake(self, index: int, count: int, *, lost: bool = False) -> None:
        """Fetch up to `count` records of each input; a lost batch is read but never delivered."""
        worker = self.workers[index]
        for topic, position in list(worker.positions.items()):
            if position < self.control.log.bounds(TopicPartition(topic, 0))[0]:
                self.crash(
                    index
                )  # the consumer says that the offset is out of range, and the process ends
                return
            if 0 not in worker.assignment.tasks:
                continue
            batch = self._fetch(worker, topic, count)
            if batch is not None:
                worker.positions[topic] = batch.next
                worker.fetched.append(batch)
                if not lost and worker.assignment.tasks[0].has_room(topic):
                    worker.assignment.deliver(batch)
                elif not lost:
                    worker.positions[topic] = batch.start

    def _fetch(self, worker: Worker, topic: str, count: int) -> Batch | None:
        tp, start = TopicPartition(topic, 0), worker.positions[topic]
        _, end = self.control.log.bounds(tp)
        records = list(self.control.log.read(tp, start, end))
        if len(records) > count:
            end = records[count].offset
        if end <= start:
            return None
        return Batch(tp, start, end, worker.generation, Records.of(records[:count]))

    def redeliver(self, index: int, which: int) -> None:
        """A batch that was on its way for long arrives, whatever happened since."""
        worker = self.workers[index]
        if worker.fetched:
            worker.assignment.deliver(worker.fetched[which % len(worker.fetched)])

    def step(self, index: int, passed_us: int) -> None:
        """Let time pass and carry out the next action; a commit stays under way until `finish_commit`."""
        self.now += passed_us
        worker = self.workers[index]
        task = worker.assignment.tasks.get(0)
        action = task.step(self.now) if task is not None else None
        if task is None or action is None:
            return
        if isinstance(action, Open):
            assert worker.assigned, "a worker opened a partition that was not assigned to it"
            worker.writer, opened = open_partition(
                self.control.log, task.settings, self.stage, action
            )
            self.setups_at_open = self.setups
            task.opened(opened)
            if opened.begun is None and task.stopped is None:
                self._commit_group(task)
        elif isinstance(action, Seek):
            worker.generation = worker.assignment.next_generation()
            worker.positions = dict(action.positions)
            task.sought(worker.generation)
        elif isinstance(action, Commit):
            worker.pending = action
        elif isinstance(action, Close | Stop):
            if isinstance(action, Stop):
                self.stops.append(action.reason)
            self._close(worker, task)

    def _close(self, worker: Worker, task: PartitionTask[TallyState]) -> None:
        if worker.writer is not None:
            worker.writer.close()
        worker.writer = None
        worker.assigned = False
        task.closed()
        worker.assignment.forget_ended()

    def finish_commit(self, index: int) -> None:
        """Carry the commit out; a worker that can't save it dies."""
        worker = self.workers[index]
        if worker.pending is None:
            return
        task = worker.assignment.tasks[0]
        assert worker.writer is not None, (
            "the writer was closed, and a commit was expected to be over"
        )
        try:
            end = worker.writer.commit(worker.pending.records)
        except RetriableCommitError:
            return
        except (FencedError, CommitFailedError):
            self.crash(index)
            return
        worker.pending = None
        task.committed(end)
        self._commit_group(task)

    def _commit_group(self, task: PartitionTask[TallyState]) -> None:
        positions = {TopicPartition(t, 0): n for t, n in task.committed_next.items()}
        self.control.commit_group(task.settings.group, positions)

    # -- what happens to the log

    def produce(self, key: bytes, value: bytes) -> None:
        offset = self.control.append(self.tp(INPUT), key, value)
        if not self.recreated:
            self.history[offset] = Record(offset, key, value)

    def produce_setup(self) -> None:
        self.control.append(self.tp(SETUP), b"setup", b"1")
        self.setups += 1

    def cut_input(self, start: int) -> None:
        """Let retention pass `start`; readings that were never applied are gone then."""
        head = self.head()
        if head is not None:
            _, end = self.control.log.bounds(self.tp(INPUT))
            self.control.cut(self.tp(INPUT), min(start, end))

    def recreate_input(self) -> None:
        """Delete the topic and create it anew; workers that read it lose their intake and end."""
        if self.head() is None:
            return
        self.recreated = True
        self.control.recreate(self.prefix + INPUT)
        for index in range(len(self.workers)):
            self.crash(index)

    # -- what must hold

    def expected(self, below: int) -> dict[str, int]:
        """The oracle: sums of each identity once, over all inputs below an offset."""
        seen: set[tuple[str, str]] = set()
        sums: dict[str, int] = {}
        for offset in sorted(self.history):
            record = self.history[offset]
            if offset >= below or record.value in POISONS:
                continue
            key, identity, value = parse(record)
            if (key, identity) not in seen:
                seen.add((key, identity))
                sums[key] = sums.get(key, 0) + value
        return sums

    def _read(self, topic: str) -> Iterator[Record]:
        start, end = self.control.log.bounds(self.tp(topic))
        return self.control.log.read(self.tp(topic), start, end)

    def parts(self) -> dict[bytes, bytes]:
        return {r.key or b"": r.value for r in self._read(CHANGELOG) if r.value is not None}

    def head(self) -> Head | None:
        raw = self.parts().get(HEAD_KEY)
        return Head.decode(raw) if raw else None

    def check(self) -> None:
        """Every output is right at its own offset, and the state is the fold of the inputs below its `next`."""
        poison = {o for o, r in self.history.items() if r.value in POISONS}
        rejected: Counter[int] = Counter()
        last: dict[bytes, int] = {}
        for record in self._read(OUTPUT):
            assert record.value is not None
            assert record.key is not None
            if record.key == b"rejected":
                rejected[int(record.value)] += 1
                continue
            said = json.loads(record.value)
            expected = self.expected(said["next"]).get(record.key.decode())
            assert said["sum"] == expected, f"output {said} of {record.key!r}, expected {expected}"
            assert said["next"] > last.get(record.key, 0), f"output {said} was expected once"
            last[record.key] = said["next"]
        assert set(rejected) <= poison, "a good record was rejected"
        assert all(n == 1 for n in rejected.values()), "a record was rejected twice"
        head = self.head()
        if head is not None:
            state = self.stage.restore(0, {k: v for k, v in self.parts().items() if k != HEAD_KEY})
            assert state.sums == self.expected(head.next[self.prefix + INPUT]), (
                "the saved state is not the fold of its inputs"
            )
            below = head.next[self.prefix + INPUT]
            assert set(rejected) == {o for o in poison if o < below}, (
                "the rejections are not those of the saved state"
            )

    def drain(self) -> None:
        """Kill everybody, let one new worker work to the end: everything counted once, or a stop that says why."""
        for index in range(len(self.workers)):
            self.crash(index)
        self.stops.clear()
        damaged = self._damaged()
        for turn in range(100 + 100 * len(self.history)):
            self.assign(0)
            self.intake(0, 1000)
            self.step(0, 200_000)
            self.finish_commit(0)
            if self.stops or (turn > 5 and self._done()):
                break
        self.check()
        if damaged:
            assert self.stops, "a damaged input was accepted"
            return
        assert not self.stops, [stop.message for stop in self.stops]
        assert self._done(), "the new worker did not reach the end"
        folded = self.stage.restore(0, {k: v for k, v in self.parts().items() if k != HEAD_KEY})
        assert folded.setup == self.setups, "the setup records are not counted once"

    def _damaged(self) -> bool:
        """Whether a worker that starts now misses records: what a former one had in memory, it may have saved."""
        head = self.head()
        first, _ = self.control.log.bounds(self.tp(INPUT))
        return self.recreated or (head is not None and head.next[self.prefix + INPUT] < first)

    def _done(self) -> bool:
        head = self.head()
        ends = {t: self.control.log.bounds(self.tp(t))[1] for t in (INPUT, SETUP)}
        if head is None:
            return not any(ends.values())
        return all(head.next[self.prefix + t] >= end for t, end in ends.items())
