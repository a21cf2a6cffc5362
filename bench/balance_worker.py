"""CPU of the balance worker as it runs: fetch, checked decoding, state, output, its Kafka transactions.

    .venv/bin/python -m bench.balance_worker [readings]

Readings of 2,000 facilities x 3 materials in 4 partitions lie in an embedded broker; one `synergy worker balance`
drains them. CPU is user + system time of that process over all its threads, from its start to its end, less that of
the same process run before on the facilities alone: so imports, opening and stopping are not counted, and everything
else is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from bench.foundation import fill, foundation, say
from bench.machine import conditions
from bench.results import Bar, Figure, record
from cli.connections import kafka_connection
from cli.worker import partition_counts
from producers.load import LoadPlan
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.setting_types import Settings
from schemas import topic_files

READINGS = 2_000_000
PLAN = LoadPlan(facilities=2_000, start=datetime(2024, 7, 1, tzinfo=UTC))
GROUP = "synergy.balance"
LOOK_S = 0.25
LONGEST_S = 600.0


class WorkerEndedError(Exception):
    """The worker ended, or did not come to the end of its input; its log is on stderr."""


def run_worker(settings: Settings, topic: str) -> float:
    """Run the worker until its group has committed the present end of a topic, then stop it; return its CPU seconds."""
    command = [sys.executable, "-m", "cli", "--set", f"var={settings.var}", "worker", "balance"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    say(f"worker: process {process.pid}")
    try:
        _wait_for_commit(settings, topic, lambda: process.poll() is None)
        process.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    return used.ru_utime + used.ru_stime


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


def measure(readings: int) -> list[Figure]:
    """Fill a broker, drain it, return the figures."""
    with foundation() as settings:
        fill(settings, PLAN, 0)
        idle_s = run_worker(settings, topic_files.FACILITIES)
        fill(settings, PLAN, readings)
        drain_s = run_worker(settings, topic_files.AVAILABILITY)
    said = conditions(
        {
            "readings": readings,
            "facilities": PLAN.facilities,
            "materials": len(PLAN.materials),
            "partitions": partition_counts()[topic_files.AVAILABILITY],
            "cpu_of_start_and_stop_s": round(idle_s, 2),
        }
    )
    cost = (drain_s - idle_s) / readings * 1e6
    return [
        Figure(
            name="balance worker: CPU per reading",
            value=cost,
            unit="us of user+system CPU",
            bar=Bar("<=", 5.0),
            conditions=said,
        ),
    ]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS))


if __name__ == "__main__":
    main()
