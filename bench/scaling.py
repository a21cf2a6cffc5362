"""What a reading costs with few and with many series, with two workers, and what the state of many series costs.

    .venv/bin/python -m bench.scaling [series...]

The same drain as `bench.balance_worker`, with 100, 10,000 and 1,000,000 series. Each size has a broker of its own; the
CPU of a worker that only reads the facilities is taken off. Then a new worker opens the state of that size, and is done
when each partition has committed what came meanwhile: that is the recovery, from the start of the process on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from bench.foundation import codec_of, fill, foundation, say, sender
from bench.machine import conditions
from bench.results import Bar, Condition, Figure, record
from bench.worker_run import Used, run_worker
from cli.connections import kafka_connection
from producers.load import MATERIALS, LoadPlan, load_records
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.setting_types import Settings
from schemas import topic_files

SIZES = (100, 10_000, 1_000_000)
READINGS = 2_000_000
MEANWHILE = 3_000
LARGE = 100_000
"""With fewer series a process holds more in its buffers than in its state."""
FLAT = 1.25
RECOVERED_S = 20.0
BYTES_A_SERIES = 1_536.0
START = datetime(2024, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Size:
    """What one number of series came to. `idle` is the run on the facilities alone, `state_bytes` is read."""

    plan: LoadPlan
    idle: Used
    drain: Used
    recovery: Used
    state_bytes: int

    @property
    def cost_us(self) -> float:
        """CPU of a reading in microseconds."""
        return (self.drain.cpu_s - self.idle.cpu_s) / READINGS * 1e6


def run_size(series: int) -> Size:
    """Drain the readings of so many series and open their state again."""
    plan = LoadPlan(facilities=ceil(series / len(MATERIALS)), start=START)
    with foundation() as settings:
        fill(settings, plan, 0)
        idle = run_worker(settings, topic_files.FACILITIES)
        fill(settings, plan, READINGS)
        drain = run_worker(settings, topic_files.AVAILABILITY)
        codec = codec_of(settings)
        with sender(settings, codec) as made:
            made.readings(load_records(plan, codec.encode, min(MEANWHILE, plan.series)))
        recovery = run_worker(settings, topic_files.AVAILABILITY)
        state = state_bytes(settings)
    size = Size(plan, idle, drain, recovery, state)
    say(
        f"{plan.series:,} series: {size.cost_us:.2f} us a reading, {recovery.done_s:.1f} s to recover"
    )
    return size


def two_workers() -> tuple[Used, Used]:
    """Drain the same readings with one worker and with two."""
    plan = LoadPlan(facilities=2_000, start=START)
    found: list[Used] = []
    for workers in (1, 2):
        with foundation() as settings:
            fill(settings, plan, READINGS)
            found.append(run_worker(settings, topic_files.AVAILABILITY, workers))
    return found[0], found[1]


def state_bytes(settings: Settings) -> int:
    """Return the bytes of the latest value and key of each part of the state."""
    log, topic = KafkaLog(kafka_connection(settings)), topic_files.BALANCE_CHANGELOG
    total = 0
    for number in range(topic_files.topic_files()[topic].partitions):
        tp = TopicPartition(topic, number)
        latest = {one.key: len(one.value or b"") for one in log.read(tp, *log.bounds(tp))}
        total += sum(len(key or b"") + size for key, size in latest.items())
    return total


def figures(sizes: Sequence[Size]) -> list[Figure]:
    """Return the figures of each size, and what each costs beside the cheapest."""
    least = min(one.cost_us for one in sizes)
    found: list[Figure] = []
    for one in sizes:
        said = conditions_of(one)
        rows: list[tuple[str, float, str, Bar | None]] = [
            ("CPU per reading", one.cost_us, "us of user+system CPU", None),
            ("CPU beside the cheapest size", one.cost_us / least, "times", Bar("<=", FLAT)),
            ("process start to all applied", one.recovery.done_s, "s", Bar("<=", RECOVERED_S)),
            ("state to be read", one.state_bytes / one.plan.series, "bytes a series", None),
        ]
        if (more := one.plan.series - sizes[0].plan.series) >= LARGE:
            grown = (one.drain.peak_mb - sizes[0].drain.peak_mb) * 2**20
            rows.append(("memory", grown / more, "bytes a series", Bar("<=", BYTES_A_SERIES)))
        about = f"scaling, {one.plan.series:,} series"
        found += [
            Figure(name=f"{about}: {what}", value=value, unit=unit, bar=bar, conditions=said)
            for what, value, unit, bar in rows
        ]
    return found


def conditions_of(one: Size) -> dict[str, Condition]:
    """Return what a size was measured with."""
    return conditions(
        {
            "readings": READINGS,
            "cpu_of_start_and_stop_s": round(one.idle.cpu_s, 2),
            "drained_after_s": round(one.drain.done_s, 1),
            "peak_mb": round(one.drain.peak_mb),
            "readings_meanwhile": min(MEANWHILE, one.plan.series),
        }
    )


def figures_of_two(one: Used, two: Used) -> list[Figure]:
    """Return what a second worker changes; the broker runs on the same cores."""
    said = conditions({"readings": READINGS, "series": 6_000})
    rates = {1: READINGS / one.done_s, 2: READINGS / two.done_s}
    return [
        Figure(
            name=f"scaling, {count} worker{'s' * (count > 1)}: from start to all applied",
            value=rate, unit="readings/s", bar=None, conditions=said,
        )
        for count, rate in rates.items()
    ]  # fmt: skip


def main() -> None:
    """Measure and record."""
    asked = [int(text) for text in sys.argv[1:]]
    record(figures([run_size(series) for series in asked or SIZES]))
    if not asked:
        record(figures_of_two(*two_workers()))


if __name__ == "__main__":
    main()
