"""What many records tell together: many rejects of one source in a minute, and a process that stays behind.

Times are arguments: milliseconds of the log for rejects, seconds of a clock that never goes back for lag.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from schemas.events import Reason, Rejected
from synergy.alerts.rules import RuleName, alert_rules

MINUTE_MS: Final = 60_000
LAG_S: Final = 30.0
CLEARED_AT: Final = 0.1
_MOST_SUBJECTS: Final = 10_000
Part = TypeVar("Part", bound=Hashable)
"""What tells the partitions of a process apart."""


@dataclass(slots=True)
class RejectWatch:
    """Counts the rejects of each subject over the last minute, by the time at which the log took them."""

    _recent: dict[str, deque[tuple[int, str]]] = field(
        default_factory=dict[str, "deque[tuple[int, str]]"]
    )
    _above: set[str] = field(default_factory=set[str])

    def note(self, rejected: Rejected, at_ms: int) -> tuple[str, Reason] | None:
        """Take a reject in; return subject and reason when it is the one that makes them many.

        A subject is told once, and again only after its rejects were few in between.
        """
        subject = subject_of(rejected)
        recent = self._recent.setdefault(subject, deque())
        recent.append((at_ms, rejected.code))
        while recent[0][0] <= at_ms - MINUTE_MS:
            recent.popleft()
        limit = int(alert_rules()[RuleName.REJECTS].limit)
        many, known = len(recent) >= limit, subject in self._above
        self._forget(at_ms)
        if not many:
            self._above.discard(subject)
            return None
        self._above.add(subject)
        return None if known else (subject, _rejects(rejected, recent))

    def _forget(self, at_ms: int) -> None:
        """Forget subjects that are quiet once there are very many, such as a new source for each record."""
        if len(self._recent) > _MOST_SUBJECTS:
            quiet = [s for s, seen in self._recent.items() if seen[-1][0] <= at_ms - MINUTE_MS]
            for subject in quiet or list(self._recent)[: _MOST_SUBJECTS // 2]:
                del self._recent[subject]
                self._above.discard(subject)


def subject_of(rejected: Rejected) -> str:
    """Return whose rejects are counted together: a source, else a facility, else what came to one topic."""
    if rejected.source:
        return f"{rejected.facility or ''}/{rejected.source}"
    return rejected.facility or rejected.origin.topic


def _rejects(rejected: Rejected, recent: Collection[tuple[int, str]]) -> Reason:
    (most, _), *_ = Counter(code for _, code in recent).most_common(1)
    return Reason(
        code=RuleName.REJECTS,
        subject=rejected.source or rejected.facility or rejected.origin.topic,
        value=float(len(recent)),
        limit=alert_rules()[RuleName.REJECTS].limit,
        unit="records a minute",
        text=most,
    )


@dataclass(slots=True)
class LagWatch:
    """Tells of a process that was behind for half a minute, and that it has caught up to a tenth of the limit."""

    _since_s: dict[str, float] = field(default_factory=dict[str, float])

    def behind(self, lags: Mapping[str, int], now_s: float) -> dict[str, Reason]:
        """Return what is to be raised now, by process; it is returned as long as it holds."""
        limit = alert_rules()[RuleName.LAG].limit
        for name, lag in lags.items():
            if lag < limit:
                self._since_s.pop(name, None)
            else:
                self._since_s.setdefault(name, now_s)
        return {
            name: _lag(RuleName.LAG, name, lags[name])
            for name, since_s in self._since_s.items()
            if name in lags and now_s - since_s >= LAG_S
        }


@dataclass(frozen=True, slots=True)
class _Standing:
    """A lag that was seen, since when it has not fallen, and whether it ever fell or was nothing."""

    lag: int
    since_s: float
    moved: bool


def _standing(before: _Standing | None, lag: int, now_s: float) -> _Standing:
    if lag == 0 or (before is not None and lag < before.lag):
        return _Standing(lag, now_s, moved=True)
    return replace(before or _Standing(lag, now_s, moved=False), lag=lag)


@dataclass(slots=True)
class StallWatch(Generic[Part]):
    """Tells of a process that comes no nearer to the end of one of its partitions, however little it is behind."""

    _seen: dict[str, dict[Part, _Standing]] = field(
        default_factory=lambda: dict[str, dict[Part, _Standing]]()
    )

    def stalled(self, lags: Mapping[str, Mapping[Part, int]], now_s: float) -> dict[str, Reason]:
        """Take the lag of each partition of each process; return what is to be raised now, as long as it holds."""
        for name, parts in lags.items():
            known = self._seen.get(name, {})
            self._seen[name] = {
                part: _standing(known.get(part), lag, now_s) for part, lag in parts.items()
            }
        still = {name: self._standing_still(name, now_s) for name in lags}
        return {name: _lag(RuleName.STALLED, name, lag) for name, lag in still.items() if lag}

    def _standing_still(self, name: str, now_s: float) -> int:
        """Return how many records are behind in partitions that have not moved for too long."""
        limit = alert_rules()[RuleName.STALLED].limit
        return sum(one.lag for one in self._seen[name].values() if now_s - one.since_s >= limit)

    def moves(self, name: str, now_s: float) -> bool:
        """Whether a process was seen to move within the limit; after a restart nobody has seen anything yet."""
        seen = self._seen.get(name, {}).values()
        moved = all(one.moved for one in seen)
        return bool(seen) and moved and not self._standing_still(name, now_s)


def caught_up(lag: int) -> bool:
    """Whether a process that was behind no longer is."""
    return lag <= alert_rules()[RuleName.LAG].limit * CLEARED_AT


def _lag(rule: RuleName, name: str, lag: int) -> Reason:
    return Reason(
        code=rule,
        subject=name,
        value=float(lag),
        limit=alert_rules()[rule].limit,
        unit="records",
    )
