"""The one module that reads the clock.

Everything else takes a `Clock`, or the time as an argument.
"""

from __future__ import annotations

import time
from typing import Protocol

US_PER_S = 1_000_000


class Clock(Protocol):
    """Time of day for what is written down, monotonic time for waiting and measuring."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01T00:00Z."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds of a clock that never goes back; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let the time pass. Blocks the thread: never on an event loop."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01T00:00Z."""
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the thread for that long."""
        time.sleep(seconds)


class FakeClock:
    """A clock that moves only when it is told to; sleeping moves it at once.

    >>> clock = FakeClock(now_us=1_000_000)
    >>> clock.sleep(2.5)
    >>> clock.now_us(), clock.monotonic_s()
    (3500000, 2.5)
    """

    def __init__(self, now_us: int = 0) -> None:
        self._start_us = now_us
        self._now_us = now_us

    def now_us(self) -> int:
        """Return the time it was set to, in microseconds since 1970-01-01T00:00Z."""
        return self._now_us

    def monotonic_s(self) -> float:
        """Return the seconds since it was made."""
        return (self._now_us - self._start_us) / US_PER_S

    def sleep(self, seconds: float) -> None:
        """Advance at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move forward.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            message = f"a clock does not go back ({seconds} s)"
            raise ValueError(message)
        self._now_us += round(seconds * US_PER_S)


def process_cpu_s() -> float:
    """Return the CPU time of this process, user and system, in seconds."""
    return time.process_time()
