"""Topic files: complete, consistent with each other and with the schemas."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pytest

from runtime.kafka_writer import MOST_BYTES
from schemas import topic_files as module
from schemas.avro_files import record_schemas
from schemas.errors import DefinitionError
from schemas.topic_files import checked, parse_topic, topic_files, topics_of

DAY_MS = 86_400_000
KAFKA_DEFAULT_BYTES = 1_048_588  # max.message.bytes of a topic that does not set it
TEXT = (files("schemas") / "topics" / "synergy.positions.v1.yaml").read_text(encoding="utf-8")


def test_every_constant_names_a_topic_and_every_topic_has_a_constant() -> None:
    constants = {value for name, value in vars(module).items() if name.isupper()}
    assert constants == set(topic_files())


def test_every_schema_is_on_a_topic() -> None:
    assert all(topics_of(record) for record in record_schemas())
    assert [topic.name for topic in topics_of("Tick")] == [
        "synergy.availability.v1",
        "synergy.commands.v1",
    ]


def test_a_subject_is_the_topic_and_the_full_record_name() -> None:
    topic = topic_files()["synergy.availability.v1"]
    assert topic.subject("Tick") == "synergy.availability.v1-synergy.v1.Tick"


def test_every_topic_that_is_written_is_read() -> None:
    for topic in topic_files().values():
        assert topic.producers, topic.name
        assert topic.consumers, topic.name
        assert topic.purpose, topic.name


def test_what_a_rebuild_needs_is_kept_long_enough() -> None:
    kept = {name: int(topic.config.get("retention.ms", 0)) for name, topic in topic_files().items()}
    assert kept["synergy.availability.v1"] >= 36 * DAY_MS
    positions = topic_files()["synergy.positions.v1"].config
    assert positions["cleanup.policy"] == "compact"
    assert int(positions["min.compaction.lag.ms"]) == 30 * DAY_MS
    for_ever = [name for name, milliseconds in kept.items() if milliseconds == -1]
    assert for_ever == ["synergy.matches.v1", "synergy.outcomes.v1", "synergy.transactions.v1"]


def test_only_the_latest_of_facilities_positions_and_changelogs_is_kept() -> None:
    compacted = [
        name for name, topic in topic_files().items() if topic.config["cleanup.policy"] == "compact"
    ]
    assert compacted == [
        "synergy.balance.changelog.v1",
        "synergy.facilities.v1",
        "synergy.market.changelog.v1",
        "synergy.positions.v1",
    ]


def test_topics_with_schemas_may_change_only_in_both_directions() -> None:
    rules = {topic.compatibility for topic in topic_files().values() if topic.records}
    assert rules == {"FULL_TRANSITIVE"}


def test_topics_that_are_read_side_by_side_have_equal_partition_counts() -> None:
    topics = list(topic_files().values())
    facilities = next(topic for topic in topics if topic.name == "synergy.facilities.v1")
    others = [topic for topic in topics if topic is not facilities]
    with pytest.raises(DefinitionError, match="same number of partitions"):
        checked([*others, replace(facilities, partitions=8)])


def test_a_schema_without_topic_and_a_topic_without_schema_are_refused() -> None:
    topics = list(topic_files().values())
    positions = next(topic for topic in topics if topic.name == "synergy.positions.v1")
    others = [topic for topic in topics if topic is not positions]
    with pytest.raises(DefinitionError, match=r"no topic carries .*'FacilityFacts'"):
        checked([*others, replace(positions, records=("Position",))])
    with pytest.raises(DefinitionError, match="Ash"):
        checked([*others, replace(positions, records=(*positions.records, "Ash"))])
    with pytest.raises(DefinitionError, match=r"synergy\.positions\.v1, which has no file"):
        checked(others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("purpose:", "porpoise:"), "no topic file"),
        (("partitions: 4", 'partitions: "4"'), "whole number"),
        (("partitions: 4", "partitions: 0"), "whole number"),
        (("[balance]", "[ballance]"), "ballance"),
        (("FULL_TRANSITIVE", "NONE"), "compatibility rule"),
        (('"2592000000"', "2592000000"), "in quotes"),
        (("LogAppendTime", "CreateTime"), "LogAppendTime"),
    ],
)
def test_a_mistake_in_a_topic_file_is_named(change: tuple[str, str], message: str) -> None:
    assert change[0] in TEXT
    with pytest.raises(DefinitionError, match=message):
        parse_topic(TEXT.replace(*change))


def test_a_rejection_has_room_for_the_bytes_of_any_record() -> None:
    dead_letters = {topic.dead_letters for topic in topic_files().values()} - {None}
    for name in dead_letters:
        assert name is not None
        room = int(topic_files()[name].config["max.message.bytes"])
        assert room == MOST_BYTES
        senders = [topic for topic in topic_files().values() if topic.dead_letters == name]
        assert senders
        for topic in senders:
            most = int(topic.config.get("max.message.bytes", KAFKA_DEFAULT_BYTES))
            assert most + 4_096 < room
