"""The market on a real broker: its changelog is deleted, and a rebuild goes on from what it had published."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from confluent_kafka.admin import AdminClient

from cli.embedded import kafka as embedded_kafka
from cli.topics import wanted_topics
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicPartition
from runtime.partition_head import HEAD_KEY, Head
from runtime.settings import load
from runtime.topics import TopicAdmin
from schemas import topic_files
from schemas.events import (
    Command,
    Event,
    Match,
    MatchState,
    Outcome,
    ReplayState,
    Side,
    Tick,
    Transaction,
    Unmatched,
)
from schemas.routing import partition_for
from tests.market.plants import GOOD_ASH, MARCH, MIX, OTHER_POWER, POWER, need, only, supply
from tests.market.stand import OUTPUTS, topic_of
from tests.market.values import CODEC

pytestmark = pytest.mark.kafka

CLOCK = SystemClock()
PARTITIONS = range(4)
OWN = partition_for("ohio", len(PARTITIONS))
SENT = datetime(2026, 1, 1, tzinfo=UTC)
Found = TypeVar("Found")
Kind = TypeVar("Kind", bound=Event)


@dataclass
class Market:
    """A broker with the topics of the product, and one market worker at a time."""

    bootstrap: str
    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def __post_init__(self) -> None:
        self.log = KafkaLog(KafkaConnection(self.bootstrap))
        self._publisher = KafkaPublisher({"bootstrap.servers": self.bootstrap})
        self.prepare()

    def prepare(self) -> None:
        """Create the topics that are missing."""
        admin = TopicAdmin({"bootstrap.servers": self.bootstrap})
        admin.apply(wanted_topics(load().settings))

    def start(self, *flags: str) -> None:
        """Start the worker; its log is a file of its own."""
        command = [sys.executable, "-m", "tests.contract.market_process"]
        path = self.folder / f"market-{len(self.running) + 1}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                [*command, self.bootstrap, str(self.folder), *flags],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)

    @property
    def log_file(self) -> Path:
        """The log of the worker that was started last."""
        return self.folder / f"market-{len(self.running)}.log"

    def stop(self) -> None:
        """Let the worker end as an operator does."""
        self.running[-1].send_signal(signal.SIGTERM)
        assert self.running[-1].wait(20) == 0

    def say(self, *events: Event) -> None:
        """Write inputs; a tick goes to every partition."""
        for event in events:
            topic, key = topic_of(event)
            for number in PARTITIONS if isinstance(event, Tick) else [OWN]:
                tp = TopicPartition(topic, number)
                self._publisher.publish(OutRecord(tp, key, CODEC.encode(event)))
        self._publisher.flush()

    def order(self, number: int, match: Match, action: str, side: Side) -> None:
        self.say(
            Command(
                id=UUID(int=number),
                programme="ohio",
                action=action,
                subject=str(match.id),
                revision=match.revision,
                side=side,
                actor="ann",
                reason="because",
                sent_at=SENT,
            )
        )

    def events(self, topic: str, kind: type[Kind]) -> list[Kind]:
        tp = TopicPartition(topic, OWN)
        records = self.log.read(tp, *self.log.bounds(tp))
        decoded = (CODEC.decode(record.value or b"") for record in records)
        return [event for event in decoded if isinstance(event, kind)]

    def matches(self) -> list[Match]:
        """The newest version of every match."""
        found = self.events(topic_files.MATCHES, Match)
        return list({match.id: match for match in found}.values())

    def outcomes(self, number: int) -> list[Outcome]:
        found = self.events(topic_files.OUTCOMES, Outcome)
        return [outcome for outcome in found if outcome.command == UUID(int=number)]

    def ends(self, topics: tuple[str, ...]) -> dict[tuple[str, int], int]:
        return {
            (topic, number): self.log.bounds(TopicPartition(topic, number))[1]
            for topic in topics
            for number in PARTITIONS
        }

    def heads(self) -> Mapping[int, Head]:
        """What each partition has committed."""
        found: dict[int, Head] = {}
        for number in PARTITIONS:
            tp = TopicPartition(topic_files.MARKET_CHANGELOG, number)
            for record in self.log.read(tp, *self.log.bounds(tp)):
                if record.key == HEAD_KEY and record.value is not None:
                    found[number] = Head.decode(record.value)
        return found

    def all_applied(self) -> bool:
        """Whether every partition has committed everything that is on the topics of inputs."""
        heads = self.heads()
        inputs = (topic_files.POSITIONS, topic_files.COMMANDS)
        return all(
            number in heads and heads[number].next[topic] >= end
            for (topic, number), end in self.ends(inputs).items()
        )

    def tick(self, hours: int) -> None:
        """Let the programme's time pass and wait until every partition has committed it."""
        time = MARCH.replace(hour=hours)
        self.say(Tick(programme="ohio", time=time, state=ReplayState.RUNNING, speed=60.0))
        self.eventually(self.all_applied)

    def eventually(self, holds: Callable[[], Found], seconds: float = 90.0) -> Found:
        deadline = CLOCK.monotonic_s() + seconds
        while not (found := holds()):
            if CLOCK.monotonic_s() > deadline:
                pytest.fail(f"not within {seconds} s\n{self.log_file.read_text()[-3000:]}")
            CLOCK.sleep(0.2)
        return found

    def said(self) -> list[str]:
        """The codes of the errors in the worker's log."""
        lines = self.log_file.read_text().splitlines()
        read = [json.loads(line) for line in lines if line.startswith("{")]
        return [line["code"] for line in read if "code" in line]


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    cache = load().settings.embedded.jar_cache.expanduser()
    broker = embedded_kafka.start(
        embedded_kafka.BrokerSpec(var=tmp_path / "kafka", jar_cache=cache), print
    )
    made = Market(broker.bootstrap, tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()
    broker.stop()


def lose_the_changelog(market: Market) -> None:
    admin: Any = AdminClient({"bootstrap.servers": market.bootstrap})  # its futures have no types
    admin.delete_topics([topic_files.MARKET_CHANGELOG])[topic_files.MARKET_CHANGELOG].result()
    market.prepare()


def live(market: Market) -> tuple[Match, Match]:
    """Let a market agree on one match and decline another; return both as they were proposed."""
    market.start()
    market.say(
        *(POWER, MIX, supply("power", "fly_ash", 100, properties=GOOD_ASH)),
        need("mix", "portland_cement", 800),
        supply("power", "bottom_ash", 50),
        need("mix", "crushed_stone", 5),
    )
    market.tick(1)
    market.eventually(lambda: len(market.events(topic_files.MATCHES, Match)) >= 1)
    agreed = market.matches()[0]
    market.order(1, agreed, "accept", Side.GIVER)
    market.eventually(lambda: market.outcomes(1))
    market.order(2, only(market.matches(), id=agreed.id), "accept", Side.RECEIVER)
    market.eventually(lambda: market.outcomes(2))
    market.tick(2)
    market.say(OTHER_POWER, supply("power2", "fly_ash", 60, properties=GOOD_ASH))
    market.tick(3)
    other = market.eventually(
        lambda: [one for one in market.matches() if one.state is MatchState.PROPOSED]
    )[0]
    market.order(3, other, "decline", Side.GIVER)
    market.eventually(lambda: market.outcomes(3))
    market.tick(4)
    return agreed, other


def test_a_market_that_lost_its_changelog_is_rebuilt_and_says_nothing_twice(
    market: Market,
) -> None:
    agreed, declined = live(market)
    market.stop()
    kept = market.heads()
    lose_the_changelog(market)
    market.start()
    market.eventually(lambda: market.said() == ["state_missing"] * len(PARTITIONS))
    assert "synergy worker market --rebuild" in market.log_file.read_text()
    market.stop()
    before = market.ends(OUTPUTS)

    market.start("--rebuild")
    market.eventually(lambda: len(market.heads()) == len(PARTITIONS))
    for number, head in market.heads().items():
        for topic in (topic_files.POSITIONS, topic_files.COMMANDS):
            assert 0 < head.next[topic] <= kept[number].next[topic] or not kept[number].next[topic]
    market.tick(5)
    assert market.ends(OUTPUTS) == before

    market.order(3, declined, "decline", Side.GIVER)  # once more: the answer is repeated
    market.eventually(lambda: len(market.outcomes(3)) == 2)
    first, second = market.outcomes(3)
    assert first == second
    market.say(supply("power2", "fly_ash", 90, properties=GOOD_ASH))
    again = market.eventually(
        lambda: [one for one in market.matches() if one.state is MatchState.PROPOSED]
    )
    market.stop()
    matches = market.events(topic_files.MATCHES, Match)
    assert len({(one.id, one.revision) for one in matches}) == len(matches)
    assert [one.revision for one in again] == [1]
    assert again[0].id not in {agreed.id, declined.id}
    assert again[0].quantity_per_day > declined.quantity_per_day
    assert len(market.events(topic_files.TRANSACTIONS, Transaction)) == 1
    statements = market.events(topic_files.MATCHES, Unmatched)
    assert len({(s.facility, s.material, s.reasons, s.resolved) for s in statements}) == len(
        statements
    )

    market.start()  # the changelog is whole again
    market.tick(7)
    assert market.said() == []
