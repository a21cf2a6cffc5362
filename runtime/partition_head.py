"""The head of a partition's state: which topics it was made from and how far each was applied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from runtime.log import TopicDescription, TopicPartition
from runtime.partition_stops import (
    ChangelogUnreadable,
    LogEndsBeforeState,
    PartitionsChanged,
    RetentionPassed,
    StateMissing,
    StopReason,
    TopicRecreated,
)
from runtime.stage import Begun

HEAD_KEY = b"\x00head"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Head:
    """`topics` are the inputs as they were when the state was made; `next` is the first offset not applied."""

    topics: Mapping[str, TopicDescription]
    next: Mapping[str, int]

    def with_next(self, next_: Mapping[str, int]) -> Head:
        """Return the same head at other offsets."""
        return replace(self, next=dict(next_))

    def with_new_inputs(self, found: Found) -> Head:
        """Return the head with the inputs that the program has gained: nothing of them is in the state yet."""
        gained = found.topics.keys() - self.topics.keys()
        if not gained:
            return self
        topics = {**self.topics, **{topic: found.topics[topic] for topic in gained}}
        next_ = {**self.next, **{topic: found.bounds[topic][0] for topic in gained}}
        return Head(topics, next_)

    def encode(self) -> bytes:
        """Return the version byte and JSON."""
        rows = {
            topic: {"id": found.topic_id, "partitions": found.partitions, "next": self.next[topic]}
            for topic, found in self.topics.items()
        }
        return bytes([_VERSION]) + json.dumps(rows, sort_keys=True).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Head:
        """Read what `encode` wrote. Raises ValueError for another version."""
        if raw[0] != _VERSION:
            message = f"head of format {raw[0]}, this program reads {_VERSION}"
            raise ValueError(message)
        rows = json.loads(raw[1:])
        topics = {t: TopicDescription(t, row["id"], row["partitions"]) for t, row in rows.items()}
        return cls(topics, {topic: row["next"] for topic, row in rows.items()})


class Found(Protocol):
    """What opening a partition found; `runtime.partition_task.Opened` is one."""

    @property
    def parts(self) -> Mapping[bytes, bytes]:
        """Latest changelog parts."""
        ...

    @property
    def topics(self) -> Mapping[str, TopicDescription]:
        """The inputs as they are now."""
        ...

    @property
    def bounds(self) -> Mapping[str, tuple[int, int]]:
        """Start and read-committed end of this partition of each input."""
        ...

    @property
    def begun(self) -> Begun[Any] | None:
        """A state that does not come from the parts."""
        ...


@dataclass(frozen=True, slots=True)
class HeadCheck:
    """Decides whether a state may go on with the inputs that are there."""

    stage: str
    partition: int

    def resolve(self, raw: bytes | None, found: Found) -> Head | StopReason:
        """Return the head to go on from, or the reason to stop."""
        if found.begun is not None:
            return Head(found.topics, found.begun.next)
        if raw is None and not found.parts:
            return StateMissing(self.stage, "the changelog", self.partition)
        if raw is None:
            return ChangelogUnreadable(
                self.stage, self.partition, ValueError("parts without a head")
            )
        try:
            head = Head.decode(raw)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            return ChangelogUnreadable(self.stage, self.partition, error)
        head = head.with_new_inputs(found)
        for topic, now in found.topics.items():
            reason = self._compare(head, topic, now, found.bounds[topic])
            if reason is not None:
                return reason
        return head

    def _compare(
        self, head: Head, topic: str, now: TopicDescription, bounds: tuple[int, int]
    ) -> StopReason | None:
        known = head.topics[topic]
        if known.topic_id != now.topic_id:
            return TopicRecreated(self.stage, topic, known.topic_id, now.topic_id)
        if known.partitions != now.partitions:
            return PartitionsChanged(self.stage, topic, known.partitions, now.partitions)
        tp, next_ = TopicPartition(topic, self.partition), head.next[topic]
        if next_ < bounds[0]:
            return RetentionPassed(self.stage, tp, next_, bounds[0])
        if next_ > bounds[1]:
            return LogEndsBeforeState(self.stage, tp, next_, bounds[1])
        return None
