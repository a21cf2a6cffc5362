"""Where the engines are measured: one broker, the readings in it, and what each engine has written."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bench.engines.contenders import OURS, Engine, Task
from bench.engines.ours import balance_sums
from bench.engines.programs.rolling import reader
from bench.engines.running import Cores, on_cores
from bench.foundation import codec_of, foundation, say, sender
from cli.connections import kafka_connection
from cli.worker import partition_counts
from producers.load import LoadPlan, load_facility, load_records
from runtime.kafka_log import KafkaLog
from runtime.log import OutRecord, TopicPartition
from runtime.setting_types import Settings
from runtime.topics import TopicAdmin, TopicSpec
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.events import ReplayState, Tick

PLAN = LoadPlan(facilities=2_000, start=datetime(2024, 7, 1, tzinfo=UTC))
TICKING = "engines"
DECODED = 20_000
BALANCE_GROUP = "synergy.balance"


@dataclass(frozen=True, slots=True)
class Written:
    """What an engine has written: the last sum of each series, and how many records of output."""

    sums: dict[bytes, int]
    records: int


class Field:
    """A broker with the product's topics, and the readings that were published there so far.

    Args:
        settings: of the broker and registry.
        folder: where engines keep files.
        cores: who runs where.
    """

    def __init__(self, settings: Settings, folder: Path, cores: Cores) -> None:
        self.settings = settings
        self.cores = cores
        self.topic = topic_files.AVAILABILITY
        self.partitions = partition_counts()[self.topic]
        self.readings = 0
        self._folder = folder
        self._codec: Codec = codec_of(settings)
        self._schema = folder / "availability.avsc"
        self._schema.write_text(record_schemas()["Availability"].text, encoding="utf-8")
        self._log = KafkaLog(kafka_connection(settings))
        with sender(settings, self._codec) as made:
            made.facilities(load_facility(PLAN, number) for number in range(PLAN.facilities))

    def fill(self, readings: int) -> None:
        """Publish up to so many readings, then a tick in every partition, as a replay does."""
        if readings <= self.readings:
            return
        records = load_records(PLAN, self._codec.encode, readings)
        with sender(self.settings, self._codec) as made:
            made.readings(islice(records, self.readings, None))
        self.readings = readings
        self.tick()
        say(f"{readings:,} readings published")

    def tick(self) -> None:
        """Publish a tick in every partition, of a programme without facilities.

        It changes no sum, and lets those go on who have no clock.
        """
        now = PLAN.start + self.readings // PLAN.series * PLAN.period
        state = ReplayState.RUNNING
        tick = self._codec.encode(Tick(programme=TICKING, time=now, state=state, speed=1.0))
        with sender(self.settings, self._codec) as made:
            for number in range(self.partitions):
                tp = TopicPartition(self.topic, number)
                made.publisher.publish(OutRecord(tp, TICKING.encode(), tick))
            made.publisher.flush()

    def decoding_us(self) -> float:
        """Return what fastavro takes of the CPU for two fields of one reading, in microseconds.

        It is a part of what the engines in Python cost, and beside each engine it tells how fast the core was then.
        """
        read = reader(str(self._schema), str(self._codec.ids["Availability"]))
        values = [one.value for one in load_records(PLAN, self._codec.encode, DECODED)]
        with on_cores(self.cores.measured):
            began_s = time.process_time()
            for value in values:
                read(value)
            used_s = time.process_time() - began_s
        return used_s / DECODED * 1e6

    def task(self, engine: Engine) -> Task:
        """Return what an engine is told; its topics of output and changelog are made."""
        output, changelog = f"bench.{engine.key}.sums", f"bench.{engine.key}.changelog"
        specs = [TopicSpec(name, self.partitions) for name in (output, changelog)]
        TopicAdmin(self.settings.kafka.client()).apply(specs)
        state = self._folder / engine.key
        state.mkdir(exist_ok=True)
        return Task(
            bootstrap=kafka_connection(self.settings).bootstrap,
            topic=self.topic,
            partitions=self.partitions,
            schema=self._schema,
            schema_id=self._codec.ids["Availability"],
            group=BALANCE_GROUP if engine is OURS else f"bench.{engine.key}",
            output=output,
            changelog=changelog,
            state=state,
        )

    def written(self, engine: Engine, task: Task) -> Written:
        """Return what an engine has written."""
        if engine is OURS:
            records = sum(1 for _ in self._values(topic_files.POSITIONS))
            return Written(balance_sums(self.settings, PLAN, self.partitions), records)
        sums: dict[bytes, int] = {}
        records = 0
        for key, value in self._values(task.output):
            sums[key] = int(value)
            records += 1
        return Written(sums, records)

    def _values(self, topic: str) -> Generator[tuple[bytes, bytes]]:
        for number in range(self.partitions):
            tp = TopicPartition(topic, number)
            for record in self._log.read(tp, *self._log.bounds(tp)):
                if record.key is not None and record.value is not None:
                    yield record.key, record.value


@contextmanager
def field(folder: Path, cores: Cores) -> Generator[Field]:
    """Run a broker and yield the field on it."""
    with foundation() as settings:
        yield Field(settings, folder, cores)
