"""A broker with the product's topics and a schema registry, and records to publish there."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.connections import registry_address
from cli.embedded.ports import HOST, remember
from cli.prepare import prepare
from cli.stack import PARTS, Stack, StackSpec
from cli.worker import partition_counts
from producers.load import LoadPlan, LoadRecord, load_facility, load_records
from runtime.clock import SystemClock
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicPartition
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all
from runtime.setting_types import Settings
from runtime.settings import load
from schemas import topic_files
from schemas.codec import Codec
from schemas.events import Facility
from schemas.routing import partition_for


def say(line: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def foundation() -> Generator[Settings]:
    """Run broker and registry on a folder of their own, with topics and schemas applied; yield their settings."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        take_free_ports(Path(folder))
        loaded = load({"var": folder})
        parts = [part for part in PARTS if part.first]
        stack = Stack(StackSpec(loaded=loaded, parts=parts, prepare=prepare), SystemClock(), say)
        try:
            stack.start()
            yield stack.settings
        finally:
            stack.stop()


def take_free_ports(var: Path) -> None:
    """Let the stack use ports that the kernel chose, so that it never meets a stack that starts beside it."""
    with ExitStack() as open_sockets:
        chosen: dict[str, int] = {}
        for name in ("kafka", "kafka_controller", "registry", "store"):
            probe = open_sockets.enter_context(socket.socket())
            probe.bind((HOST, 0))
            chosen[name] = probe.getsockname()[1]
    remember(var / "ports.json", chosen)


def codec_of(settings: Settings) -> Codec:
    """Return the codec with the registry's ids."""
    with RegistryClient(registry_address(settings)) as registry:
        return look_up_all(registry)


class Sender:
    """Publishes facilities and readings to the partitions where they belong."""

    def __init__(self, settings: Settings, codec: Codec) -> None:
        quiet = {
            "log_level": 0
        }  # what is not acknowledged is raised; that the broker stops is no news
        self.publisher = KafkaPublisher({**settings.kafka.client(), **quiet})
        self.codec = codec
        self._partitions = partition_counts()[topic_files.AVAILABILITY]
        self._places: dict[str, TopicPartition] = {}

    def facilities(self, facilities: Iterable[Facility]) -> None:
        """Publish facilities and wait until the broker has them."""
        for one in facilities:
            tp = TopicPartition(topic_files.FACILITIES, partition_for(one.id, self._partitions))
            self.publisher.publish(OutRecord(tp, one.id.encode(), self.codec.encode(one)))
        self.publisher.flush()

    def reading(self, facility: str, key: bytes, value: bytes) -> None:
        """Publish one reading; does not wait."""
        place = self._places.get(facility)
        if place is None:
            number = partition_for(facility, self._partitions)
            place = self._places[facility] = TopicPartition(topic_files.AVAILABILITY, number)
        self.publisher.publish(OutRecord(place, key, value))

    def readings(self, records: Iterable[LoadRecord]) -> None:
        """Publish readings as fast as the broker takes them and wait until it has them."""
        for record in records:
            self.reading(record.facility, record.key, record.value)
        self.publisher.flush()


@contextmanager
def sender(settings: Settings, codec: Codec) -> Generator[Sender]:
    """Yield a sender; its connections are gone when the block is left."""
    made = Sender(settings, codec)
    try:
        yield made
    finally:
        made.publisher.close()


def fill(settings: Settings, plan: LoadPlan, readings: int) -> None:
    """Publish the facilities of a load, then so many readings."""
    codec = codec_of(settings)
    with sender(settings, codec) as made:
        made.facilities(load_facility(plan, number) for number in range(plan.facilities))
        made.readings(load_records(plan, codec.encode, readings))
    say(f"{readings:,} readings published")
