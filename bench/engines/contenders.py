"""The engines: how each is made ready and started, how much it drains, and the bar for the balance worker beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.engines.environments import PROGRAMS, java_for_kafka_streams, python_for
from runtime.partition_actions import TaskSettings
from runtime.setting_types import Settings

_RULES = TaskSettings(stage="", group="", partition=0, inputs=(), changelog="")
INTERVAL_S: Final = _RULES.catch_up_interval_us / 1e6
"""How often each engine commits and writes what changed: as often as the balance worker while it catches up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an engine is told; `state` is a folder of its own, `schema_id` that of the readings' schema."""

    bootstrap: str
    topic: str
    partitions: int
    schema: Path
    schema_id: int
    group: str
    output: str
    changelog: str
    state: Path
    interval_s: float = INTERVAL_S

    def arguments(self, **more: str) -> list[str]:
        """Return the task as arguments of a programme, `name=value` each.

        >>> Task(bootstrap="b", topic="t", partitions=4, schema=Path("s"), schema_id=1, group="g", output="o",
        ...     changelog="c", state=Path("f")).arguments(guarantee="exactly-once")[-3:]
        ['state=f', 'interval_s=3.0', 'guarantee=exactly-once']
        """
        own = {name: getattr(self, name) for name in self.__slots__}
        return [f"{name}={value}" for name, value in {**own, **more}.items()]


Commands = Callable[[Task], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine of the comparison.

    Args:
        key: short name, of topics, groups and folders.
        name: as figures call it.
        share: part of the readings that it drains: the slow ones take about a minute with less.
        ready: makes it ready and returns what makes its command.
        most: the largest part of its CPU per reading that the balance worker may take; none is held to nothing.
        grouped: it commits to a consumer group; else it ends by itself at the end of its input.
        settle_s: how long after its commit the last sums may still be on their way.
        said: what a reader should know of how it ran.
    """

    key: str
    name: str
    share: float
    ready: Callable[[Settings], Commands]
    said: str
    most: float | None = None
    grouped: bool = True
    settle_s: float = 0.0


def _quix(guarantee: str) -> Callable[[Settings], Commands]:
    def ready(_: Settings) -> Commands:
        python = python_for("quix")
        program = PROGRAMS / "quix_sums.py"
        return lambda task: [str(python), str(program), *task.arguments(guarantee=guarantee)]

    return ready


def _bytewax(_: Settings) -> Commands:
    python = str(python_for("bytewax"))
    return lambda task: [python, str(PROGRAMS / "bytewax_start.py"), *task.arguments()]


def _faust(_: Settings) -> Commands:
    python = str(python_for("faust"))
    return lambda task: [python, str(PROGRAMS / "faust_sums.py"), *task.arguments()]


def _kafka_streams(settings: Settings) -> Commands:
    java = java_for_kafka_streams(settings.embedded.jar_cache.expanduser())
    return lambda task: [*java, *task.arguments()]


def floor_command(task: Task, **more: str) -> list[str]:
    """Return the command of the bare loop."""
    return [sys.executable, "-m", "bench.engines.programs.floor", *task.arguments(**more)]


def _floor(_: Settings) -> Commands:
    return lambda task: floor_command(task, guarantee="exactly-once")


def _balance(settings: Settings) -> Commands:
    worker = [sys.executable, "-m", "cli", "--set", f"var={settings.var}", "worker", "balance"]
    return lambda _: worker


OURS: Final = Engine(
    key="balance",
    name="balance worker",
    share=1.0,
    ready=_balance,
    said="as it runs: checked decoding, validation, identities, 35 days, whole positions when they are news",
)

ENGINES: Final = (
    Engine(
        key="floor",
        name="bare loop, one transaction per partition",
        share=1.0,
        ready=_floor,
        said="confluent-kafka and polars; no validation, no identities, no rebalance: the floor",
    ),
    Engine(
        key="kafka_streams",
        name="Kafka Streams 4.4.0, exactly-once-v2",
        share=1.0,
        ready=_kafka_streams,
        most=1 / 2,
        said="aggregate by key, RocksDB with record cache, Avro's generic reader of two fields",
    ),
    Engine(
        key="bytewax",
        name="Bytewax 0.21.1 with recovery",
        share=1 / 4,
        ready=_bytewax,
        most=1 / 6,
        grouped=False,
        said="stateful_batch with notify_at, at-least-once output, fastavro of two fields",
    ),
    Engine(
        key="quix_exactly_once",
        name="Quix Streams 3.28.1, exactly-once",
        share=1 / 8,
        ready=_quix("exactly-once"),
        most=1 / 7,
        said="stateful apply on RocksDB, fastavro of two fields",
    ),
    Engine(
        key="quix_at_least_once",
        name="Quix Streams 3.28.1, at-least-once",
        share=1 / 8,
        ready=_quix("at-least-once"),
        said="stateful apply on RocksDB, fastavro of two fields",
    ),
    Engine(
        key="faust",
        name="Faust 0.15.3, at-least-once",
        share=1 / 40,
        ready=_faust,
        settle_s=2 * INTERVAL_S,
        said="agent and table in memory with changelog, fastavro of two fields",
    ),
)
