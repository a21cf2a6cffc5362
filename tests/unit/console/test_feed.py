"""The feed folds what belongs on a topic, passes the rest over, and knows when it has caught up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from console.changes import Changes
from console.feed import KEPT_BYTES, NEWEST, Feed
from console.views import Views
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.memory_sink_source import MemoryTopics
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.event_blocks import EventBlocks
from schemas.events import Availability, Event, Match, Position, Rejected
from tests.unit.console.examples import example

CODEC = Codec({name: number for number, name in enumerate(sorted(record_schemas()), start=1)})
BLOCKS = EventBlocks(CODEC, lambda: 7)


@dataclass
class Stand:
    """Topics in memory and a feed on them."""

    topics: MemoryTopics
    feed: Feed

    def write(self, topic: str, value: bytes | None) -> None:
        self.topics.append(TopicPartition(topic, 0), b"key", value)

    def say(self, topic: str, event: Event) -> None:
        self.write(topic, CODEC.encode(event))

    def read(self) -> Views:
        while fetched := self.feed.source.poll(100, 0.0):
            self.feed.take(fetched)
        return self.feed.views


@pytest.fixture
def stand() -> Stand:
    topics = MemoryTopics(dict.fromkeys(NEWEST, 1))
    feed = Feed(topics.source("views"), BLOCKS, Views(), Changes("run1"), logger("tests"))
    return Stand(topics, feed)


def test_what_belongs_on_its_topic_is_shown(stand: Stand) -> None:
    stand.say(topic_files.MATCHES, example(Match))
    stand.say(topic_files.POSITIONS, example(Position))
    stand.feed.open()
    views = stand.read()
    assert (len(views.matches), len(views.positions)) == (1, 1)


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        (topic_files.POSITIONS, example(Match)),
        (topic_files.COMMANDS, example(Position)),
        (topic_files.COMMANDS, example(Rejected)),
        (topic_files.MATCHES, example(Availability)),
    ],
)
def test_what_somebody_claims_on_another_topic_is_not(
    stand: Stand, topic: str, event: Event
) -> None:
    stand.feed.open()
    stand.say(topic, event)
    assert stand.read().version == 0
    assert stand.feed.changes.last == 0


def test_bytes_that_are_no_event_are_counted_and_passed_over(stand: Stand) -> None:
    stand.feed.open()
    stand.write(topic_files.POSITIONS, b"junk")
    stand.write(topic_files.POSITIONS, None)
    stand.say(topic_files.POSITIONS, example(Position))
    assert len(stand.read().positions) == 1
    assert stand.feed.undecodable == 1


def test_of_a_large_rejection_the_start_is_kept(stand: Stand) -> None:
    stand.feed.open()
    stand.read()
    for size in (10, KEPT_BYTES, 1_000_000):
        stand.say(topic_files.REJECTED, example(Rejected, value=bytes(size)))
    shown = [one.value for one in stand.read().rejected]
    assert shown == [bytes(10), bytes(KEPT_BYTES), bytes(KEPT_BYTES)]


def test_it_has_caught_up_once_what_was_there_at_the_start_is_read(stand: Stand) -> None:
    def caught_up() -> bool:
        return stand.feed.caught_up

    stand.say(topic_files.MATCHES, example(Match))
    assert not caught_up()
    stand.feed.open()
    assert not caught_up()
    stand.read()
    assert caught_up()
    stand.say(topic_files.MATCHES, example(Match))
    assert caught_up()


def test_only_what_is_new_since_then_is_a_change(stand: Stand) -> None:
    stand.say(topic_files.MATCHES, example(Match))
    stand.feed.open()
    stand.read()
    assert stand.feed.changes.last == 0
    stand.say(topic_files.MATCHES, example(Match, revision=9))
    stand.read()
    (change,) = stand.feed.changes.since(0)
    assert isinstance(change.event, Match)
    assert change.event.revision == 9


def test_it_goes_on_behind_what_the_ledger_gave(stand: Stand) -> None:
    tp = TopicPartition(topic_files.MATCHES, 0)
    first, second = example(Match, revision=1), example(Match, revision=2)
    stand.say(topic_files.MATCHES, first)
    stand.say(topic_files.MATCHES, second)
    stand.feed.begin([CODEC.encode(first)], {tp: 1})
    stand.feed.open()
    assert stand.feed.positions[tp] == 1
    views = stand.read()
    assert [one.revision for one in views.matches.values()] == [2]
    assert views.version == 2


def test_a_topic_that_is_not_there_yet_is_waited_for() -> None:
    first, *others = NEWEST
    topics = MemoryTopics(dict.fromkeys(others, 1))
    feed = Feed(topics.source("views"), BLOCKS, Views(), Changes("run1"), logger("tests"))

    async def until_it_is_there() -> None:
        reading = asyncio.create_task(feed.run())
        await asyncio.sleep(0.1)
        assert not reading.done()
        topics.create(first, 1)
        while not feed.caught_up:
            await asyncio.sleep(0.1)
            assert not reading.done()
        reading.cancel()

    asyncio.run(asyncio.wait_for(until_it_is_there(), 30))
