"""What a saved state may go on from."""

from __future__ import annotations

from runtime.log import TopicDescription
from runtime.partition_actions import Opened
from runtime.partition_head import Head, HeadCheck
from runtime.partition_stops import ChangelogUnreadable, PartitionsChanged, TopicRecreated

OLD, NEW = TopicDescription("old", "id-1", 4), TopicDescription("new", "id-2", 4)
CHECK = HeadCheck("market", 0)


def opened(*topics: TopicDescription) -> Opened[None]:
    return Opened(
        parts={b"part": b"value"},
        head=None,
        changelog_end=2,
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


def test_partitions_that_were_added_to_a_live_topic_stop_the_partition_and_say_what_to_do() -> None:
    saved = Head({"old": OLD}, {"old": 7})
    stopped = CHECK.resolve(saved.encode(), opened(TopicDescription("old", "id-1", 6)))
    assert isinstance(stopped, PartitionsChanged)
    assert (stopped.known, stopped.found) == (4, 6)
    assert "has 6 partitions, the state was made with 4" in stopped.message
    assert "topic of a new version with 6 partitions" in stopped.message
    assert "--rebuild" not in stopped.message


def test_a_head_that_is_damaged_or_of_another_version_names_the_rebuild() -> None:
    good = Head({"old": OLD}, {"old": 7}).encode()
    for bad in (b"", good[:-3], b"\x63" + good[1:], good.replace(b'"next"', b'"last"')):
        stopped = CHECK.resolve(bad, opened(OLD))
        assert isinstance(stopped, ChangelogUnreadable)
        assert "synergy worker market --rebuild" in stopped.message
