"""The whole embedded stack as a person starts it: `synergy up` in a process of its own, watched over REST."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from bench.foundation import say
from bench.machine import cpu_s, descendants
from bench.results import Condition
from runtime.clock import SystemClock
from runtime.setting_types import Settings
from runtime.settings import load

LONGEST_S = 180.0
STOP_S = 60.0


class StackFailedError(Exception):
    """The stack ended, or did not do in time what was waited for."""

    def __init__(self, waiting_for: str) -> None:
        super().__init__(f"the stack did not come to this: {waiting_for}")
        self.waiting_for = waiting_for


class RunningStack:
    """A `synergy up` that has been started. `began_s` is the monotonic time of its start."""

    def __init__(self, var: Path, without: Sequence[str]) -> None:
        self.var = var
        self.clock = SystemClock()
        self._client = httpx.Client(timeout=5.0, trust_env=False)
        self._address = ""
        left_out = [argument for name in without for argument in ("--without", name)]
        command = [sys.executable, "-m", "cli", "--set", f"var={var}", "up", *left_out, "--json"]
        # a person's Python keeps what it compiled; told not to, each process compiles everything at every start
        command = ["/usr/bin/env", "-u", "PYTHONDONTWRITEBYTECODE", *command]
        self.began_s = self.clock.monotonic_s()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    @property
    def settings(self) -> Settings:
        """The settings that reach this stack, once it has chosen its ports."""
        return load({"var": str(self.var)}).settings

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self.clock.monotonic_s() - self.began_s

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """GET from the store; an empty answer while it can't give one."""
        self._address = self._address or self.settings.store.address
        try:
            answer = self._client.get(f"{self._address}{path}", params=query)
        except httpx.HTTPError:
            self._address = ""  # it may have chosen another port meanwhile
            return {}
        return dict(answer.json()) if answer.is_success else {}

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, Any]:
        """POST to the store; an empty answer when it refuses or can't answer."""
        try:
            answer = self._client.post(f"{self._address}{path}", json=dict(body), timeout=15.0)
        except httpx.HTTPError:
            return {}
        return dict(answer.json()) if answer.is_success else {}

    def wait(self, what: str, there: Callable[[], bool], every_s: float = 0.1) -> float:
        """Wait until something is so; return the seconds since the start. Raises StackFailedError."""
        deadline = self.clock.monotonic_s() + LONGEST_S
        while not there():
            if self.process.poll() is not None or self.clock.monotonic_s() > deadline:
                raise StackFailedError(what)
            self.clock.sleep(every_s)
        return self.elapsed_s

    def check_accepted(self) -> None:
        """Refuse to go on when readings were rejected: that is not the work that a figure is about.

        Raises StackFailedError.
        """
        rows: dict[str, int] = {}

        def answered() -> bool:
            rows.update(self.get("/api/v1/status").get("ledger_rows", {}))
            return "rejected" in rows

        self.wait("an answer of the store", answered)
        if rows["rejected"]:
            raise StackFailedError("every reading accepted")

    def runs(self, name: str) -> bool:
        """Whether the part of this name is a process of this very start."""
        file = self.var / "run" / f"{name}.pid"
        try:
            return int(file.read_text()) in set(descendants(self.process.pid))
        except (OSError, ValueError):
            return False

    def processes(self) -> dict[int, str]:
        """Return the names of the stack's processes by id; `up` is the one that started them."""
        found = set(descendants(self.process.pid))
        names = {self.process.pid: "up"}
        for file in sorted((self.var / "run").glob("*.pid")):
            pid = int(file.read_text())
            if pid in found:
                names[pid] = file.stem
        return names | {pid: f"process {pid}" for pid in found - names.keys()}

    def interrupt(self) -> float:
        """Press Ctrl-C; return the seconds until everything has ended. Raises StackFailedError."""
        began = self.clock.monotonic_s()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            raise StackFailedError("the end after Ctrl-C") from error
        return self.clock.monotonic_s() - began

    def close(self) -> None:
        """End it, also after an error."""
        self._client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass(frozen=True, slots=True)
class CpuShares:
    """CPU time of the stack's processes from a moment on."""

    began_s: float
    before_s: Mapping[str, float]

    @classmethod
    def begin(cls, stack: RunningStack) -> Self:
        """Start to count."""
        return cls(stack.elapsed_s, _cpu_by_name(stack))

    def end(self, stack: RunningStack) -> dict[str, Condition]:
        """Return the share of one core that each process took since, in percent, as conditions."""
        took_s = stack.elapsed_s - self.began_s
        return {
            f"cpu_percent_{name}": round((used_s - self.before_s.get(name, 0.0)) / took_s * 100, 1)
            for name, used_s in _cpu_by_name(stack).items()
        }


def _cpu_by_name(stack: RunningStack) -> dict[str, float]:
    return {name: cpu_s(pid) for pid, name in stack.processes().items()}


@contextmanager
def running_stack(var: Path, without: Sequence[str] = ()) -> Generator[RunningStack]:
    """Start a stack; it has ended when the block is left."""
    say(f"synergy up{''.join(f' --without {name}' for name in without)}")
    stack = RunningStack(var, without)
    try:
        yield stack
    finally:
        stack.close()
