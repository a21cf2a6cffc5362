"""A process of the product under a test's thumb: `python -m tests.chaos.process --set var=VAR COMMAND...`.

It is `python -m cli` with two differences. It dies by SIGKILL at the failpoint that `VAR/chaos/die-PID` names, and its
clock is ahead by the seconds in `VAR/chaos/clock`. The command `source` is the tests' own (`tests.chaos.source`).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import cli.__main__
from runtime import failpoints
from runtime.clock import US_PER_S, SystemClock
from tests.chaos.source import run_source

LOOK_S = 0.1
SENDING_S = 0.3
"""What was handed to a client's thread is on its way by then."""


def die_where_told(control: Path) -> None:
    """Install the failpoints."""
    order = control / f"die-{os.getpid()}"

    def hook(place: failpoints.Place) -> None:
        if order.exists() and order.read_text() == place:
            order.unlink()
            SystemClock().sleep(SENDING_S)
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.install(hook)


def set_clock(file: Path) -> None:
    """Let the clock be ahead by the seconds that the file holds, behind when they are negative."""
    looked_at, ahead_us = 0.0, 0
    right_us = SystemClock.now_us

    def now_us(self: SystemClock) -> int:
        nonlocal looked_at, ahead_us
        if self.monotonic_s() - looked_at > LOOK_S:
            looked_at = self.monotonic_s()
            ahead_us = int(float(file.read_text()) * US_PER_S) if file.exists() else 0
        return right_us(self) + ahead_us

    SystemClock.now_us = now_us  # type: ignore[method-assign]


def main() -> None:
    """Run the command."""
    var = Path(sys.argv[2].removeprefix("var="))
    control = var / "chaos"
    if sys.argv[3:] == ["source"]:
        run_source(var)
        return
    set_clock(control / "clock")
    die_where_told(control)
    cli.__main__.main()


if __name__ == "__main__":
    main()
