"""The time of every programme: a replay's ticks, or the clock for those that never had one.

Pure: no clock, no I/O, no threads (gate: import-linter). Staleness, roll-over and plans go by this time; the windows
of a series go by its own `as_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from schemas.events import Tick
from synergy.balance.terms import microseconds


@dataclass(frozen=True, slots=True)
class ReplayTime:
    """Where a replay programme is.

    Attributes:
        time_us: the programme's time.
        chapter: label of the chapter.
        chapter_start_us: time at which the present chapter began by a jump; 0 in the first chapter.
    """

    time_us: int
    chapter: str | None
    chapter_start_us: int


class ProgrammeTimes:
    """Times by programme. `now_us` is the time of the live ones, 0 until the clock was told."""

    __slots__ = ("changed", "now_us", "replays")

    def __init__(self) -> None:
        self.now_us = 0
        self.replays: dict[str, ReplayTime] = {}
        self.changed: set[str] = set()

    def clock(self, now_us: int) -> None:
        """Tell the time of the live programmes. It may step back: nothing is decided for good by it."""
        self.now_us = now_us

    def tick(self, tick: Tick) -> None:
        """Move a replay programme. A chapter begins when its label differs from the label before."""
        time_us = microseconds(tick.time)
        former = self.replays.get(tick.programme)
        if former is None:
            present = ReplayTime(time_us, tick.chapter, 0)
        elif tick.chapter is None or tick.chapter == former.chapter:
            present = replace(former, time_us=time_us)
        else:
            start = 0 if former.chapter is None else time_us
            present = ReplayTime(time_us, tick.chapter, start)
        if present != former:
            self.replays[tick.programme] = present
            self.changed.add(tick.programme)

    def at(self, programme: str) -> ReplayTime:
        """Return the time of a programme; `time_us` is 0 if it is not known yet."""
        return self.replays.get(programme) or ReplayTime(self.now_us, None, 0)

    def restore(self, replays: Mapping[str, ReplayTime]) -> None:
        """Take over saved times."""
        self.replays = dict(replays)
