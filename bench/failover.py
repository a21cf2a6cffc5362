"""How long the partitions of a killed balance worker are silent, and how long those of the other worker.

    .venv/bin/python -m bench.failover [series]

Two workers share four partitions of 50,000 series each, whose state is there, and 1,000 readings a second come in. One
worker is killed with SIGKILL. What counts is new output: a commit that reaches the changelog. A partition's silence is
the longest time without one after the kill.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.background import Background
from bench.foundation import codec_of, foundation, say, sender
from bench.machine import conditions
from bench.results import Bar, Figure, record
from bench.worker_run import run_worker
from cli.connections import kafka_connection
from cli.worker import partition_counts
from producers.load import MATERIALS
from runtime.clock import US_PER_S, SystemClock
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.setting_types import Settings
from schemas import topic_files

SERIES = 200_000
PER_SECOND = 1_000
BEFORE_S, AFTER_S = 10.0, 45.0
LOOK_S = 0.2  # looking takes CPU from what is looked at
LONGEST_S = 120.0
CLOCK = SystemClock()


class NotSharedError(Exception):
    """The two workers did not come to share the partitions; the message ends with what each logged last."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        said = "\n".join(one.log.read_text()[-2_000:] for one in workers)
        super().__init__(f"the workers do not share the partitions:\n{said}")


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's process and the file that it logs to."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def partitions(self) -> Sequence[int]:
        """The partitions that it was last assigned."""
        found: Sequence[int] = ()
        for line in self.log.read_text().splitlines():
            event: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "partitions assigned":
                found = event["partitions"]
        return found


@dataclass(frozen=True, slots=True)
class Silence:
    """A time without output, in seconds after the kill."""

    began_s: float
    ended_s: float


@contextmanager
def two_workers(settings: Settings) -> Generator[Sequence[Worker]]:
    """Run two workers; none is left when the block is."""
    flags = ["--set", f"var={settings.var}", "--set", "logs.form=json"]
    command = [sys.executable, "-m", "cli", *flags, "worker", "balance"]
    workers: list[Worker] = []
    try:
        for number in range(2):
            path = settings.var / f"worker-{number}.log"
            with path.open("wb") as log:
                process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            workers.append(Worker(process, path))
        yield workers
    finally:
        for one in workers:
            one.process.kill()
            one.process.wait()


def wait_until_shared(workers: Sequence[Worker]) -> None:
    """Wait until each has half of the partitions. Raises NotSharedError."""
    deadline = CLOCK.monotonic_s() + LONGEST_S
    while [len(one.partitions) for one in workers] != [2, 2]:
        if CLOCK.monotonic_s() > deadline:
            raise NotSharedError(workers)
        CLOCK.sleep(LOOK_S)


class RejectedError(Exception):
    """Readings were rejected: that is not the work that the figures are about."""

    def __init__(self) -> None:
        super().__init__("readings were rejected")


def check_accepted(settings: Settings) -> None:
    """Raise RejectedError when a worker wrote a rejection."""
    if any(ends_of(settings, topic_files.REJECTED).values()):
        raise RejectedError


def ends_of(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    """Return where each partition of a topic ends."""
    log = KafkaLog(kafka_connection(settings))
    tps = [TopicPartition(topic, number) for number in range(partition_counts()[topic])]
    return {tp: log.bounds(tp)[1] for tp in tps}


def state_ends(settings: Settings) -> dict[TopicPartition, int]:
    """Return where the changelog of each partition ends."""
    return ends_of(settings, topic_files.BALANCE_CHANGELOG)


def wait_until_all_commit(settings: Settings, workers: Sequence[Worker]) -> None:
    """Wait until every partition is open and has committed something. Raises NotSharedError."""
    before, deadline = state_ends(settings), CLOCK.monotonic_s() + LONGEST_S
    while any(end <= before[tp] for tp, end in state_ends(settings).items()):
        if CLOCK.monotonic_s() > deadline:
            raise NotSharedError(workers)
        CLOCK.sleep(LOOK_S)


def silences(settings: Settings, victim: Worker) -> Mapping[int, Silence]:
    """Kill a worker; return each partition's longest silence after that."""
    log = KafkaLog(kafka_connection(settings))
    ends = state_ends(settings)
    tps = list(ends)
    victim.process.send_signal(signal.SIGKILL)
    killed_s = CLOCK.monotonic_s()
    grown = {tp: [killed_s] for tp in tps}
    while (now_s := CLOCK.monotonic_s()) < killed_s + AFTER_S:
        for tp in tps:
            end = log.bounds(tp)[1]
            if end > ends[tp]:
                ends[tp] = end
                grown[tp].append(CLOCK.monotonic_s())
        CLOCK.sleep(LOOK_S)
    return {tp.partition: longest([*times, now_s], killed_s) for tp, times in grown.items()}


def longest(moments: Sequence[float], since: float) -> Silence:
    """Return the longest time between two moments, in seconds after `since`."""
    began, ended = max(pairwise(moments), key=lambda pair: pair[1] - pair[0])
    return Silence(began - since, ended - since)


def measure(series: int) -> list[Figure]:
    """Build the state, let two workers share it, kill one."""
    background = Background(series // len(MATERIALS), PER_SECOND)
    with foundation() as settings, sender(settings, codec_of(settings)) as made:
        background.enrol(made)
        now = datetime.fromtimestamp(CLOCK.now_us() / US_PER_S, UTC)
        background.give_history(made, now)
        run_worker(settings, topic_files.AVAILABILITY)
        with two_workers(settings) as workers:
            wait_until_shared(workers)
            now = datetime.fromtimestamp(CLOCK.now_us() / US_PER_S, UTC)
            with background.running(made, now):
                wait_until_all_commit(settings, workers)
                CLOCK.sleep(BEFORE_S)
                victim = workers[1]
                lost = set(victim.partitions)
                found = silences(settings, victim)
            check_accepted(settings)
    say(f"partitions {sorted(lost)} were the killed worker's: {found}")
    said = conditions({"series_a_partition": series // 4, "readings_per_s": PER_SECOND})
    others = found.keys() - lost
    figures = (
        ("of the killed worker end, after the kill", max(found[one].ended_s for one in lost), 10.0),
        (
            "of the other worker last",
            max(found[one].ended_s - found[one].began_s for one in others),
            7.0,
        ),
    )
    return [
        Figure(
            name=f"failover: silences of partitions {which}",
            value=value,
            unit="s",
            bar=Bar("<=", bar),
            conditions=said,
        )
        for which, value, bar in figures
    ]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SERIES))


if __name__ == "__main__":
    main()
