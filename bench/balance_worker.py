"""CPU of the balance worker as it runs: fetch, checked decoding, state, output, its Kafka transactions.

    .venv/bin/python -m bench.balance_worker [readings]

Readings of 2,000 facilities x 3 materials in 4 partitions lie in an embedded broker; one `synergy worker balance`
drains them. CPU is user + system time of that process over all its threads, from its start to its end, less that of
the same process run before on the facilities alone: so imports, opening and stopping are not counted, and everything
else is.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from bench.foundation import fill, foundation
from bench.machine import conditions
from bench.results import Bar, Figure, record
from bench.worker_run import run_worker
from cli.worker import partition_counts
from producers.load import LoadPlan
from schemas import topic_files

READINGS = 2_000_000
PLAN = LoadPlan(facilities=2_000, start=datetime(2024, 7, 1, tzinfo=UTC))


def measure(readings: int) -> list[Figure]:
    """Fill a broker, drain it, return the figures."""
    with foundation() as settings:
        fill(settings, PLAN, 0)
        idle_s = run_worker(settings, topic_files.FACILITIES).cpu_s
        fill(settings, PLAN, readings)
        drain_s = run_worker(settings, topic_files.AVAILABILITY).cpu_s
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
            bar=Bar("<=", 4.0),
            conditions=said,
        ),
    ]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS))


if __name__ == "__main__":
    main()
