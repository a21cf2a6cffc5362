"""One run of an engine: started on its own core, until its group has committed the end of the readings, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.connections import kafka_connection
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.setting_types import Settings

LOOK_S = 0.25
LONGEST_S = 300.0
STOP_S = 30.0
LAST_LINES = 12


class EngineError(Exception):
    """An engine ended too early, or did not come to the end of its input."""

    def __init__(self, said: str, log: Path) -> None:
        tail = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        super().__init__("\n".join((f"{said}; the end of {log}:", *tail)))


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the measured process runs and where everything else does."""

    measured: frozenset[int]
    others: frozenset[int]

    @classmethod
    def of(cls, available: set[int]) -> Cores:
        """Give the last core to the measured process and the first to the others; a single one is shared.

        >>> Cores.of({0, 1, 2}), Cores.of({5})
        (Cores(measured=frozenset({2}), others=frozenset({0})), Cores(measured=frozenset({5}), others=frozenset({5})))
        """
        return cls(frozenset({max(available)}), frozenset({min(available)}))


@contextmanager
def on_cores(cores: frozenset[int]) -> Generator[None]:
    """Run the block, and what it starts, on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in seconds, user and system, of a process and the children it waited for; seconds until the end was seen."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """What is run. Without a group the process ends by itself at the end of its input."""

    command: Sequence[str]
    log: Path
    cores: frozenset[int]
    settle_s: float = 0.0


def run(what: Run, arrived: Callable[[], bool] | None) -> Usage:
    """Run until `arrived`, or until the process ends when there is nothing to ask, then stop it.

    Raises:
        EngineError: it ended before, or took too long.
    """
    clock = SystemClock()
    began = clock.monotonic_s()
    process = start(what)
    try:
        _wait(what, process, clock, arrived)
        wall_s = clock.monotonic_s() - began
        if arrived is not None:
            clock.sleep(what.settle_s)
            process.send_signal(signal.SIGTERM)
        used = _usage(what, process, clock)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    return Usage(used, wall_s)


def start(what: Run) -> subprocess.Popen[bytes]:
    """Start the process on its cores, with its output in the log file."""
    what.log.parent.mkdir(parents=True, exist_ok=True)
    with what.log.open("ab") as log, on_cores(what.cores):
        return subprocess.Popen(what.command, stdout=log, stderr=log)


def _wait(
    what: Run,
    process: subprocess.Popen[bytes],
    clock: SystemClock,
    arrived: Callable[[], bool] | None,
) -> None:
    deadline = clock.monotonic_s() + LONGEST_S
    while not (arrived() if arrived else _ended(process)):
        if arrived and _ended(process):
            raise EngineError("it ended before the end of its input", what.log)
        if clock.monotonic_s() > deadline:
            raise EngineError(f"it was not at the end of its input after {LONGEST_S:g} s", what.log)
        clock.sleep(LOOK_S)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, without taking its usage away."""
    state = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return state is not None


def _usage(what: Run, process: subprocess.Popen[bytes], clock: SystemClock) -> float:
    deadline = clock.monotonic_s() + STOP_S
    while not _ended(process) and clock.monotonic_s() < deadline:
        clock.sleep(LOOK_S)
    if not _ended(process):
        raise EngineError(f"it did not stop within {STOP_S:g} s", what.log)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def at_end(settings: Settings, group: str, topic: str, partitions: int) -> Callable[[], bool]:
    """Return what tells whether a group has committed the present end of a topic."""
    log = KafkaLog(kafka_connection(settings))
    tps = [TopicPartition(topic, number) for number in range(partitions)]
    ends = {tp: log.bounds(tp)[1] for tp in tps}

    def arrived() -> bool:
        committed = log.group_positions(group, tps)
        return all(committed.get(tp, 0) >= end for tp, end in ends.items())

    return arrived
