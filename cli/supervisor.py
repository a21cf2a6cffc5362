"""Keeps a set of child processes running, and stops them in order.

The children are crash-only: one that ends with a failure is started again after a wait that doubles, and start-up is
the recovery. All calls come from the thread that made the supervisor (see `cli.embedded.child`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cli.embedded.child import Child, ChildSpec
from runtime.clock import Clock

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
HEALTHY_S = 60.0
POLL_S = 0.05

Condition = Literal["running", "waiting", "ended"]


@dataclass(frozen=True, slots=True)
class ChildState:
    """What a person wants to know of a child. `status` is that of its last end, None before the first."""

    name: str
    condition: Condition
    pid: int | None
    restarts: int
    status: int | None


@dataclass(slots=True)
class _Kept:
    """A child that is kept running; `due_s` is the monotonic time of its next start while it waits."""

    spec: ChildSpec
    child: Child | None = None
    started_s: float = 0.0
    due_s: float = 0.0
    failures: int = 0
    restarts: int = 0
    status: int | None = None
    ended: bool = False


def wait_before_start(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row.

    >>> [wait_before_start(n) for n in (1, 2, 3, 20)]
    [0.5, 1.0, 2.0, 30.0]
    """
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures - 1, 20))


def meaning_of(status: int) -> str:
    """Return an exit status in words.

    >>> meaning_of(-9), meaning_of(3)
    ('signal 9', 'status 3')
    """
    return f"signal {-status}" if status < 0 else f"status {status}"


class Supervisor:
    """Starts, watches and stops the children it was given."""

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say
        self._kept: dict[str, _Kept] = {}

    def start(self, spec: ChildSpec) -> None:
        """Start a child and keep it running. A status of 0 ends a child that `may_end`, and only that."""
        kept = self._kept[spec.name] = _Kept(spec)
        self._launch(kept)

    def start_again(self, name: str) -> None:
        """Start a child that was stopped."""
        kept = self._kept[name]
        kept.ended, kept.failures = False, 0
        self._launch(kept)

    def look(self) -> None:
        """Notice ends and start what is due. Call it a few times a second; it does not wait."""
        for kept in self._kept.values():
            if kept.child is not None:
                status = kept.child.exit_status()
                if status is not None:
                    self._ended(kept, status)
            elif not kept.ended and self._clock.monotonic_s() >= kept.due_s:
                kept.restarts += 1
                self._launch(kept)

    def states(self) -> list[ChildState]:
        """Return the state of every child, in the order of their starts."""
        return [
            ChildState(
                kept.spec.name,
                "ended" if kept.ended else "running" if kept.child else "waiting",
                kept.child.pid if kept.child else None,
                kept.restarts,
                kept.status,
            )
            for kept in self._kept.values()
        ]

    def stop(self, names: Sequence[str], grace_s: float) -> None:
        """Stop these children side by side: SIGTERM, and SIGKILL for those that are left after `grace_s`."""
        stopping = {
            name: kept.child
            for name, kept in self._kept.items()
            if name in names and kept.child is not None
        }
        for name in names:
            if name in self._kept:
                self._kept[name].ended = True
        for child in stopping.values():
            child.ask_to_stop()
        deadline = self._clock.monotonic_s() + grace_s
        while self._clock.monotonic_s() < deadline:
            if all(child.exit_status() is not None for child in stopping.values()):
                break
            self._clock.sleep(POLL_S)
        for name, child in stopping.items():
            if child.exit_status() is None:
                self._say(f"{name}: did not stop within {grace_s:g} s and was killed")
            self._kept[name].status = child.stop(0)
            self._kept[name].child = None

    def _launch(self, kept: _Kept) -> None:
        kept.child = Child(kept.spec)
        kept.started_s = self._clock.monotonic_s()

    def _ended(self, kept: _Kept, status: int) -> None:
        now_s = self._clock.monotonic_s()
        kept.child = None
        kept.status = status
        if status == 0 and kept.spec.may_end:
            kept.ended = True
            self._say(f"{kept.spec.name}: done")
            return
        kept.failures = 1 if now_s - kept.started_s > HEALTHY_S else kept.failures + 1
        wait_s = wait_before_start(kept.failures)
        kept.due_s = now_s + wait_s
        self._say(
            f"{kept.spec.name}: ended with {meaning_of(status)}, starts again in {wait_s:g} s; see {kept.spec.log}"
        )
