"""A source with a spool, as a gateway has: what it has spooled it sends until the broker has it, whatever happens.

On purpose it sends some readings twice and in another order, and records that are no readings at all. It obeys files in
`VAR/chaos`: it begins with `go`, holds its breath while there is `pause`, its disk is full while there is `full`, and
with `finish` it spools the last readings, sends everything and says so in `finished`.
"""

from __future__ import annotations

import json
import random
import resource
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cli.connections import registry_address
from cli.worker import partition_counts
from producers.errors import SpoolWriteError
from producers.reading import Reading
from producers.spool import Spool, Spooled
from runtime.clock import SystemClock
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicMissingError, TopicPartition
from runtime.publisher import PublishError
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all
from runtime.settings import load
from schemas import topic_files
from schemas.routing import partition_for
from synergy.balance.terms import moment
from tests.chaos.plants import EACH_S, PLANTS, first_reading, last_reading, reading

STEP_S = 0.2
AT_ONCE = 5_000
SHUFFLED = 25 * len(PLANTS)
"""Rows that may change places: gaps of a plant stay fewer than a source may have."""
AGAIN = 0.1
POISON = 0.1
MOST_BYTES_OF_A_FILE = 1
BROKEN = (b"", b"no Avro at all", b"\x00\x00\x0f\x42\x3fbody of an unknown schema")


@dataclass(slots=True)
class Source:
    """The running source."""

    spool: Spool
    publisher: KafkaPublisher
    control: Path
    partitions: int
    clock: SystemClock
    choose: random.Random
    sent: deque[Spooled] = field(default_factory=lambda: deque[Spooled](maxlen=2_000))

    def step(self) -> None:
        """Spool what is due and send what waits."""
        self._obey_disk()
        if not (self.control / "pause").exists():
            try:
                self._spool_due()
            except SpoolWriteError:
                (self.control / "disk_was_full").touch()
        try:
            self._send()
        except (PublishError, TopicMissingError, SpoolWriteError):
            return  # everything is still in the spool

    def _obey_disk(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        limit = MOST_BYTES_OF_A_FILE if (self.control / "full").exists() else hard
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))

    def _spool_due(self) -> None:
        position = json.loads(self.spool.position or "{}")
        if position.get("ended"):
            return
        now = moment(self.clock.now_us())
        began = datetime.fromisoformat(position.get("began", now.isoformat()))
        count = int(position.get("count", 0))
        finish = (self.control / "finish").exists()
        due = int((now - began) / timedelta(seconds=EACH_S)) * len(PLANTS)
        until = count if finish else min(due, count + AT_ONCE)
        readings: list[Reading] = [reading(number, began) for number in range(count, until)]
        if self.spool.position is None:
            readings[:0] = [first_reading(plant, began) for plant in range(len(PLANTS))]
        if finish:
            readings += [last_reading(plant, began) for plant in range(len(PLANTS))]
        if readings or self.spool.position is None:
            said = {"began": began.isoformat(), "count": until, "ended": finish}
            self.spool.append(readings, json.dumps(said))

    def _send(self) -> None:
        rows = self.spool.unsent(0, AT_ONCE)
        if not rows:
            if json.loads(self.spool.position or "{}").get("ended"):
                (self.control / "finished").write_text(self.spool.position or "")
            return
        for record in self._disturbed(rows):
            self.publisher.publish(record)
        self.publisher.flush()
        self.spool.acknowledge(rows[-1].place)
        self.sent.extend(rows)

    def _disturbed(self, rows: list[Spooled]) -> Iterator[OutRecord]:
        """Yield the rows in another order, some of earlier ones again, and poison among them."""
        for start in range(0, len(rows), SHUFFLED):
            part = rows[start : start + SHUFFLED]
            self.choose.shuffle(part)
            yield from map(self._record, part)
        if self.sent and self.choose.random() < AGAIN:
            yield from map(self._record, self.choose.sample(self.sent, min(20, len(self.sent))))
        if self.sent and self.choose.random() < POISON:
            yield self._poison(self.choose.choice(self.sent))

    def _record(self, row: Spooled) -> OutRecord:
        number = partition_for(row.facility, self.partitions)
        return OutRecord(TopicPartition(topic_files.AVAILABILITY, number), row.key, row.value)

    def _poison(self, row: Spooled) -> OutRecord:
        good = self._record(row)
        other = (good.tp.partition + 1) % self.partitions
        kinds = (*BROKEN, row.value[:-3], row.value + b"\x00", row.value + row.value, None)
        value = self.choose.choice(kinds)
        if value is None:
            return OutRecord(TopicPartition(good.tp.topic, other), row.key, row.value)
        return OutRecord(good.tp, row.key, value)


def run_source(var: Path) -> None:
    """Run until killed."""
    control = var / "chaos"
    settings = load({"var": str(var)}).settings
    with RegistryClient(registry_address(settings)) as registry:
        codec = look_up_all(registry)
    clock = SystemClock()
    source = Source(
        Spool(control / "source.spool", codec.encode, fresh_epoch=clock.now_us()),
        KafkaPublisher({**settings.kafka.client(), "message.timeout.ms": 10_000}),
        control,
        partition_counts()[topic_files.AVAILABILITY],
        clock,
        random.Random(_seed(control)),  # noqa: S311 - order, no secrets
    )
    while True:
        if (control / "go").exists():
            source.step()
        clock.sleep(STEP_S)


def _seed(control: Path) -> str:
    """Return another seed at every start that follows from the stand's own."""
    starts = control / "source_starts"
    number = int(starts.read_text()) + 1 if starts.exists() else 1
    starts.write_text(str(number))
    return f"{(control / 'seed').read_text()}/{number}"
