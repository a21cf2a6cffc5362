"""The ledger's protocol for one partition, without I/O: what may be done next, and what Kafka is told.

Rows and offsets live in two systems, and a kill can come between any two steps. The order that makes it safe:

    1. tell Kafka which range comes next (the *pending* range, in the note of the commit; the offset stays before it);
    2. insert the range, one insert a table, with a token made of the range;
    3. tell Kafka the next pending range, or that there is none: that moves the offset behind the one just written.

                announce            announced                written
      IDLE ───────────────► ANNOUNCING ───────────► ANNOUNCED ───────► WRITTEN
       ▲  ▲                     │ announce_failed       │ abandon          │ │
       │  └─────────────────────┘ (back to where        ▼                  │ └─► announce the next range
       │                           it came from)     ABANDONED             │
       └───────────────────────────────────────────────(open again)────────┘ positioned

A range whose outcome is unknown is ABANDONED: the partition is opened again, exactly as after a kill. There is one way
back, and it is the one that the crash tests walk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from runtime.log import TopicPartition
from runtime.sink_source import Position

INSERT_WITHIN_S = 30.0
"""Seconds after its announcement in which a range may be inserted. Later, another process may own the ledger."""


@dataclass(frozen=True, slots=True, order=True)
class OffsetRange:
    """The offsets from `first` to `last`, both of them visible records."""

    first: int
    last: int

    def __str__(self) -> str:
        """Return the form that tokens and messages use."""
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Note:
    """What the commit's note says: the topic's id, the last offset in the tables, and the range that may be there.

    `last` is None while no record of the partition was written.
    """

    topic_id: str
    last: int | None
    pending: OffsetRange | None

    def text(self) -> str:
        """Encode the note.

        Examples:
            >>> Note("abc", 9, OffsetRange(10, 14)).text()
            '{"v":1,"id":"abc","last":9,"pending":[10,14]}'
        """
        pending = [self.pending.first, self.pending.last] if self.pending else None
        content = {"v": 1, "id": self.topic_id, "last": self.last, "pending": pending}
        return json.dumps(content, separators=(",", ":"))


def read_note(text: str) -> Note | None:
    """Decode a note; None when the ledger did not write it."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    fields = cast("Mapping[str, object]", content)
    if fields.get("v") != 1:
        return None
    pending = cast("list[int] | None", fields.get("pending"))
    last = cast("int | None", fields.get("last"))
    return Note(
        str(fields.get("id")), last, OffsetRange(pending[0], pending[1]) if pending else None
    )


class Phase(StrEnum):
    """Where a partition stands between Kafka and the tables."""

    IDLE = "idle"
    ANNOUNCING = "announcing"
    ANNOUNCED = "announced"
    WRITTEN = "written"
    ABANDONED = "abandoned"


class ProtocolError(Exception):
    """A step that the phase does not allow: a bug in the driver, never in the data."""


_STEPS: Mapping[tuple[Phase, str], Phase] = {
    (Phase.IDLE, "announce"): Phase.ANNOUNCING,
    (Phase.WRITTEN, "announce"): Phase.ANNOUNCING,
    (Phase.ANNOUNCING, "announced"): Phase.ANNOUNCED,
    (Phase.ANNOUNCED, "written"): Phase.WRITTEN,
    (Phase.ANNOUNCED, "abandon"): Phase.ABANDONED,
    (Phase.WRITTEN, "positioned"): Phase.IDLE,
    (Phase.IDLE, "positioned"): Phase.IDLE,
}


@dataclass(slots=True)
class PartitionProtocol:
    """The running state of one partition. `next` is where reading goes on once the current range is written."""

    tp: TopicPartition
    topic_id: str
    next: int
    last: int | None
    phase: Phase = Phase.IDLE
    _range: OffsetRange | None = None
    _range_next: int = 0
    _announced_at: float = 0.0
    _before: Phase = Phase.IDLE

    def announce(self, offsets: OffsetRange, next_offset: int) -> Position:
        """Return the commit that makes this the pending range; reading goes on at `next_offset` after it."""
        if offsets.first < self.next or (self.last is not None and offsets.first <= self.last):
            message = f"{self.tp}: range {offsets} is not behind {self.next}"
            raise ProtocolError(message)
        self._before = self.phase
        self._step("announce")
        self._range, self._range_next = offsets, next_offset
        return Position(self.next, Note(self.topic_id, self.last, offsets).text())

    def announced(self, now: float) -> None:
        """Kafka has the announcement. `now` is a monotonic time in seconds, from before the commit was sent."""
        self._step("announced")
        self._announced_at = now

    def announce_failed(self) -> None:
        """Kafka may have the announcement or not: the range must not be inserted. It can be announced again."""
        if self.phase is not Phase.ANNOUNCING:
            message = f"{self.tp}: no announcement is under way in phase {self.phase}"
            raise ProtocolError(message)
        self.phase = self._before

    def may_insert(self, now: float) -> bool:
        """Whether an insert of the announced range may start now."""
        return self.phase is Phase.ANNOUNCED and now - self._announced_at <= INSERT_WITHIN_S

    def token(self, label: str) -> str:
        """Return the insert token of a block of the announced range."""
        return insert_token(self.topic_id, self.tp, self._announced_range(), label)

    def written(self) -> None:
        """Every block of the announced range is in its table."""
        offsets, after = self._announced_range(), self._after("written")
        self.next, self.last, self._range = self._range_next, offsets.last, None
        self.phase = after  # at the end: another thread goes by it

    def abandon(self) -> None:
        """Give the announced range up, written or not: the partition has to be opened again."""
        self._step("abandon")

    def position(self, next_offset: int) -> Position:
        """Return the commit that says that nothing is pending; `next_offset` may skip markers only."""
        return Position(next_offset, Note(self.topic_id, self.last, None).text())

    def positioned(self, next_offset: int) -> None:
        """Kafka has that position."""
        self._step("positioned")
        self.next = next_offset

    def _announced_range(self) -> OffsetRange:
        if self._range is None:
            message = f"{self.tp}: no range is announced in phase {self.phase}"
            raise ProtocolError(message)
        return self._range

    def _step(self, name: str) -> None:
        self.phase = self._after(name)

    def _after(self, name: str) -> Phase:
        after = _STEPS.get((self.phase, name))
        if after is None:
            message = f"{self.tp}: {name} is not possible in phase {self.phase}"
            raise ProtocolError(message)
        return after


def insert_token(topic_id: str, tp: TopicPartition, offsets: OffsetRange, label: str) -> str:
    """Name the rows of one block of one range.

    Examples:
        >>> insert_token("abc", TopicPartition("synergy.availability.v1", 3), OffsetRange(10, 14), "ticks#2")
        'abc:3:10-14:ticks#2'
    """
    return f"{topic_id}:{tp.partition}:{offsets}:{label}"
