"""The moves that hypothesis combines; the same on every log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from runtime.assignment import Assignment
from runtime.log import TopicPartition
from runtime.memory_log import CommitFault, MemoryLog
from runtime.partition_task import PartitionTask
from tests.stateful.tally import CHANGELOG, INPUT, POISONS, TallyState
from tests.stateful.world import TOPICS, World

WORKER = st.integers(0, 1)
PASSED_US = st.sampled_from([0, 10_000, 60_000, 1_100_000])


class MemoryControl:
    """Moves a memory log."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        for topic in TOPICS:
            self.log.create_topic(topic, 1)

    def append(self, tp: TopicPartition, key: bytes, value: bytes) -> int:
        return self.log.append(tp, key, value)

    def cut(self, tp: TopicPartition, start: int) -> None:
        self.log.cut(tp, start)

    def compact(self, tp: TopicPartition) -> None:
        self.log.compact(tp)

    def recreate(self, topic: str) -> None:
        self.log.create_topic(topic, 1)

    def commit_group(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        self.log.commit_group(group, positions)


class PartitionMachine(RuleBasedStateMachine):
    """Moves that never damage the input: in the end everything is counted once."""

    task_class: ClassVar[type[PartitionTask[TallyState]]] = PartitionTask
    assignment_class: ClassVar[type[Assignment[TallyState]]] = Assignment
    checks_each_step: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()

    def make_world(self) -> World:
        return World(MemoryControl(), self.task_class, self.assignment_class)

    @initialize()
    def begin(self) -> None:
        self.world.assign(0)

    @rule(key=st.sampled_from("ab"), identity=st.integers(0, 5), value=st.integers(-9, 99))
    def produce(self, key: str, identity: int, value: int) -> None:
        self.world.produce(key.encode(), f"{identity}:{value}".encode())

    @rule(count=st.integers(2, 6))
    def produce_many(self, count: int) -> None:
        for n in range(count):
            self.world.produce(b"a", f"{len(self.world.history) + 10}:{n + 1}".encode())

    @rule(poison=st.sampled_from(POISONS))
    def produce_poison(self, poison: bytes) -> None:
        self.world.produce(b"a", poison)

    @rule()
    def produce_setup(self) -> None:
        self.world.produce_setup()

    @rule(worker=WORKER, count=st.integers(1, 5))
    def intake(self, worker: int, count: int) -> None:
        self.world.intake(worker, count)

    @rule(worker=WORKER, passed_us=PASSED_US)
    def step(self, worker: int, passed_us: int) -> None:
        self.world.step(worker, passed_us)

    @rule(worker=WORKER, passed_us=PASSED_US)
    def work(self, worker: int, passed_us: int) -> None:
        """What a worker mostly does: fetch, apply, begin a commit."""
        self.world.intake(worker, 3)
        self.world.step(worker, passed_us)
        self.world.step(worker, passed_us)

    @rule(worker=WORKER)
    def finish_commit(self, worker: int) -> None:
        self.world.finish_commit(worker)

    @rule(worker=WORKER)
    def rebalance(self, worker: int) -> None:
        """The partition moves to the worker; the other one gives it up in an orderly way."""
        self.world.revoke(1 - worker)
        self.world.assign(worker)

    @rule(worker=WORKER)
    def come_back(self, worker: int) -> None:
        """The worker gives the partition up and gets it again, as in a rebalance that changes nothing for it."""
        self.world.revoke(worker)
        self.world.assign(worker)

    @rule(worker=WORKER, value=st.integers(1, 9))
    def take_a_turn(self, worker: int, value: int) -> None:
        """The partition moves to the worker, and it commits what comes next."""
        self.rebalance(worker)
        self.produce("a", len(self.world.history) + 10, value)
        for _ in range(6):
            self.work(worker, 200_000)
            self.world.finish_commit(worker)

    @rule(worker=WORKER)
    def usurp(self, worker: int) -> None:
        """The partition moves to the worker while the other one sleeps and still believes that it owns it."""
        self.world.assign(worker)

    @rule(worker=WORKER, which=st.integers(0, 20))
    def redeliver(self, worker: int, which: int) -> None:
        self.world.redeliver(worker, which)

    @rule(worker=WORKER)
    def lose_a_batch(self, worker: int) -> None:
        self.world.intake(worker, 2, lost=True)

    @rule(worker=WORKER)
    def crash(self, worker: int) -> None:
        self.world.crash(worker)
        self.world.assign(worker)

    @rule()
    def compact(self) -> None:
        self.world.control.compact(self.world.tp(CHANGELOG))

    @rule()
    def retention_follows(self) -> None:
        head = self.world.head()
        if head is not None:
            self.world.cut_input(head.next[self.world.prefix + INPUT])

    @invariant()
    def holds(self) -> None:
        if self.checks_each_step:
            self.world.check()

    def teardown(self) -> None:
        self.world.drain()


class FaultyCommits(PartitionMachine):
    """The same, with commits that fail before or after they took effect."""

    @rule(fault=st.sampled_from(CommitFault))
    def fail_next_commit(self, fault: CommitFault) -> None:
        log = self.world.control.log
        assert isinstance(log, MemoryLog)
        log.faults.append(fault)


class DamagedInput(PartitionMachine):
    """The same, with inputs that are cut too early or created anew: workers stop and nothing wrong is written."""

    @rule(ahead=st.integers(1, 3))
    def retention_passes(self, ahead: int) -> None:
        head = self.world.head()
        self.world.cut_input((head.next[self.world.prefix + INPUT] if head else 0) + ahead)

    @rule()
    def recreate(self) -> None:
        self.world.recreate_input()
