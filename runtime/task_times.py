"""When a partition commits: at once after an idle time or with many changes, else once an interval. And when it ticks.

While it catches up the interval is longer.
"""

from __future__ import annotations

from runtime.log import Batch
from runtime.partition_actions import TaskSettings

_LARGEST = 16
"""The largest piece, as a multiple of the least: more than one fetch gives."""


class TaskTimes:
    """The times of one partition, in microseconds. It decides nothing but when."""

    def __init__(self, rules: TaskSettings, now_us: int) -> None:
        """The first change may be committed as soon as it settled."""
        self._rules = rules
        self._dirty_since: int | None = None
        self._last_commit = now_us - rules.commit_interval_us
        self._behind = False
        self._full = False
        self._at_once = rules.most_changes
        self._last_tick = now_us

    @property
    def full(self) -> bool:
        """Whether so much has changed that nothing more may be applied before the next commit."""
        return self._full

    @property
    def at_once(self) -> int:
        """How many records may be applied before it is asked what they changed: more where so many changed little."""
        return self._at_once

    @property
    def clean(self) -> bool:
        """Whether nothing has changed since the last freeze."""
        return self._dirty_since is None

    def clock(self, now_us: int) -> None:
        """Forget what lies in the future: a clock that was set back must not hold up commits."""
        self._last_commit = min(self._last_commit, now_us)
        self._last_tick = min(self._last_tick, now_us)
        if self._dirty_since is not None:
            self._dirty_since = min(self._dirty_since, now_us)

    def changed(self, now_us: int) -> None:
        """Something changed that has to be committed."""
        if self._dirty_since is None:
            self._dirty_since = now_us

    def applied(self, batch: Batch, changes: int, now_us: int) -> None:
        """The records of a batch were applied; a commit would write so many `changes` now."""
        self.changed(now_us)
        appended_ms = batch.records.appended_ms[0]  # 0 is unknown
        self._behind = 0 < appended_ms * 1_000 < now_us - self._rules.behind_us
        most = self._rules.most_changes
        self._full = changes >= most
        if self._full:
            self._at_once = most
        elif changes < most // 4 and len(batch.records) >= self._at_once:
            self._at_once = min(2 * self._at_once, _LARGEST * most)

    def opened(self, *, begun: bool) -> None:
        """A state is there, and is told the time before its first batch. One that was begun has to be committed."""
        if begun:
            self.changed(self._last_tick)
        self._last_tick = -self._rules.tick_us

    def tick_due(self, now_us: int) -> bool:
        """Whether time passes now."""
        return now_us - self._last_tick >= self._rules.tick_us

    def ticked(self, now_us: int) -> bool:
        """Time passes; return whether it does for the first time since the state is there."""
        first, self._last_tick = self._last_tick < 0, now_us
        return first

    def idle_us(self, now_us: int) -> int:
        """Return how long there is nothing to do."""
        tick, commit = self._last_tick + self._rules.tick_us, self.due()
        return max(1_000, (tick if commit is None else min(tick, commit)) - now_us)

    def frozen(self) -> None:
        """The changes are encoded, or the state was dropped."""
        self._dirty_since = None
        self._full = False

    def committing(self, now_us: int) -> None:
        """A commit begins."""
        self._last_commit = now_us

    def due(self) -> int | None:
        """Return when the changes have to be committed, or None without changes."""
        if self._dirty_since is None:
            return None
        if self._full:
            return self._dirty_since
        rules = self._rules
        interval = rules.catch_up_interval_us if self._behind else rules.commit_interval_us
        return max(self._dirty_since + rules.settle_us, self._last_commit + interval)

    def progress_due(self) -> int:
        """Return when progress without changes (duplicates, ticks without effect) is committed."""
        return self._last_commit + self._rules.quiet_commit_us
