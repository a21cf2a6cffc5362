"""The test of the test: each bug that the design warns of is put in once, and the machine finds it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from runtime.assignment import Assignment
from runtime.log import Batch
from runtime.partition_actions import Action, Commit, Opened
from runtime.partition_task import PartitionTask
from tests.stateful.machine import PartitionMachine
from tests.stateful.tally import TallyState

SEARCH = settings(
    max_examples=10_000, stateful_step_count=40, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip


class AppliesDuringCommit(PartitionTask[TallyState]):
    """(a) Batches go on being applied while a commit is written; its end marks everything as saved."""

    def step(self, now_us: int) -> Action | None:
        if isinstance(self._in_flight, Commit):
            self._take_in(now_us)
            return None
        return super().step(now_us)

    def committed(self, changelog_end: int | None) -> None:
        super().committed(changelog_end)
        if self._state is not None:
            with suppress(OverflowError):
                self._stage.freeze(self._state, dict(self.next))
            self._times.frozen()


class WritesLaterOffsets(PartitionTask[TallyState]):
    """(b) The offsets are taken when the commit is written, after more was applied."""

    def _freeze(self, now_us: int) -> Commit | None:
        commit = super()._freeze(now_us)
        if commit is None or self._head is None:
            return commit
        self._take_in(now_us)
        head = self._head.with_next(self.next).encode()
        *rest, last = commit.records
        return Commit((*rest, type(last)(last.tp, last.key, head)))


class AcceptsGaps(PartitionTask[TallyState]):
    """(c) A batch that starts behind what was applied is taken in."""

    def _is_gap(self, batch: Batch, known: int) -> bool:
        return False


class OpensOnFirstMessage(Assignment[TallyState]):
    """(d) A message for a partition without a task opens it, whoever owns it now."""

    def deliver(self, batch: Batch) -> None:
        if batch.tp.partition not in self.tasks:
            self.tasks[batch.tp.partition] = self._make_task(batch.tp.partition, 0, None)
        super().deliver(batch)


class TrustsWhatItKept(PartitionTask[TallyState]):
    """(e) A kept state is used again, whoever has written since."""

    def opened(self, answer: Opened[TallyState]) -> None:
        super().opened(replace(answer, kept=self.kept is not None))


@seed(8)
class MachineA(PartitionMachine):
    task_class: ClassVar[type[PartitionTask[TallyState]]] = AppliesDuringCommit


@seed(1)
class MachineB(PartitionMachine):
    task_class: ClassVar[type[PartitionTask[TallyState]]] = WritesLaterOffsets


@seed(1)
class MachineC(PartitionMachine):
    task_class: ClassVar[type[PartitionTask[TallyState]]] = AcceptsGaps


@seed(1)
class MachineD(PartitionMachine):
    assignment_class: ClassVar[type[Assignment[TallyState]]] = OpensOnFirstMessage


@seed(1)
class MachineE(PartitionMachine):
    task_class: ClassVar[type[PartitionTask[TallyState]]] = TrustsWhatItKept


COUNTED_WRONG = "the saved state|expected|was rejected|did not reach the end|counted once"


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        (MachineA, COUNTED_WRONG),
        (MachineB, COUNTED_WRONG),
        (MachineC, COUNTED_WRONG),
        (MachineE, COUNTED_WRONG),
        (MachineD, "a worker opened a partition that was not assigned to it"),
    ],
)
def test_the_machine_finds_the_seeded_bug(machine: type[PartitionMachine], found: str) -> None:
    with pytest.raises(AssertionError, match=found):
        run_state_machine_as_test(machine, settings=SEARCH)
