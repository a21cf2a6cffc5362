"""What a saved state may go on from."""

from __future__ import annotations

from runtime.log import TopicDescription
from runtime.partition_actions import Opened
from runtime.partition_head import Head, HeadCheck
from runtime.partition_stops import TopicRecreated

OLD, NEW = TopicDescription("old", "id-1", 4), TopicDescription("new", "id-2", 4)
CHECK = HeadCheck("market", 0)


def opened(*topics: TopicDescription) -> Opened[None]:
    return Opened(
        parts={b"part": b"value"},
        topics={topic.topic: topic for topic in topics},
        bounds={topic.topic: (3, 9) for topic in topics},
    )


def test_an_input_that_the_program_has_gained_is_read_from_its_start() -> None:
    saved = Head({"old": OLD}, {"old": 7})
    found = CHECK.resolve(saved.encode(), opened(OLD, NEW))
    assert found == Head({"old": OLD, "new": NEW}, {"old": 7, "new": 3})


def test_an_input_that_was_made_again_still_stops_the_partition() -> None:
    saved = Head({"old": OLD}, {"old": 7})
    again = TopicDescription("old", "id-9", 4)
    assert isinstance(CHECK.resolve(saved.encode(), opened(again, NEW)), TopicRecreated)
