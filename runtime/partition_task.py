"""One partition of a stage: what may be applied when, what is committed, and when to stop.

Sans-I/O: the task decides, its driver acts. `step` returns the next action, the driver carries it out (in a thread
where it blocks) and answers with `opened`, `sought`, `committed` or `closed`. While an action is under way `step`
returns nothing and NOTHING touches the state: that is what makes a commit exact. The rules:

- the state's `next` per input topic is the only truth about what was applied;
- a batch is applied if `batch.start <= next`; records below `next` are cut away; a larger start is a gap and stops;
- a commit holds bytes that were frozen at one moment: changelog parts, outputs and `next` together;
- an error of the stage, in applying or in freezing, restores the state of the last commit and narrows what was applied
  since down to the record that causes it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Generic

from runtime.log import Batch, OutRecord
from runtime.narrowing import Narrowing
from runtime.partition_actions import (
    Action,
    Close,
    Commit,
    Kept,
    Open,
    Opened,
    Run,
    Seek,
    Stop,
    TaskSettings,
)
from runtime.partition_head import HEAD_KEY, Head
from runtime.partition_restoring import restore
from runtime.partition_stops import CoreFailed, GapFound, StopReason
from runtime.stage import Stage, State
from runtime.task_times import TaskTimes


class PartitionTask(Generic[State]):
    """The protocol of one assigned partition; see the module's text."""

    def __init__(
        self,
        settings: TaskSettings,
        stage: Stage[State],
        now_us: int,
        kept: Kept[State] | None = None,
    ) -> None:
        """Start unopened at `now_us`; the first `step` asks for `Open`. `kept` is the state of a former assignment."""
        self.settings = settings
        self.next: dict[str, int] = {}
        self.committed_next: dict[str, int] = {}
        self.stopped: StopReason | None = None
        self.ended = False
        self._stage = stage
        self._state: State | None = None
        self._queues: dict[str, deque[Batch]] = {topic: deque() for topic in settings.inputs}
        self._generation: int | None = None
        self._in_flight: Action | None = None
        self.kept = kept
        self._wanted: Action | None = Open(
            settings.rebuild, None if kept is None else kept.changelog_end
        )
        self._changelog_end: int | None = None
        self._rebuild = settings.rebuild
        self._outdated: dict[bytes, None] = {}
        self._frozen_next: dict[str, int] = {}
        self._head: Head | None = None
        self._unread: dict[str, int] = {}
        self._narrowing = Narrowing()
        self._closing = False
        self._opening = 0
        self._job_running = False
        self._times = TaskTimes(settings, now_us)

    def deliver(self, batch: Batch) -> None:
        """Queue a batch. One of another generation, or for a task that closes, is dropped."""
        if batch.generation == self._generation:
            self._queues[batch.tp.topic].append(batch)

    def has_room(self, topic: str) -> bool:
        """Whether the topic's intake may go on; the driver pauses it otherwise."""
        return len(self._queues[topic]) < self.settings.queue_batches

    def close(self) -> None:
        """Ask for the end: finish what is under way, commit what was applied, close the writer."""
        self._closing = True
        self._generation = None
        for queue in self._queues.values():
            queue.clear()

    def step(self, now_us: int) -> Action | None:
        """Apply what may be applied and return the next action, or None when there is nothing to do now."""
        if not self._may_touch_state():
            return None
        self._times.clock(now_us)
        try:
            action = self._decide(now_us)
        except Exception as error:
            action = self._stop(CoreFailed(self.settings.stage, self.settings.partition, error))
        if not isinstance(action, Run):
            self._in_flight = action
        return action

    def idle_us(self, now_us: int) -> int:
        """How long `step` has nothing to do unless something is delivered or answered."""
        return self._times.idle_us(now_us)

    def _may_touch_state(self) -> bool:
        return self._in_flight is None and not self.ended

    def _decide(self, now_us: int) -> Action | None:
        if self._closing:
            self._wanted = None
            due = self._state is not None and self._commit_due(now_us)
            return (self._commit(now_us) if due else None) or Close()
        if self._wanted is None and self._state is not None:
            self._take_in(now_us)
        if self._wanted is not None or self._state is None:
            return self._wanted
        commit = self._commit(now_us) if self._commit_due(now_us) else None
        return commit or self._next_job(self._state)

    def _take_in(self, now_us: int) -> None:
        self._tick(now_us)
        for topic in dict.fromkeys((*self.settings.first, *self.settings.inputs)):
            while self._wanted is None and self._may_apply(topic):
                batch = self._cut(self._queues[topic].popleft())
                if batch is not None:
                    self._apply(batch, now_us)

    def _tick(self, now_us: int) -> None:
        """Tell the state the time before its first batch; let time pass once all is read that waited at the opening."""
        if self._state is None or not self._times.tick_due(now_us) or not self._alone():
            return
        if self._times.ticked(now_us):
            self._stage.tell_time(self._state, now_us)
        elif not self._unread and self._stage.tick(self._state, now_us):
            self._times.changed(now_us)

    def _may_apply(self, topic: str) -> bool:
        """Whether the topic's next batch may touch the state now."""
        if not self._queues[topic] or self._times.full:
            return False
        first = self.settings.first
        waits = topic not in first and any(one in self._unread for one in first)
        return self._alone() and not waits

    def _alone(self) -> bool:
        """Whether a change now would be committed by itself, as it has to be while anything is suspect."""
        return self._times.clean or not self._narrowing.active

    def _cut(self, batch: Batch) -> Batch | None:
        """Apply the gap rule, cut away what was applied before, and take a piece of what is suspect or long."""
        topic, known = batch.tp.topic, self.next[batch.tp.topic]
        if self._is_gap(batch, known):
            self._wanted = self._stop(GapFound(self.settings.stage, batch.tp, known, batch.start))
            return None
        if batch.next <= known:
            return None
        whole = replace(batch, start=known, records=batch.records.since(known))
        piece, rest = self._narrowing.cut(whole, self._times.at_once)
        if rest is not None:
            self._queues[topic].appendleft(rest)
        return piece

    def _is_gap(self, batch: Batch, known: int) -> bool:
        return batch.start > known

    def _apply(self, batch: Batch, now_us: int) -> None:
        assert self._state is not None
        topic = batch.tp.topic
        try:
            if batch.records:
                self._apply_records(self._state, batch, now_us)
        except Exception as error:
            self._go_back(error, narrowed=self._narrowing.failed(batch, error))
            return
        self.next[topic] = batch.next
        if batch.records:
            self._narrowing.applied(batch)
            self._times.applied(batch, self._stage.changed(self._state), now_us)
        self._unread = {t: end for t, end in self._unread.items() if self.next[t] < end}

    def _apply_records(self, state: State, batch: Batch, now_us: int) -> None:
        poison = self._narrowing.poison(batch)
        if poison is not None:
            self._stage.reject(state, batch, poison)
        else:
            self._stage.apply(state, batch, now_us)

    def _go_back(self, error: BaseException, *, narrowed: bool) -> None:
        """Open at the last commit again if there are records to suspect; else the error is no record's: stop."""
        if not narrowed:
            self._wanted = self._stop(
                CoreFailed(self.settings.stage, self.settings.partition, error)
            )
            return
        self._forget()
        self._wanted = Open(self._rebuild)

    def _commit_due(self, now_us: int) -> bool:
        due = self._times.due()
        if due is None:
            return self._progress_due(now_us)
        return self._closing or self._narrowing.active or now_us >= due

    def _commit(self, now_us: int) -> Action | None:
        try:
            return self._freeze(now_us)
        except Exception as error:
            self._go_back(error, narrowed=self._narrowing.failed_in_commit(error))
            return None if self._closing else self._wanted

    def _freeze(self, now_us: int) -> Commit | None:
        """Encode the changes, the outputs and `next` of this one moment."""
        assert self._state is not None
        assert self._head is not None
        changes = self._stage.freeze(self._state, dict(self.next))
        self._times.frozen()
        self._narrowing.frozen(self.next)
        if changes.empty and not self._rebuild and not self._progress_due(now_us):
            return None
        tp = self.settings.changelog_tp
        written = {**self._outdated, **changes.parts}
        parts = (OutRecord(tp, key, value) for key, value in written.items())
        head = OutRecord(tp, HEAD_KEY, self._head.with_next(self.next).encode())
        self._frozen_next = dict(self.next)
        self._times.committing(now_us)
        return Commit((*parts, *changes.outputs, head))

    def _progress_due(self, now_us: int) -> bool:
        """Progress alone (duplicates, ticks without effect) is committed now and then, not every second."""
        if self.next == self.committed_next:
            return False
        hurry = self._closing or self._narrowing.active
        return hurry or now_us >= self._times.progress_due()

    def _next_job(self, state: State) -> Run | None:
        job = None if self._job_running else self._stage.job(state)
        if job is None:
            return None
        self._job_running = True
        return Run(job, self._opening)

    def opened(self, answer: Opened[State]) -> None:
        """Take the state in and ask for the seek; see `runtime.partition_restoring`."""
        self._done(Open)
        if self._closing:
            return
        kept, self.kept = (self.kept if answer.kept else None), None
        found = restore(self.settings, self._stage, answer, kept)
        if isinstance(found, StopReason):
            self._wanted = self._stop(found)
            return
        self._state, self._head, self._outdated = found.state, found.head, found.outdated
        self._changelog_end = found.changelog_end
        self.next = dict(found.head.next)
        self.committed_next = dict(found.head.next)
        ends = {topic: answer.bounds[topic][1] for topic in self.settings.inputs}
        self._unread = {topic: end for topic, end in ends.items() if self.next[topic] < end}
        self._times.opened(begun=answer.begun is not None)
        self._wanted = Seek(dict(self.next))

    def sought(self, generation: int) -> None:
        """The intake starts anew: only batches of this generation count from now on."""
        self._done(Seek)
        if not self._closing:
            self._generation = generation

    def committed(self, changelog_end: int | None) -> None:
        """The transaction is committed, and left the changelog with this end, if it is known."""
        self._done(Commit)
        self._changelog_end = changelog_end
        self.committed_next = self._frozen_next
        self._rebuild = False
        self._outdated = {}

    def closed(self) -> None:
        """The writer is closed after `Close` or `Stop`; what was committed whole is kept for another assignment."""
        self._in_flight = None
        self.ended = True
        self.kept = self._to_keep() or self.kept
        self._forget()

    def _to_keep(self) -> Kept[State] | None:
        """Return the state if the changelog says the same and no job of it is under way."""
        if self._state is None or self._head is None or self._changelog_end is None:
            return None
        whole = self.next == self.committed_next and not self._job_running
        if self.stopped is not None or not whole:
            return None
        return Kept(self._state, self._head.with_next(self.next), self._changelog_end)

    def job_done(self, run: Run, result: object, now_us: int) -> bool:
        """Take a job's result in; False while an action is under way: offer it again then.

        A result for a state that was dropped since is dropped too.
        """
        if run.opening != self._opening or self._closing or self._state is None:
            return True
        if not self._may_touch_state():
            return False
        self._job_running = False
        self._stage.absorb(self._state, result, now_us)
        self._times.changed(now_us)
        return True

    def _stop(self, reason: StopReason) -> Stop:
        self.stopped = reason
        return Stop(reason)

    def _done(self, kind: type[Action]) -> None:
        assert isinstance(self._in_flight, kind), f"{kind.__name__} was not under way"
        self._in_flight = None
        self._wanted = None

    def _forget(self) -> None:
        """Drop the state and everything that was read for it; the generation ends."""
        self._state = None
        self._generation = None
        self._times.frozen()
        self._opening += 1
        self._job_running = False
        for queue in self._queues.values():
            queue.clear()
