"""The partitions that this worker holds: tasks are made by an assignment and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic

from runtime.log import Batch
from runtime.partition_actions import Kept
from runtime.partition_task import PartitionTask
from runtime.stage import State

MakeTask = Callable[[int, int, Kept[State] | None], PartitionTask[State]]


class Assignment(Generic[State]):
    """Routes batches to the tasks of the current assignment.

    A batch never opens a partition: one that arrives late, for a partition that was taken away or of a generation from
    before a seek, is dropped. Otherwise a former owner could fence the new one.
    """

    def __init__(self, make_task: MakeTask[State]) -> None:
        """`make_task(partition, now_us, kept)` makes an unopened task."""
        self._make_task = make_task
        self._kept: dict[int, Kept[State]] = {}
        self.tasks: dict[int, PartitionTask[State]] = {}
        self._generation = 0

    def assign(self, partitions: Iterable[int], now_us: int) -> None:
        """Make a task for each newly assigned partition; what was kept of others is dropped."""
        for partition in partitions:
            kept = self._kept.get(partition)
            self.tasks[partition] = self._make_task(partition, now_us, kept)
        self._kept.clear()

    def revoke(self) -> tuple[PartitionTask[State], ...]:
        """Ask every task to close, and return them: they have to be driven until they ended."""
        for task in self.tasks.values():
            task.close()
        return tuple(self.tasks.values())

    def forget_ended(self) -> None:
        """Drop the tasks that ended, and keep their states until the next assignment."""
        ended = {p: task.kept for p, task in self.tasks.items() if task.ended}
        self._kept.update((p, kept) for p, kept in ended.items() if kept is not None)
        self.tasks = {p: task for p, task in self.tasks.items() if not task.ended}

    def next_generation(self) -> int:
        """Return a new generation for one intake; it rises with every assignment and every seek."""
        self._generation += 1
        return self._generation

    def deliver(self, batch: Batch) -> None:
        """Give the batch to its task, or drop it."""
        task = self.tasks.get(batch.tp.partition)
        if task is not None:
            task.deliver(batch)
