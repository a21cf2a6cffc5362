"""A child process that ends with its parent, has a log file, and is found when it was left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LARGEST_LOG_BYTES = 10_000_000
GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to start. `mark` is a part of the command line that no other process has.

    It identifies the child.
    """

    name: str
    command: Sequence[str]
    log: Path
    pid_file: Path
    mark: str
    environment: Mapping[str, str] | None = None
    may_end: bool = False


class Child:
    """A running child. Start it from a thread that lives as long as the parent.

    The guard watches that thread.
    """

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        spec.pid_file.parent.mkdir(parents=True, exist_ok=True)
        _keep_bounded(spec.log)
        with spec.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (the command is ours)
                [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *spec.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=None if spec.environment is None else dict(spec.environment),
                start_new_session=True,  # Ctrl-C reaches the parent only, which stops its children in order
            )
        spec.pid_file.write_text(f"{self._process.pid}\n")

    @property
    def pid(self) -> int:
        """Process id; the guard becomes the command, so it is the command's own."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return the status of a child that has ended, or None. A signal is a negative number."""
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """Send SIGTERM; does not wait."""
        if self._process.poll() is None:
            self._process.terminate()

    def stop(self, grace_s: float) -> int:
        """Ask the child to stop, kill it after `grace_s` seconds, and return its exit status."""
        self.ask_to_stop()
        try:
            status = self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.spec.pid_file.unlink(missing_ok=True)
        return status


def stop_stale(pid_file: Path, mark: str, grace_s: float) -> int | None:
    """End a child that an earlier parent left behind.

    Returns:
        The process id that was ended, or None when there was none: no file, no such process, or
        another process that has got the same id since.
    """
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    stale = mark in command_line(pid)
    if stale:
        _end(pid, grace_s)
    pid_file.unlink(missing_ok=True)
    return pid if stale else None


def command_line(pid: int) -> str:
    """Return the arguments of a running process, or an empty text when there is no such process."""
    proc = Path(f"/proc/{pid}")
    if proc.parent.is_dir():
        try:
            return (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    shown = subprocess.run(  # noqa: S603
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout.strip()


def _keep_bounded(log: Path) -> None:
    """Set a log aside that has grown large; the one set aside before is lost."""
    if log.is_file() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def _end(pid: int, grace_s: float) -> None:
    """SIGTERM, then SIGKILL. The process is no child of ours, so its end is polled."""
    from runtime.clock import SystemClock

    clock = SystemClock()
    try:
        os.kill(pid, signal.SIGTERM)
        deadline = clock.monotonic_s() + grace_s
        while clock.monotonic_s() < deadline:
            if not _holds_anything(pid):
                return
            clock.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        while _holds_anything(pid):
            clock.sleep(0.01)
    except ProcessLookupError:
        return


def _holds_anything(pid: int) -> bool:
    """Whether a process can still hold files, locks or ports: its command line is gone earlier than these."""
    proc = Path(f"/proc/{pid}")
    if not proc.parent.is_dir():
        return bool(command_line(pid))
    try:
        after_the_name = (proc / "stat").read_text(errors="replace").rpartition(")")[2]
    except OSError:
        return False
    return after_the_name.split()[0] not in {"Z", "X"}
