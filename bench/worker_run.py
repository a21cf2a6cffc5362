"""One `synergy worker balance` on a broker that is there, and what it used from its start to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from resource import struct_rusage

from bench.foundation import say
from bench.machine import KB_PER_MB
from cli.connections import kafka_connection
from cli.worker import partition_counts
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.setting_types import Settings

GROUP = "synergy.balance"
LOOK_S = 0.25
LONGEST_S = 600.0


class WorkerEndedError(Exception):
    """The worker ended, or did not come to the end of its input; its log is on stderr."""


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds over all threads, peak of resident memory, and seconds from the start until the work was done."""

    cpu_s: float
    peak_mb: float
    done_s: float


def run_worker(settings: Settings, topic: str, workers: int = 1) -> Used:
    """Run workers until their group has committed the present end of a topic, then stop them.

    Returns:
        What they used together; the memory is that of the largest.
    """
    command = [sys.executable, "-m", "cli", "--set", f"var={settings.var}", "worker", "balance"]
    clock = SystemClock()
    began = clock.monotonic_s()
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(workers)]
    say(f"worker: process {', '.join(str(one.pid) for one in running)}")
    try:
        _wait_for_commit(settings, topic, lambda: all(one.poll() is None for one in running))
        done_s = clock.monotonic_s() - began
        ended = [_stop(one) for one in running]
    finally:
        for one in running:
            if one.returncode is None:
                one.kill()
                one.wait()
    return Used(
        sum(used.ru_utime + used.ru_stime for used in ended),
        max(used.ru_maxrss for used in ended) / KB_PER_MB,
        done_s,
    )


def _stop(process: subprocess.Popen[bytes]) -> struct_rusage:
    process.send_signal(signal.SIGTERM)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used


def _wait_for_commit(settings: Settings, topic: str, alive: Callable[[], bool]) -> None:
    clock, log = SystemClock(), KafkaLog(kafka_connection(settings))
    tps = [TopicPartition(topic, number) for number in range(partition_counts()[topic])]
    ends = {tp: log.bounds(tp)[1] for tp in tps}
    deadline = clock.monotonic_s() + LONGEST_S
    while True:
        committed = log.group_positions(GROUP, tps)
        if all(committed.get(tp, 0) >= end for tp, end in ends.items()):
            return
        if not alive() or clock.monotonic_s() > deadline:
            raise WorkerEndedError
        clock.sleep(LOOK_S)
