"""A worker: one Faust app for one stage, one task for each partition it is assigned.

The event loop decides and applies; opening, committing and jobs block and run in threads. The worker is crash-only: a
writer that was fenced, a commit that is lost and a partition that can't be given up in time end the process, and
start-up is the recovery.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from runtime.assignment import Assignment
from runtime.clock import Clock
from runtime.faust_app import REVOKE_TIMEOUT_S, faust_app
from runtime.faust_transport import BATCH_CODEC
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.log import Batch, LogError, RetriableCommitError, TopicPartition, Writer
from runtime.metrics import Metrics
from runtime.opening import open_partition
from runtime.partition_actions import Action, Commit, Open, Run, Seek, Stop, TaskSettings
from runtime.partition_task import PartitionTask
from runtime.process_memory import collect_rarely
from runtime.stage import Stage, State
from runtime.worker_metrics import WorkerMetrics

_logger = structlog.get_logger("worker")
_RETRY_S = 0.2
_STEP_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker of any stage is told: its topics, its group and where Faust may put files.

    A stage whose batches cost more than their readings lets the broker gather `fetch_min_bytes`, for 0.2 s at most.
    While changes come one after the other it commits every `commit_interval_us`.
    """

    stage: str
    group: str
    inputs: tuple[str, ...]
    changelog: str
    partitions: int
    data: Path
    first: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    fetch_min_bytes: int = 1
    commit_interval_us: int = 1_000_000
    rebuild: bool = False

    def task(self, partition: int, rebuilt: bool) -> TaskSettings:
        """Return the settings of one partition; what was rebuilt is not rebuilt once more."""
        return TaskSettings(
            stage=self.stage, group=self.group, partition=partition, inputs=self.inputs,
            changelog=self.changelog, first=self.first, outputs=self.outputs,
            commit_interval_us=self.commit_interval_us, rebuild=self.rebuild and not rebuilt,
        )  # fmt: skip


class Worker(Generic[State]):
    """Runs a stage until `stop` is set."""

    def __init__(
        self,
        settings: WorkerSettings,
        stage: Stage[State],
        connection: KafkaConnection,
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        """Prepare the app; nothing is connected before `run`. Without `metrics` nobody scrapes what is measured."""
        self._measured = WorkerMetrics(metrics or Metrics(), settings.stage)
        self._settings = settings
        self._clock = clock
        self._log = KafkaLog(connection)
        self._threads = ThreadPoolExecutor(2 * settings.partitions + 4, settings.stage)
        self._app = faust_app(
            settings.group, settings.data, connection,
            fetch_min_bytes=settings.fetch_min_bytes, first_topics=settings.first,
        )  # fmt: skip
        self.assignment: Assignment[State] = Assignment(
            lambda p, now_us, kept: PartitionTask(
                settings.task(p, p in self._committed), stage, now_us, kept
            )
        )
        self._stage = stage
        self._committed: set[int] = set()
        self._writers: dict[int, Writer] = {}
        self._drives: dict[int, asyncio.Task[None]] = {}
        self._wakes: dict[int, asyncio.Event] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._bind()

    def _bind(self) -> None:
        topics = self._app.topic(
            *self._settings.inputs,
            key_type=bytes,
            key_serializer="raw",
            value_serializer=BATCH_CODEC,
        )

        async def take(stream: Any) -> None:  # Faust's own types lack `noack`
            async for event in stream.noack().events():
                self._deliver(event.value)

        self._app.agent(topics, name=f"{self._settings.group}.take")(take)
        self._app.on_partitions_assigned.connect(self._assigned, weak=False)  # type: ignore[arg-type]
        self._app.on_partitions_revoked.connect(self._revoked, weak=False)  # type: ignore[arg-type]

    async def run(self, stop: asyncio.Event) -> None:
        """Join the group and work; return after everything is committed and the group is left."""
        self._app.finalize()
        collect_rarely()
        watch = asyncio.create_task(self._watch_group())
        try:
            await self._app.start()
        except KafkaError as error:
            raise LogError(f"Kafka does not let the worker in: {error}") from error
        try:
            while not stop.is_set() and not self._app.should_stop:
                await asyncio.wait({asyncio.ensure_future(stop.wait())}, timeout=_STEP_S)
            if self._app.should_stop:
                self._end_process("the Faust app has crashed", self._app.crash_reason)
        finally:
            watch.cancel()
            await self._give_up()
            await self._app.stop()
            self._threads.shutdown(wait=False)

    # -- the group

    async def _watch_group(self) -> None:
        """End the process when it can't come into its group any more: it would wait for ever and look alive."""
        while True:
            await asyncio.sleep(_STEP_S)
            if (error := self._app.group_error) is not None:
                self._end_process("the worker has fallen out of its group", error)

    async def _assigned(self, _app: Any, assigned: set[TP], *_: Any, **__: Any) -> None:
        numbers = sorted({tp.partition for tp in assigned})
        partitions = [number for number in numbers if number < self._settings.partitions]
        _logger.info("partitions assigned", stage=self._settings.stage, partitions=partitions)
        if added := numbers[len(partitions) :]:  # the others stop and say what to do
            _logger.error("partitions that were added are left alone", partitions=added)
        self.assignment.assign(partitions, self._clock.now_us())
        for partition in partitions:
            self._wakes[partition] = asyncio.Event()
            task = self.assignment.tasks[partition]
            self._drives[partition] = asyncio.create_task(self._drive(partition, task))
        self._measured.owned(len(self._drives))

    async def _revoked(self, _app: Any, revoked: set[TP], *_: Any, **__: Any) -> None:
        await self._give_up()

    async def _give_up(self) -> None:
        """Close every partition in time, or end the process: the new owner must not wait for a doubtful one."""
        if not self._drives:
            return
        self._app.intake.stop_intake()
        self.assignment.revoke()
        for wake in self._wakes.values():
            wake.set()
        done, late = await asyncio.wait(self._drives.values(), timeout=REVOKE_TIMEOUT_S)
        if late:
            self._end_process("partitions could not be given up in time", None)
        for drive in done:
            drive.result()
        self._drives.clear()
        self._measured.owned(0)
        self._app.committed_positions.clear()
        self.assignment.forget_ended()
        _logger.info("partitions given up", stage=self._settings.stage)

    def _deliver(self, batch: Batch) -> None:
        self._measured.read(batch.tp.topic, len(batch.records))
        self.assignment.deliver(batch)
        task = self.assignment.tasks.get(batch.tp.partition)
        if task is not None:
            if not task.has_room(batch.tp.topic):
                self._app.intake.pause_intake(batch.tp)
            self._wakes[batch.tp.partition].set()

    # -- one partition

    async def _drive(self, partition: int, task: PartitionTask[State]) -> None:
        wake = self._wakes[partition]
        try:
            while not task.ended:
                wake.clear()
                now_us = self._clock.now_us()  # one look for both: it may be set back meanwhile
                action = task.step(now_us)
                if action is None:
                    self._resume(task)
                    await self._wait(wake, task.idle_us(now_us))
                else:
                    await self._carry_out(partition, task, action)
        except (LogError, OSError) as error:
            self._end_process(f"partition {partition} can't go on", error)
        except Exception as error:  # the loop of a partition has no caller that could mend it
            self._end_process(f"partition {partition} failed", error)

    async def _wait(self, wake: asyncio.Event, idle_us: int) -> None:
        try:
            await asyncio.wait_for(wake.wait(), idle_us / 1_000_000)
        except TimeoutError:
            return

    def _resume(self, task: PartitionTask[State]) -> None:
        for topic in self._settings.inputs:
            if task.has_room(topic):
                self._app.intake.resume_intake(TopicPartition(topic, task.settings.partition))

    async def _carry_out(self, partition: int, task: PartitionTask[State], action: Action) -> None:
        if isinstance(action, Open):
            await self._open(partition, task, action)
        elif isinstance(action, Seek):
            generation = self.assignment.next_generation()
            positions = {TopicPartition(t, partition): n for t, n in action.positions.items()}
            await self._app.intake.start_intake(positions, generation)
            task.sought(generation)
        elif isinstance(action, Commit):
            await self._commit(partition, task, action)
        elif isinstance(action, Run):
            job = asyncio.create_task(self._run_job(partition, task, action))
            self._background.add(job)
            job.add_done_callback(self._background.discard)
        else:
            if isinstance(action, Stop):
                _logger.error(action.reason.message, code=action.reason.code, partition=partition)
            await self._close_writer(partition)
            task.closed()

    async def _open(self, partition: int, task: PartitionTask[State], action: Open) -> None:
        began = self._clock.now_us()
        await self._close_writer(partition)
        loop = asyncio.get_running_loop()
        writer, opened = await loop.run_in_executor(
            self._threads, open_partition, self._log, task.settings, self._stage, action
        )
        self._writers[partition] = writer
        task.opened(opened)
        if opened.begun is None:  # without a state the group must not seem to have committed
            self._app.note_committed(partition, task.committed_next)
        seconds = (self._clock.now_us() - began) / 1e6
        self._measured.opened(seconds)
        _logger.info(
            "partition opened", stage=self._settings.stage, partition=partition,
            parts=len(opened.parts), begun=opened.begun is not None, kept=opened.kept,
            seconds=round(seconds, 3),
        )  # fmt: skip

    async def _commit(self, partition: int, task: PartitionTask[State], action: Commit) -> None:
        began = self._clock.now_us()
        loop = asyncio.get_running_loop()
        writer = self._writers[partition]
        while True:
            try:
                end = await loop.run_in_executor(self._threads, writer.commit, action.records)
                break
            except RetriableCommitError as error:
                self._measured.commit_repeated(1)
                _logger.warning("commit repeats", partition=partition, error=str(error))
                await asyncio.sleep(_RETRY_S)
        task.committed(end)
        self._committed.add(partition)
        self._app.note_committed(partition, task.committed_next)
        seconds = (self._clock.now_us() - began) / 1e6
        self._measured.committed(action.records, seconds)
        if seconds > 1:
            _logger.warning("slow commit", partition=partition, seconds=round(seconds, 3))

    async def _run_job(self, partition: int, task: PartitionTask[State], action: Run) -> None:
        loop, began = asyncio.get_running_loop(), self._clock.monotonic_s()
        try:
            result = await loop.run_in_executor(self._threads, action.job.run)
            self._measured.job_done(self._clock.monotonic_s() - began)
            while not task.job_done(action, result, self._clock.now_us()):
                await asyncio.sleep(_RETRY_S / 20)
        except Exception as error:
            self._end_process(f"a job of partition {partition} failed", error)
        self._wakes[partition].set()

    async def _close_writer(self, partition: int) -> None:
        writer = self._writers.pop(partition, None)
        if writer is not None:
            await asyncio.get_running_loop().run_in_executor(self._threads, writer.close)

    def _end_process(self, what: str, error: BaseException | None) -> NoReturn:
        stack = None if isinstance(error, LogError | KafkaError | OSError) else error
        _logger.error(what, stage=self._settings.stage, cause=str(error), exc_info=stack)
        os._exit(3)
