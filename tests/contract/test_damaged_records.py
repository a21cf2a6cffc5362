"""A byte that changed on the broker's disk is noticed by everybody who reads it, and nothing behind it is taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.log import RecordsDamagedError, TopicPartition
from runtime.opening import open_partition
from runtime.partition_actions import Open, Stop, TaskSettings
from runtime.partition_stops import RecordsDamaged
from runtime.partition_task import PartitionTask
from runtime.prefetching_source import PrefetchingSource
from sinks.ledger_opening import stopped_damaged
from tests.stateful.kafka_control import KafkaControl
from tests.stateful.tally import CHANGELOG, INPUT, SETUP, TallyStage

pytestmark = pytest.mark.kafka
NUMBERS = count()


@dataclass(frozen=True)
class Rotten:
    """Topics whose changelog has three good records, one with another byte than was written, and a good one."""

    control: KafkaControl
    prefix: str
    bootstrap: str

    @property
    def tp(self) -> TopicPartition:
        return TopicPartition(self.prefix + CHANGELOG, 0)


@pytest.fixture
def rotten(kafka: str, kafka_data: Path) -> Iterator[Rotten]:
    prefix = f"rotten-{next(NUMBERS)}."
    control = KafkaControl(kafka, prefix)
    made = Rotten(control, prefix, kafka)
    for value in (b"one", b"two", b"three", b"damaged", b"behind it"):
        control.append(made.tp, value, value)
    [segment] = (kafka_data / f"{made.tp.topic}-0").glob("*.log")
    place = segment.read_bytes().index(b"damaged")
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(b"D")
    yield made
    control.close(prefix)


def test_neither_a_state_nor_a_list_of_records_is_read_from_it(rotten: Rotten) -> None:
    log = rotten.control.log
    with pytest.raises(RecordsDamagedError, match=rf"{rotten.tp.topic}\[0\].*offset 3 .*CRC"):
        log.latest(rotten.tp, 0, 5)
    found: list[bytes | None] = []
    with pytest.raises(RecordsDamagedError):
        found.extend(record.value for record in log.read(rotten.tp, 0, 5))
    assert log.latest(rotten.tp, 0, 3) == {key: key for key in (b"one", b"two", b"three")}
    assert list(log.latest(rotten.tp, 4, 5)) == [b"behind it"]


@pytest.mark.parametrize("rebuild", [False, True])
def test_the_partition_stops_and_says_how_to_go_on_also_when_it_is_to_be_rebuilt(
    rotten: Rotten, rebuild: bool
) -> None:
    settings = TaskSettings(
        stage="tally",
        group=f"{rotten.prefix}tally",
        partition=0,
        inputs=(rotten.prefix + INPUT, rotten.prefix + SETUP),
        changelog=rotten.tp.topic,
    )
    stage = TallyStage(rotten.prefix)
    task = PartitionTask(replace(settings, rebuild=rebuild), stage, 0)
    action = task.step(0)
    assert isinstance(action, Open)
    writer, opened = open_partition(rotten.control.log, task.settings, stage, action)
    task.opened(opened)
    assert isinstance(task.step(0), Stop)
    assert isinstance(task.stopped, RecordsDamaged)
    assert (
        f"stop all workers of the stage, delete the topic {rotten.tp.topic}" in task.stopped.message
    )
    assert "synergy worker tally --rebuild" in task.stopped.message
    writer.close()


@pytest.mark.parametrize("at_once", [1, 1_000])
def test_the_ledger_is_given_what_precedes_it_and_nothing_from_behind(
    rotten: Rotten, at_once: int
) -> None:
    settings = SinkSourceSettings(bootstrap=rotten.bootstrap, group=rotten.prefix, timeout_s=60.0)
    source = PrefetchingSource(KafkaSinkSource(settings), at_once)
    other = TopicPartition(rotten.prefix + INPUT, 0)
    rotten.control.append(other, b"good", b"good")
    source.assign({rotten.tp: 0, other: 0})
    taken: list[int] = []

    def take() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for tp, part in source.poll(at_once, 1.0).items():
                taken.extend(part.columns.offsets if tp == rotten.tp else ())

    with pytest.raises(RecordsDamagedError) as met:
        take()
    assert taken == [0, 1, 2]
    source.seek(other, 0)  # of another partition, as after an insert that failed
    with pytest.raises(RecordsDamagedError):
        take()
    assert taken == [0, 1, 2]
    source.close()
    stopped = stopped_damaged(met.value)
    assert (stopped.tp, stopped.reason) == (rotten.tp, "records_damaged")
    assert "--accept-gap" in stopped.command
