"""The topics of the product: one YAML file a topic in `schemas/topics/`, loaded and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Final, Literal, cast, get_args

import yaml

from schemas.avro_files import record_schemas
from schemas.errors import DefinitionError

AVAILABILITY: Final = "synergy.availability.v1"
FACILITIES: Final = "synergy.facilities.v1"
POSITIONS: Final = "synergy.positions.v1"
COMMANDS: Final = "synergy.commands.v1"
OUTCOMES: Final = "synergy.outcomes.v1"
MATCHES: Final = "synergy.matches.v1"
TRANSACTIONS: Final = "synergy.transactions.v1"
ALERTS: Final = "synergy.alerts.v1"
REJECTED: Final = "synergy.rejected.v1"
BALANCE_CHANGELOG: Final = "synergy.balance.changelog.v1"
MARKET_CHANGELOG: Final = "synergy.market.changelog.v1"

Component = Literal[
    "gateway", "erp", "replay", "balance", "market", "ledger", "notifications", "console", "cli"
]
Compatibility = Literal["BACKWARD", "FULL_TRANSITIVE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFile:
    """What a topic is for, and how it has to be set up.

    Args:
        name: topic, dots only, version last.
        purpose: what flows through it and why.
        key: what the record key is.
        routing_key: what chooses the partition.
        records: record names; the subject of each is `<topic>-<full record name>`.
        producers: parts of the product that write to it.
        consumers: parts of the product that read it.
        partitions: number of partitions; never changed.
        copartitioned_with: topic whose partition numbers mean the same here, so that the counts must be equal.
        compatibility: rule for new versions of its schemas; BACKWARD unless the file says more.
        dead_letters: topic that gets what consumers reject.
        config: topic settings as Kafka writes them.
    """

    name: str
    purpose: str
    key: str
    routing_key: str
    records: tuple[str, ...]
    producers: tuple[Component, ...]
    consumers: tuple[Component, ...]
    partitions: int
    config: Mapping[str, str]
    copartitioned_with: str | None = None
    compatibility: Compatibility = "BACKWARD"
    dead_letters: str | None = None

    def subject(self, record: str) -> str:
        """Return the registry subject of a record on this topic (Confluent's TopicRecordNameStrategy)."""
        return f"{self.name}-{record_schemas()[record].full_name}"


@cache
def topic_files() -> Mapping[str, TopicFile]:
    """Return every topic by name, checked against each other and the schema files.

    Raises:
        DefinitionError: a shipped file is wrong.
    """
    folder = files("schemas") / "topics"
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return checked([_load(entry) for entry in entries if entry.name.endswith(".yaml")])


def topics_of(record: str) -> tuple[TopicFile, ...]:
    """Return the topics that a record is published on."""
    return tuple(topic for topic in topic_files().values() if record in topic.records)


def checked(topics: Sequence[TopicFile]) -> Mapping[str, TopicFile]:
    """Return the topics by name.

    Raises:
        DefinitionError: a topic names another topic or a record that does not exist, a schema is on no topic, or
            topics that are read side by side have different partition counts.
    """
    by_name = {topic.name: topic for topic in topics}
    for topic in topics:
        for other in filter(None, (topic.copartitioned_with, topic.dead_letters)):
            if other not in by_name:
                raise DefinitionError(f"{topic.name} names the topic {other}, which has no file")
        partner = topic.copartitioned_with
        if partner and by_name[partner].partitions != topic.partitions:
            raise DefinitionError(f"{topic.name} and {partner} need the same number of partitions")
        if missing := sorted(set(topic.records) - record_schemas().keys()):
            raise DefinitionError(f"{topic.name} names {missing}, without a file in schemas/avro/")
    used = {record for topic in topics for record in topic.records}
    if orphans := sorted(record_schemas().keys() - used):
        raise DefinitionError(f"no topic carries {orphans}: name them in a file of schemas/topics/")
    return MappingProxyType(by_name)


def parse_topic(text: str) -> TopicFile:
    """Return the topic of a YAML text.

    Raises:
        DefinitionError: a key is missing, unknown or of the wrong type.
    """
    try:
        loaded = yaml.safe_load(text)
        content = dict(cast("Mapping[str, Any]", loaded))
        config = cast("Mapping[str, str]", content["config"])
        content["config"] = MappingProxyType(dict(config))
        for name in ("records", "producers", "consumers"):
            content[name] = tuple(cast("list[str]", content[name]))
        topic = TopicFile(**content)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DefinitionError(f"no topic file: {error}") from error
    _check_values(topic)
    return topic


def _check_values(topic: TopicFile) -> None:
    if unknown := sorted({*topic.producers, *topic.consumers} - set(get_args(Component))):
        raise DefinitionError(f"{topic.name} names the components {unknown}, which do not exist")
    if topic.compatibility not in get_args(Compatibility):
        raise DefinitionError(
            f"{topic.name}: {topic.compatibility!r} is no compatibility rule here"
        )
    if not all(type(value) is str for value in topic.config.values()):
        raise DefinitionError(f"{topic.name}: write settings as Kafka does, in quotes")
    if type(topic.partitions) is not int or topic.partitions < 1:
        raise DefinitionError(f"{topic.name}: partitions is a whole number from 1")
    if topic.config.get("message.timestamp.type") != "LogAppendTime":
        raise DefinitionError(f"{topic.name}: a replay of old events needs LogAppendTime")


def _load(entry: Traversable) -> TopicFile:
    try:
        topic = parse_topic(entry.read_text(encoding="utf-8"))
    except DefinitionError as error:
        raise DefinitionError(f"schemas/topics/{entry.name}: {error}") from error
    if entry.name != f"{topic.name}.yaml":
        raise DefinitionError(f"schemas/topics/{entry.name} describes {topic.name}")
    return topic
