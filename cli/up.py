"""`synergy up`: the whole stack on this machine, shown live, stopped cleanly."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

from cli.poller import Poller
from cli.prepare import prepare
from cli.reckoning import is_exact, reckon
from cli.screen import Live, Shown, live
from cli.stack import PARTS, Stack, StackSpec, only_one
from runtime.clock import Clock, SystemClock
from runtime.settings import load

LOOK_S = 0.25
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class DurationError(Exception):
    """A duration is not like 60s, 5m or 1h."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no duration: write 60s, 5m or 1h")
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for. `seconds` is None to run until Ctrl-C; `without` names parts that are not started."""

    flags: Mapping[str, object]
    seconds: float | None
    without: frozenset[str]
    output: Literal["screen", "json"]


def seconds_of(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        DurationError: it is not a positive number with s, m, h or nothing behind it.

    >>> seconds_of("90"), seconds_of("1.5m")
    (90.0, 90.0)
    """
    unit = UNITS.get(text[-1:], 0.0)
    try:
        seconds = float(text[:-1]) * unit if unit else float(text)
    except ValueError as error:
        raise DurationError(text) from error
    if not 0 < seconds < float("inf"):
        raise DurationError(text)
    return seconds


def up(request: Request) -> int:
    """Run the stack until Ctrl-C or for a time, counted from when it runs; return the exit status.

    With `--json` it is 1 unless nothing was lost, doubled or wrong, or when that could not be counted.

    Raises:
        SettingsError, StackError, BrokerError, JarError: it can't run; nothing is left running.
    """
    loaded = load(request.flags)
    clock = SystemClock()
    began_s = clock.monotonic_s()
    parts = [part for part in PARTS if part.name not in request.without]
    spec = StackSpec(loaded=loaded, parts=parts, prepare=prepare)
    for number in STOPPING:
        signal.signal(number, _interrupt)
    with only_one(loaded.settings.var), live(request.output) as screen:
        stack = Stack(spec, clock, screen.say)
        try:
            stack.start()
            if "store" not in request.without:
                screen.say(f"page: {stack.settings.store.address}/")
            document = _run(stack, request, screen, clock, began_s)
        except KeyboardInterrupt:
            document = None
        finally:
            for number in STOPPING:
                signal.signal(number, signal.SIG_IGN)
            screen.say("stopping: the data stay in var/, the next start goes on from there")
            stack.stop()
    if request.output == "json" and document is not None:
        sys.stdout.write(json.dumps(document) + "\n")
        return 0 if is_exact(document) else 1
    return 0


def _run(
    stack: Stack, request: Request, screen: Live, clock: Clock, began_s: float
) -> dict[str, Any] | None:
    """Look after the stack and show it; return the final document once the time is over. `began_s`: of the command."""
    first_match_s: list[float] = []
    poller = Poller(
        stack.settings.store.address, lambda: first_match_s.append(clock.monotonic_s() - began_s)
    )
    poller.start()
    try:
        running_s = clock.monotonic_s()
        while request.seconds is None or clock.monotonic_s() - running_s < request.seconds:
            stack.look()
            screen.show(
                Shown(
                    poller.view,
                    tuple(stack.states()),
                    stack.settings,
                    clock.monotonic_s() - began_s,
                )
            )
            clock.sleep(LOOK_S)
        if request.output == "json":
            return reckon(stack, clock) | {
                "seconds_to_first_match": round(first_match_s[0], 1) if first_match_s else None
            }
        return None
    finally:
        poller.stop()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop in order: on Ctrl-C, also when the shell made us ignore it, on SIGTERM, on a closed terminal."""
    del number, frame
    raise KeyboardInterrupt
