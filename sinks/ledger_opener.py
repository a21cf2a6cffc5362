"""Gathers what Kafka and the tables say of partitions, and lets `sinks.ledger_opening` decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.log import TopicDescription, TopicPartition
from runtime.sink_source import SinkSource
from sinks.container import Place
from sinks.ledger_opening import Evidence, LedgerStoppedError, Opening, Permissions, decide
from sinks.ledger_store import LedgerStore


@dataclass(slots=True)
class Opener:
    """Opens partitions, and watches that their topics stay the ones that were opened."""

    source: SinkSource
    store: LedgerStore
    permissions: Permissions
    _topics: dict[str, TopicDescription] = field(default_factory=dict[str, TopicDescription])

    def partitions(self, topics: Sequence[str]) -> Sequence[TopicPartition]:
        """Return all partitions of the topics.

        Raises TopicMissingError, SourceUnavailableError, and LedgerStoppedError when a topic is not the one that was
        opened before.
        """
        described = {topic: self.source.describe(topic) for topic in topics}
        if not self.permissions.accept_new_topic:
            for topic, opened in self._topics.items():
                _compare(opened, described[topic])
        self._topics = described
        return [
            TopicPartition(topic, partition)
            for topic, description in self._topics.items()
            for partition in range(description.partitions)
        ]

    def place(self, tp: TopicPartition) -> Place:
        """Return the partition with its topic's id."""
        return Place(tp, self._topics[tp.topic].topic_id)

    def openings(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Opening]:
        """Decide where each partition goes on. Raises LedgerStoppedError, and what the ports raise."""
        committed = self.source.committed(tps)
        lasts = {(end.topic, end.topic_id, end.partition): end.last for end in self.store.ends()}
        former = {(topic, partition): topic_id for topic, topic_id, partition in lasts}
        openings: dict[TopicPartition, Opening] = {}
        for tp in tps:
            topic_id = self._topics[tp.topic].topic_id
            start, end = self.source.bounds(tp)
            evidence = Evidence(
                tp=tp,
                topic_id=topic_id,
                start=start,
                end=end,
                committed=committed.get(tp),
                last=lasts.get((tp.topic, topic_id, tp.partition)),
                other_topic_id=former.get((tp.topic, tp.partition)),
            )
            openings[tp] = decide(evidence, self.permissions)
        return openings

    def check_topics(self) -> None:
        """Raise LedgerStoppedError when a topic is no longer the one that was opened."""
        for topic, opened in self._topics.items():
            _compare(opened, self.source.describe(topic))


def _compare(opened: TopicDescription, now: TopicDescription) -> None:
    if now.topic_id != opened.topic_id:
        raise LedgerStoppedError(
            TopicPartition(opened.topic, 0),
            "topic_recreated",
            f"the topic was deleted and made again (id {opened.topic_id} before, {now.topic_id} now)",
            "run `synergy store --accept-new-topic`: the former topic's rows stay, the new one's are added",
        )
    if now.partitions != opened.partitions:
        raise LedgerStoppedError(
            TopicPartition(opened.topic, opened.partitions),
            "partitions_changed",
            f"the topic has {now.partitions} partitions and had {opened.partitions}",
            "stop the writers, check that routing still holds, and start the store again",
        )
