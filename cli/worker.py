"""`synergy worker balance|market`: one process that runs one stage."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection
from runtime.metrics import Metrics
from runtime.worker import Worker, WorkerSettings
from schemas import topic_files
from schemas.block import BlockReaders
from schemas.codec import Codec
from schemas.event_blocks import EventBlocks
from stream_processors import balance, market
from stream_processors.outbox import Outbox
from synergy.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class WorkerTools:
    """What a worker of any stage works with. `data` is where Faust may put files."""

    connection: KafkaConnection
    codec: Codec
    catalogue: Catalogue
    data: Path
    metrics: Metrics = field(default_factory=Metrics)


StageName = Literal["balance", "market"]
_BALANCE_FETCH_BYTES = 256 * 1024
"""Applying a batch costs milliseconds however few readings are in it, and a commit waits for a second anyway."""
_MARKET_COMMIT_US = 250_000
"""What it waits for is on top of what balance has waited for; its commits cost by match, and those are few."""


def partition_counts() -> Mapping[str, int]:
    """Return the partition count of each topic, as declared."""
    return {name: topic.partitions for name, topic in topic_files.topic_files().items()}


def draw_token() -> int:
    """Return 63 random bits, which no sender of a batch can know."""
    return secrets.randbits(63)


def balance_worker(tools: WorkerTools, *, rebuild: bool) -> Worker[Any]:
    """Return a worker of the balance stage."""
    partitions = partition_counts()
    stage = balance.BalanceStage(
        balance.material_rules(tools.catalogue),
        BlockReaders(tools.codec),
        Outbox(balance.STAGE, tools.codec, partitions),
        partitions[topic_files.AVAILABILITY],
        draw_token,
    )
    settings = WorkerSettings(
        stage=balance.STAGE,
        group="synergy.balance",
        inputs=(topic_files.AVAILABILITY, topic_files.FACILITIES),
        first=(topic_files.FACILITIES,),
        outputs=outputs_of(balance.STAGE, topic_files.BALANCE_CHANGELOG),
        changelog=topic_files.BALANCE_CHANGELOG,
        partitions=partitions[topic_files.AVAILABILITY],
        data=tools.data,
        fetch_min_bytes=_BALANCE_FETCH_BYTES,
        rebuild=rebuild,
    )
    return Worker(settings, stage, tools.connection, SystemClock(), tools.metrics)


def outputs_of(stage: str, changelog: str) -> tuple[str, ...]:
    """Return the topics that a stage writes beside its changelog."""
    topics = topic_files.topic_files().values()
    return tuple(
        topic.name for topic in topics if stage in topic.producers and topic.name != changelog
    )


def market_worker(tools: WorkerTools, *, rebuild: bool) -> Worker[Any]:
    """Return a worker of the market stage."""
    partitions = partition_counts()
    stage = market.MarketStage(
        tools.catalogue,
        EventBlocks(tools.codec, draw_token),
        Outbox(market.STAGE, tools.codec, partitions),
    )
    settings = WorkerSettings(
        stage=market.STAGE,
        group="synergy.market",
        inputs=(topic_files.POSITIONS, topic_files.COMMANDS, topic_files.ALERTS),
        first=(topic_files.ALERTS,),  # who acknowledges an alert has seen it before
        outputs=outputs_of(market.STAGE, topic_files.MARKET_CHANGELOG),
        changelog=topic_files.MARKET_CHANGELOG,
        partitions=partitions[topic_files.POSITIONS],
        data=tools.data,
        commit_interval_us=_MARKET_COMMIT_US,
        rebuild=rebuild,
    )
    return Worker(settings, stage, tools.connection, SystemClock(), tools.metrics)


MAKERS: Mapping[StageName, Callable[..., Worker[Any]]] = {
    "balance": balance_worker,
    "market": market_worker,
}


async def run_until_told(worker: Worker[Any]) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await worker.run(stop)
