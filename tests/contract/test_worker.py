"""Real worker processes on a real broker: killed, stopped and rebalanced, they count every record once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka.admin import AdminClient

from runtime.clock import SystemClock
from runtime.log import TopicPartition
from runtime.partition_head import HEAD_KEY, Head
from tests.stateful.kafka_control import KafkaControl
from tests.stateful.tally import CHANGELOG, INPUT, OUTPUT, POISONS, SETUP

PARTITIONS = 4
POISON_EVERY = 3_500  # the worker narrows each one down by reopening: seconds
CLOCK = SystemClock()


@dataclass
class Group:
    """Worker processes of one group, and the sums that have to come out."""

    bootstrap: str
    prefix: str
    folder: Path
    control: KafkaControl
    running: list[subprocess.Popen[bytes]]
    expected: dict[str, int]
    produced: int = 0

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.contract.tally_worker"]
        arguments = [self.bootstrap, self.prefix, str(self.folder / "faust")]
        with (self.folder / f"worker-{len(self.running)}.log").open("wb") as log:
            process = subprocess.Popen([*command, *arguments], stdout=log, stderr=subprocess.STDOUT)
        self.running.append(process)
        return process

    def end(self) -> None:
        """Kill all workers."""
        for process in self.running:
            process.kill()
            process.wait()

    def produce(self, count: int) -> None:
        """Write records of keys that stay in their partitions; some are poison."""
        for _ in range(count):
            number, self.produced = self.produced, self.produced + 1
            key = f"k{number % 8}"
            value = f"{number}:{number % 97}".encode()
            if number % POISON_EVERY == 250:
                value = POISONS[number // POISON_EVERY % len(POISONS)]
            tp = TopicPartition(self.prefix + INPUT, number % PARTITIONS)
            self.control.append_soon(tp, key.encode(), value)
            if value not in POISONS:
                self.expected[key] = self.expected.get(key, 0) + number % 97
        self.control.flush()

    def heads(self) -> dict[int, Head]:
        """Return the committed head of every partition."""
        found: dict[int, Head] = {}
        for number in range(PARTITIONS):
            tp = TopicPartition(self.prefix + CHANGELOG, number)
            for record in self.control.log.read(tp, *self.control.log.bounds(tp)):
                if record.key == HEAD_KEY and record.value is not None:
                    found[number] = Head.decode(record.value)
        return found

    def wait_until_applied(self, seconds: float) -> None:
        """Wait until the state of every partition includes everything produced."""
        topic, deadline = self.prefix + INPUT, CLOCK.monotonic_s() + seconds
        ends = {p: self.control.log.bounds(TopicPartition(topic, p))[1] for p in range(PARTITIONS)}
        while CLOCK.monotonic_s() < deadline:
            heads = self.heads()
            if all(p in heads and heads[p].next[topic] >= end for p, end in ends.items()):
                return
            CLOCK.sleep(0.3)
        logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
        pytest.fail(f"not applied within {seconds} s: {self.heads()} of {ends}\n{logs}")

    def members(self) -> int:
        """Return how many workers the broker counts to the group now."""
        name = f"{self.prefix}tally"
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        answers = cast("Mapping[str, Future[Any]]", admin.describe_consumer_groups([name]))
        return len(answers[name].result().members)

    def outputs(self) -> tuple[dict[str, int], list[int]]:
        """Return the last sum of every key, and the rejected offsets by partition times a million."""
        sums: dict[str, int] = {}
        rejected: list[int] = []
        for number in range(PARTITIONS):
            tp = TopicPartition(self.prefix + OUTPUT, number)
            for record in self.control.log.read(tp, *self.control.log.bounds(tp)):
                assert record.key is not None
                assert record.value is not None
                if record.key == b"rejected":
                    rejected.append(number * 1_000_000 + int(record.value))
                else:
                    sums[record.key.decode()] = json.loads(record.value)["sum"]
        return sums, rejected


@pytest.fixture
def early(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Group]:
    """Give a group whose first worker has found none of its topics when it joined."""
    made = Group(kafka, f"{request.node.name}.", tmp_path, None, [], {})  # type: ignore[arg-type]
    made.start()
    log, deadline = tmp_path / "worker-0.log", CLOCK.monotonic_s() + 60
    try:
        while "partitions=[]" not in log.read_text():
            assert CLOCK.monotonic_s() < deadline, log.read_text()
            CLOCK.sleep(0.1)
        made.control = KafkaControl(kafka, made.prefix, PARTITIONS)
        yield made
    finally:
        made.end()


@pytest.fixture
def group(kafka: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Group]:
    """Give a group without workers whose first topic has something."""
    prefix = f"{request.node.name}."
    control = KafkaControl(kafka, prefix, PARTITIONS)
    for _ in range(3):
        control.append(TopicPartition(prefix + SETUP, 0), b"setup", b"1")
    made = Group(kafka, prefix, tmp_path, control, [], {})
    yield made
    made.end()


def test_workers_that_are_killed_stopped_and_joined_count_once(group: Group) -> None:
    first, second = group.start(), group.start()
    group.produce(3_000)
    group.wait_until_applied(60)
    group.produce(1_000)
    first.kill()
    group.produce(1_000)
    third = group.start()
    group.wait_until_applied(60)
    second.send_signal(signal.SIGSTOP)  # longer than the session: its partitions go to the third
    group.produce(1_000)
    group.wait_until_applied(60)
    second.send_signal(signal.SIGCONT)
    group.produce(1_000)
    group.wait_until_applied(60)
    third.send_signal(signal.SIGTERM)
    assert third.wait(15) == 0
    sums, rejected = group.outputs()
    assert sums == group.expected
    assert len(rejected) == len(set(rejected)) == group.produced // POISON_EVERY


def test_a_worker_that_is_told_to_stop_leaves_its_group_at_once(group: Group) -> None:
    worker = group.start()
    group.produce(1_000)
    group.wait_until_applied(60)
    assert group.members() == 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert group.members() == 0  # one that is only gone stays a member until its session ends


BROKEN = """
import sys
from aiokafka.client import AIOKafkaClient
from tests.contract.tally_worker import main

async def lookup(*_, **__):  # what aiokafka says when a broker that is starting names no broker
    raise AssertionError("Did we not perform bootstrap?")

AIOKafkaClient.coordinator_lookup = lookup
main(*sys.argv[1:])
"""


def test_a_worker_that_can_come_into_no_group_ends_so_that_it_is_started_again(
    group: Group,
) -> None:
    arguments = [group.bootstrap, group.prefix, str(group.folder / "faust")]
    command = [sys.executable, "-c", BROKEN, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 3
    assert b"fallen out of its group" in done.stdout + done.stderr


def test_a_worker_that_finds_nothing_new_still_tells_lag_tools_where_it_is(group: Group) -> None:
    first = group.start()
    group.produce(1_000)
    group.wait_until_applied(60)
    first.kill()  # before it has said how far it is
    first.wait()
    group.start()
    topic, deadline = group.prefix + INPUT, CLOCK.monotonic_s() + 60
    wanted = {TopicPartition(topic, p): head.next[topic] for p, head in group.heads().items()}
    told: Mapping[TopicPartition, int] = {}
    while told != wanted and CLOCK.monotonic_s() < deadline:
        CLOCK.sleep(0.3)
        told = group.control.log.group_positions(f"{group.prefix}tally", list(wanted))
    assert told == wanted


def test_a_worker_that_did_not_find_its_topics_works_once_they_are_there(early: Group) -> None:
    """As when it joins a broker that is still starting: the leader of the group assigns nothing then."""
    early.control.append(TopicPartition(early.prefix + SETUP, 0), b"setup", b"1")
    early.produce(100)
    early.wait_until_applied(60)
    assert early.outputs()[0] == early.expected


def test_partitions_that_are_added_stop_a_running_stage_with_a_message(group: Group) -> None:
    process = group.start()
    group.produce(1_000)
    group.wait_until_applied(60)
    group.control.grow(group.prefix + INPUT, PARTITIONS + 2)
    log, deadline = group.folder / "worker-0.log", CLOCK.monotonic_s() + 60
    while log.read_text().count("code=partitions_changed") < PARTITIONS:
        assert CLOCK.monotonic_s() < deadline, log.read_text()[-3_000:]
        assert process.poll() is None, log.read_text()[-3_000:]
        CLOCK.sleep(0.2)
    assert (
        f"has {PARTITIONS + 2} partitions, the state was made with {PARTITIONS}" in log.read_text()
    )
    CLOCK.sleep(3.0)
    assert process.poll() is None, log.read_text()[-3_000:]


def test_an_input_is_read_up_to_a_damaged_byte_and_the_other_partitions_go_on(
    group: Group, kafka_data: Path
) -> None:
    topic = group.prefix + INPUT
    rotten = TopicPartition(topic, 0)
    for value in (b"1:1", b"2:2", b"7777:1", b"3:3"):  # one batch each
        group.control.append(rotten, b"k", value)
    [segment] = (kafka_data / f"{topic}-0").glob("*.log")
    place = segment.read_bytes().index(b"7777:1")
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(b"8")
    group.control.append(TopicPartition(topic, 1), b"other", b"4:4")
    process = group.start()
    log, deadline = group.folder / "worker-0.log", CLOCK.monotonic_s() + 60
    while "code=records_damaged" not in log.read_text() or group.outputs()[0] != {
        "k": 3,
        "other": 4,
    }:
        assert CLOCK.monotonic_s() < deadline, log.read_text()[-3_000:]
        CLOCK.sleep(0.2)
    group.control.append(TopicPartition(topic, 1), b"other", b"5:5")
    while group.outputs()[0] != {"k": 3, "other": 9}:
        assert CLOCK.monotonic_s() < deadline, log.read_text()[-3_000:]
        CLOCK.sleep(0.2)
    assert process.poll() is None, log.read_text()[-3_000:]
    assert log.read_text().count("code=records_damaged") == 1
    assert f"{topic}[0]: the batch at offset 2 is not what was written" in log.read_text()
    assert group.heads()[0].next[topic] == 2
