"""A worker process that runs the counting stage, for tests that kill it: `python -m tests.contract.tally_worker`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cli.worker import run_until_told
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection
from runtime.worker import Worker, WorkerSettings
from tests.stateful.tally import CHANGELOG, INPUT, SETUP, TallyStage


def main(bootstrap: str, prefix: str, data: str) -> None:
    settings = WorkerSettings(
        stage="tally",
        group=f"{prefix}tally",
        inputs=(prefix + INPUT, prefix + SETUP),
        first=(prefix + SETUP,),
        changelog=prefix + CHANGELOG,
        partitions=4,
        data=Path(data),
    )
    worker = Worker(settings, TallyStage(prefix), KafkaConnection(bootstrap), SystemClock())
    asyncio.run(run_until_told(worker))


if __name__ == "__main__":
    main(*sys.argv[1:])
