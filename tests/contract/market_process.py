"""A market worker as a process, for tests that take its changelog: `python -m tests.contract.market_process`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cli.worker import WorkerTools, market_worker, run_until_told
from runtime.kafka_log import KafkaConnection
from runtime.logs import configure
from tests.market.plants import CATALOGUE
from tests.market.values import CODEC


def main(bootstrap: str, data: str, *flags: str) -> None:
    configure("market", "info", "json")
    tools = WorkerTools(KafkaConnection(bootstrap), CODEC, CATALOGUE, Path(data))
    asyncio.run(run_until_told(market_worker(tools, rebuild="--rebuild" in flags)))


if __name__ == "__main__":
    main(*sys.argv[1:])
