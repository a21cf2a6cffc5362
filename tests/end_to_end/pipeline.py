"""A running pipeline: registry, store, balance and market as processes; readings come from the tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cli.connections import registry_address
from cli.prepare import prepare
from cli.stack import PARTS, Stack, StackSpec
from cli.store_client import StoreClient, StoreError
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_producer import KafkaPublisher
from runtime.log import LogError, OutRecord, Record, TopicPartition
from runtime.partition_head import HEAD_KEY, Head
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all
from runtime.settings import load
from schemas import topic_files
from schemas.codec import Codec
from schemas.errors import DecodeError
from schemas.events import Availability, Event
from schemas.identity import series_key
from schemas.routing import partition_for

CLOCK = SystemClock()
PARTITIONS = 4
LONG_S = 120.0  # a busy machine is no failure; a healthy one needs a few seconds
LOOK_S = 0.2
LINGER_MS = 400  # everything that a test publishes at once reaches a partition as one batch
CHANGELOGS: Mapping[str, str] = {
    "balance": topic_files.BALANCE_CHANGELOG,
    "market": topic_files.MARKET_CHANGELOG,
}
STAGE_INPUTS: Mapping[str, Sequence[str]] = {
    "balance": (topic_files.FACILITIES, topic_files.AVAILABILITY),
    "market": (topic_files.POSITIONS, topic_files.COMMANDS),
}
Found = TypeVar("Found")
Row = Sequence[Any]


def say(line: str) -> None:
    """Lines of the stack land in pytest's captured output, which is shown on failure."""
    sys.stdout.write(f"{line}\n")


@dataclass
class Pipeline:
    """The processes, and how a test talks to them."""

    stack: Stack
    codec: Codec
    log: KafkaLog
    publisher: KafkaPublisher
    store: StoreClient
    published: dict[TopicPartition, list[OutRecord]] = field(
        default_factory=dict[TopicPartition, list[OutRecord]]
    )

    # -- in

    def publish(self, records: Iterable[OutRecord]) -> None:
        """Write records and wait for the broker's acknowledgement."""
        for record in records:
            self.publisher.publish(record)
        self.publisher.flush()

    def record(self, topic: str, routing_key: str, event: Event) -> OutRecord:
        """Return an event as a record of the partition of its routing key."""
        tp = TopicPartition(topic, partition_for(routing_key, PARTITIONS))
        key = routing_key.encode()
        if isinstance(event, Availability):
            key = series_key(event.facility, event.material, event.direction)
        return OutRecord(tp, key, self.codec.encode(event))

    # -- out

    def get(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the rows of a REST list; no rows while the store is away."""
        name = path.rpartition("/")[2]
        try:
            return list(self.store.get(f"/api/v1/{path}", limit="10000", **query)[name])
        except StoreError:
            return []

    def sql(self, statement: str) -> list[Row]:
        """Ask the ledger."""
        return list(self.store.post("/api/v1/sql", {"sql": statement})["rows"])

    def read(
        self, topic: str, partitions: Iterable[int] = range(PARTITIONS)
    ) -> Iterator[tuple[TopicPartition, Record]]:
        """Yield the committed records of a topic, in the order of each partition."""
        for number in partitions:
            tp = TopicPartition(topic, number)
            for record in self.log.read(tp, *self.log.bounds(tp)):
                yield tp, record

    def events(
        self, topic: str, kind: type[Found], partitions: Iterable[int] = range(PARTITIONS)
    ) -> list[Found]:
        """Return the events of one type on a topic."""
        found: list[Found] = []
        for _, record in self.read(topic, partitions):
            try:
                event = self.codec.decode(record.value or b"")
            except DecodeError:
                continue
            if isinstance(event, kind):
                found.append(event)
        return found

    def ends(self, topic: str) -> dict[int, int]:
        """Return the read-committed end of every partition."""
        return {
            number: self.log.bounds(TopicPartition(topic, number))[1]
            for number in range(PARTITIONS)
        }

    def nexts(self, topic: str) -> dict[int, int]:
        """Return the offset behind the last record of every partition that has one; markers do not count."""
        return {tp.partition: record.offset + 1 for tp, record in self.read(topic)}

    # -- waiting

    def eventually(self, what: str, holds: Callable[[], Found], seconds: float = LONG_S) -> Found:
        """Return what `holds` gives once that is true of it; look after the processes meanwhile."""
        deadline = CLOCK.monotonic_s() + seconds
        trouble = ""
        while True:
            try:
                found = holds()
            except (StoreError, LogError) as error:
                trouble = f" ({error})"
            else:
                if found:
                    return found
            if CLOCK.monotonic_s() > deadline:
                pytest.fail(f"not within {seconds:g} s: {what}{trouble}\n{self.logs()}")
            self.stack.look()
            CLOCK.sleep(LOOK_S)

    def heads(self, stage: str) -> dict[int, Head]:
        """Return what each partition of a stage has committed."""
        return {
            tp.partition: Head.decode(record.value)
            for tp, record in self.read(CHANGELOGS[stage])
            if record.key == HEAD_KEY and record.value is not None
        }

    def applied(self, stage: str, topic: str, ends: Mapping[int, int]) -> bool:
        """Whether a stage has applied a topic up to these offsets."""
        heads = self.heads(stage)
        return all(
            number in heads and heads[number].next[topic] >= end for number, end in ends.items()
        )

    def in_ledger(self, topics: Iterable[str]) -> bool:
        """Whether the ledger has told Kafka that it holds everything up to the present ends."""
        ends = {
            TopicPartition(topic, number): end
            for topic in topics
            for number, end in self.ends(topic).items()
            if end
        }
        committed = self.log.group_positions("synergy.ledger", list(ends))
        return all(committed.get(tp, 0) >= end for tp, end in ends.items())

    def settle(self) -> None:
        """Wait until everything published has passed both stages and is in the ledger."""
        for stage, topics in STAGE_INPUTS.items():
            for topic in topics:
                self.wait_applied(stage, topic)
        kept = [name for name, one in topic_files.topic_files().items() if one.records]
        self.eventually("the ledger holds everything", lambda: self.in_ledger(kept))

    def wait_applied(self, stage: str, topic: str, seconds: float = LONG_S) -> None:
        """Wait until a stage has applied what a topic has now."""
        nexts = self.eventually(
            f"{topic} can be read", lambda: {-1: 0, **self.nexts(topic)}, seconds
        )
        del nexts[-1]
        self.eventually(
            f"{stage} has applied {topic} up to {nexts}",
            lambda: self.applied(stage, topic, nexts),
            seconds,
        )

    # -- faults

    def kill(self, name: str) -> None:
        """Kill a process as a machine would: without a word. The stack starts it again."""
        [pid] = [state.pid for state in self.stack.states() if state.name == name]
        assert pid is not None, f"{name} is not running"
        os.kill(pid, signal.SIGKILL)
        self.eventually(
            f"the end of {name} {pid} is noticed",
            lambda: all(state.pid != pid for state in self.stack.states()),
        )

    def restarts(self) -> dict[str, int]:
        """Return how often each process was started again."""
        return {state.name: state.restarts for state in self.stack.states()}

    def logs(self) -> str:
        """Return the end of every process's log."""
        folder = self.stack.settings.var / "log"
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}"
            for path in sorted(folder.glob("*.log"))
        )

    def log_lines(self, name: str) -> list[str]:
        """Return the lines that a process has written to its log."""
        path = self.stack.settings.var / "log" / f"{name}.log"
        return path.read_text(errors="replace").splitlines()


def start(var: Path, bootstrap: str) -> Pipeline:
    """Start the processes on a broker, with topics and schemas; return once the store is ready.

    What has started is stopped when that fails.
    """
    parts = [part for part in PARTS if part.name not in {"replay", "actors"}]
    loaded = load({"var": var, "kafka.bootstrap": bootstrap, "logs.form": "json"})
    return started(Stack(StackSpec(loaded=loaded, parts=parts, prepare=prepare), CLOCK, say))


def started(stack: Stack) -> Pipeline:
    """Start a stack and return once its store is ready; what has started is stopped when that fails."""
    try:
        stack.start()
        return _ready(stack)
    except BaseException:
        stack.stop()
        raise


def _ready(stack: Stack) -> Pipeline:
    settings = stack.settings
    with RegistryClient(registry_address(settings)) as registry:
        codec = look_up_all(registry)
    pipeline = Pipeline(
        stack,
        codec,
        KafkaLog(KafkaConnection(str(settings.kafka.bootstrap), {"log_level": "0"})),
        KafkaPublisher({**settings.kafka.client(), "linger.ms": LINGER_MS, "log_level": 0}),
        StoreClient(settings.store.address),
    )
    pipeline.eventually("the store is ready", lambda: pipeline.store.get("/readyz")["ready"])
    return pipeline


def stop(pipeline: Pipeline) -> None:
    """Let everything go."""
    pipeline.store.close()
    pipeline.publisher.close()
    pipeline.stack.stop()
