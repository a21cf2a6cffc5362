"""Drives the task of one partition on a log in memory: what a worker does, without its threads and its group."""

from __future__ import annotations

from typing import Generic

from runtime.log import Batch, OutRecord, Records, TopicPartition
from runtime.memory_log import MemoryLog
from runtime.opening import open_partition
from runtime.partition_actions import Commit, Open, Run, Seek, Stop, TaskSettings
from runtime.partition_task import PartitionTask
from runtime.stage import Stage, State
from schemas import topic_files

STEP_US = 50_000
BALANCE = TaskSettings(
    stage="balance",
    group="balance",
    partition=0,
    inputs=(topic_files.AVAILABILITY, topic_files.FACILITIES),
    first=(topic_files.FACILITIES,),
    changelog=topic_files.BALANCE_CHANGELOG,
)


def one_partition_each() -> MemoryLog:
    """Return a log with every topic of the product."""
    log = MemoryLog()
    for topic in topic_files.topic_files():
        log.create_topic(topic, 1)
    return log


class PartitionDriver(Generic[State]):
    """One assignment of partition 0; what a former one committed is in the log. A fetch gives so many offsets."""

    def __init__(
        self,
        log: MemoryLog,
        stage: Stage[State],
        settings: TaskSettings,
        now_us: int,
        fetched: int = 1_000,
    ) -> None:
        self.now_us = now_us
        self._fetched = fetched
        self._log = log
        self._stage = stage
        self._task = PartitionTask(settings, stage, now_us)
        self._places: dict[str, int] = {}

    def work(self, seconds: float) -> list[OutRecord]:
        """Let so much time pass in small steps; return what was committed outside of the changelog."""
        said: list[OutRecord] = []
        for _ in range(round(seconds * 1e6) // STEP_US):
            said += self._step()
            self.now_us += STEP_US
        return said

    def _step(self) -> list[OutRecord]:
        task, settings = self._task, self._task.settings
        action = task.step(self.now_us)
        match action:
            case Open():
                task.opened(open_partition(self._log, settings, self._stage, action)[1])
            case Seek():
                self._places = dict(action.positions)
                task.sought(1)
            case Commit():
                self._log.write(action.records)
                task.committed(None)
                return [one for one in action.records if one.tp != settings.changelog_tp]
            case Run():
                task.job_done(action, action.job.run(), self.now_us)
            case Stop():
                raise AssertionError(action.reason.message)
            case _:
                for topic in self._places:
                    self._deliver(topic)
        return []

    def _deliver(self, topic: str) -> None:
        tp, start = TopicPartition(topic, 0), self._places[topic]
        end = min(self._log.bounds(tp)[1], start + self._fetched)
        if start < end and self._task.has_room(topic):
            self._places[topic] = end
            records = Records.of(self._log.read(tp, start, end))
            self._task.deliver(Batch(tp, start, end, 1, records))
