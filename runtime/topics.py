"""Topics of a cluster: what is there, what the topic files ask for, and the difference applied.

Nothing is ever deleted or shrunk, and the number of partitions is never changed: the partition of a
record is `murmur2(routing key) mod n`, so another n would scatter what is already there.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicDescription,
)

from runtime.clock import SystemClock

TIMEOUT_S = 20.0

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Answers = dict[Asked, Future[Answer]]

Action = Literal["create", "configure", "refuse"]
"""`create` a missing topic, `configure` a differing value, `refuse` another number of partitions."""


class TopicsError(Exception):
    """The cluster refused or did not answer."""

    def __init__(self, doing: str, reason: str) -> None:
        super().__init__(f"{doing}: {reason}")
        self.doing = doing
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic should be.

    `config` holds only the values that are asked for, as Kafka writes them.
    """

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    replication: int = 1


@dataclass(frozen=True, slots=True)
class TopicState:
    """What a topic is.

    `config` holds the values set on the topic itself and the effective other ones.
    """

    name: str
    topic_id: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What tells one cluster from another, and how big it is."""

    cluster_id: str
    brokers: int
    topics: int


@dataclass(frozen=True, slots=True)
class TopicChange:
    """One difference. `setting` is empty for `create`, `partitions` for `refuse`."""

    topic: str
    action: Action
    setting: str = ""
    present: str = ""
    wanted: str = ""

    def __str__(self) -> str:
        """Return the difference as a line for people."""
        if self.action == "create":
            return f"{self.topic}: create with {self.wanted} partitions"
        if self.action == "refuse":
            return (
                f"{self.topic}: has {self.present} partitions, {self.wanted} are asked for: not changed, because "
                f"every record's partition depends on the number"
            )
        return f"{self.topic}: {self.setting} {self.present or 'unset'} -> {self.wanted}"


def differences(specs: Sequence[TopicSpec], states: Mapping[str, TopicState]) -> list[TopicChange]:
    """Return what would have to change, in the order of the specs. Pure.

    >>> differences([TopicSpec("a", 4)], {})
    [TopicChange(topic='a', action='create', setting='', present='', wanted='4')]
    """
    changes: list[TopicChange] = []
    for spec in specs:
        state = states.get(spec.name)
        if state is None:
            changes.append(TopicChange(spec.name, "create", wanted=str(spec.partitions)))
            continue
        if state.partitions != spec.partitions:
            changes.append(
                TopicChange(
                    spec.name, "refuse", "partitions", str(state.partitions), str(spec.partitions)
                )
            )
        changes.extend(
            TopicChange(spec.name, "configure", name, state.config.get(name, ""), wanted)
            for name, wanted in sorted(spec.config.items())
            if state.config.get(name, "") != wanted
        )
    return changes


class TopicAdmin:
    """The topics of one cluster."""

    def __init__(self, client: Mapping[str, str]) -> None:
        """Connect lazily.

        Args:
            client: librdkafka settings, at least `bootstrap.servers`.
        """
        self._admin = AdminClient({"log_level": "0", **client})

    def cluster(self) -> ClusterState:
        """Return what the cluster says about itself. Raises TopicsError."""
        try:
            found = self._admin.list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise TopicsError("reading the cluster", str(error.args[0])) from error
        return ClusterState(str(found.cluster_id), len(found.brokers), len(found.topics))

    def states(self, names: Sequence[str]) -> dict[str, TopicState]:
        """Return the topics of `names` that exist, by name.

        Raises:
            TopicsError: the cluster did not answer.
        """
        try:
            found = self._admin.list_topics(timeout=TIMEOUT_S).topics
            present = [name for name in names if name in found]
            if not present:
                return {}
            topics = cast(
                "Answers[str, TopicDescription]",
                self._admin.describe_topics(TopicCollection(present)),
            )
            resources = [ConfigResource(ResourceType.TOPIC, name) for name in present]
            answers = cast(
                "Answers[ConfigResource, dict[str, ConfigEntry]]",
                self._admin.describe_configs(resources),
            )
            configs = {
                resource.name: {
                    key: _text(entry) for key, entry in answer.result(TIMEOUT_S).items()
                }
                for resource, answer in answers.items()
            }
            return {
                name: TopicState(name, str(topic.topic_id), len(topic.partitions), configs[name])
                for name, topic in ((name, topics[name].result(TIMEOUT_S)) for name in present)
            }
        except KafkaException as error:
            raise TopicsError("reading the topics", str(error.args[0])) from error

    def plan(self, specs: Sequence[TopicSpec]) -> list[TopicChange]:
        """Return the differences between the cluster and the specs. Raises TopicsError."""
        return differences(specs, self.states([spec.name for spec in specs]))

    def apply(self, specs: Sequence[TopicSpec]) -> list[TopicChange]:
        """Create and configure what differs; return every difference, the refused ones included.

        A topic that was created is known to the brokers when this returns.

        Raises:
            TopicsError: the cluster refused one of the changes.
        """
        changes = self.plan(specs)
        by_name = {spec.name: spec for spec in specs}
        created = [by_name[change.topic] for change in changes if change.action == "create"]
        self._create(created)
        self._configure([change for change in changes if change.action == "configure"])
        self._wait_until_visible(created)
        return changes

    def _wait_until_visible(self, specs: Sequence[TopicSpec]) -> None:
        """Wait until the brokers know what the controller has created: they learn of it a moment later."""
        clock = SystemClock()
        deadline = clock.monotonic_s() + TIMEOUT_S
        while missing := [change.topic for change in self.plan(specs)]:
            if clock.monotonic_s() > deadline:
                raise TopicsError(f"creating {', '.join(missing)}", "the brokers do not know them")
            clock.sleep(0.05)

    def _create(self, specs: Sequence[TopicSpec]) -> None:
        if not specs:
            return
        topics = [
            NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.config))
            for spec in specs
        ]
        answers = cast("Answers[str, None]", self._admin.create_topics(topics))
        for name, answer in answers.items():
            try:
                answer.result(TIMEOUT_S)
            except KafkaException as error:
                raise TopicsError(f"creating {name}", str(error.args[0])) from error

    def _configure(self, changes: Sequence[TopicChange]) -> None:
        by_topic: dict[str, list[ConfigEntry]] = {}
        for change in changes:
            by_topic.setdefault(change.topic, []).append(
                ConfigEntry(
                    change.setting,
                    change.wanted,
                    incremental_operation=AlterConfigOpType.SET,
                )
            )
        resources = [
            ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
            for name, entries in by_topic.items()
        ]
        answers = cast(
            "Answers[ConfigResource, None]",
            self._admin.incremental_alter_configs(resources) if resources else {},
        )
        for resource, answer in answers.items():
            try:
                answer.result(TIMEOUT_S)
            except KafkaException as error:
                raise TopicsError(f"configuring {resource.name}", str(error.args[0])) from error


def _text(entry: ConfigEntry) -> str:
    return "" if entry.value is None else entry.value


def answering_cluster(client: Mapping[str, str], timeout_s: float) -> str | None:
    """Return the id of the cluster whose broker answers a metadata request within the time, or None.

    A plain connection is tried first: librdkafka retries a refused one for the whole time.
    """
    for address in client["bootstrap.servers"].split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
        except OSError:
            continue
        try:
            found = AdminClient({"log_level": "0", **client}).list_topics(timeout=timeout_s)
        except KafkaException:
            return None
        return found.cluster_id if found.brokers else None
    return None
