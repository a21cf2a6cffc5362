"""Keeps the views fed: reads topics read committed, decodes, folds. On the event loop; polls in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from console.changes import Changes
from console.views import Views
from runtime.log import RecordsDamagedError, TopicMissingError, TopicPartition
from runtime.logs import Logger
from runtime.sink_source import Fetched, OffsetGoneError, SinkSource, SourceUnavailableError
from schemas import topic_files
from schemas.errors import DecodeError
from schemas.event_blocks import EventBlocks
from schemas.events import Event, Rejected

# What is kept for ever is read from its start; of the rest, the newest records of each partition.
NEWEST: Mapping[str, int | None] = {
    topic_files.MATCHES: None,
    topic_files.TRANSACTIONS: None,
    topic_files.POSITIONS: 40_000,
    topic_files.COMMANDS: 1_000,
    topic_files.OUTCOMES: 5_000,
    topic_files.ALERTS: 20_000,
    topic_files.REJECTED: 500,
}
KEPT_BYTES = 1_024
"""How much of a rejected record's bytes is shown; the ledger has all of them."""
_MOST_RECORDS = 2_000
_POLL_S = 0.05  # a poll of many records waits its whole time
_IDLE_S = 0.5  # a poll of one record returns as soon as there is one: idle, it is asked seldom and loses no time
_PAUSE_S = 1.0
_DAMAGED_PAUSE_S = 60.0
"""Disks do not mend themselves: one line a minute is enough to be seen."""


@dataclass(slots=True)
class Feed:
    """Moves records into the views; `caught_up` tells whether the end that was there at the start is reached.

    `listener` hears every event, with the time in milliseconds at which the log took it.
    """

    source: SinkSource
    blocks: EventBlocks
    views: Views
    changes: Changes
    log: Logger
    listener: Callable[[Event, int], None] = lambda _event, _at_ms: None
    undecodable: int = 0
    positions: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])
    _targets: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])

    @property
    def caught_up(self) -> bool:
        """Whether everything that existed at the start is in the views."""
        return bool(self._targets) and all(
            self.positions.get(tp, 0) >= end for tp, end in self._targets.items()
        )

    def begin(self, values: Iterable[bytes], positions: Mapping[TopicPartition, int]) -> None:
        """Start from the latest records of the ledger, which reaches up to these offsets; call it before `run`."""
        left = iter(values)
        while some := list(islice(left, _MOST_RECORDS)):
            for event in self._decoded(some):
                if event is not None:
                    self.views.take(event)
        self.positions = dict(positions)

    async def run(self) -> None:
        """Read until cancelled; a broker out of reach and a topic that is not there are waited for."""
        while True:
            try:
                await asyncio.to_thread(self.open)
                fetched: Mapping[TopicPartition, Fetched] = {}
                while True:
                    asked = (_MOST_RECORDS, _POLL_S) if fetched else (1, _IDLE_S)
                    fetched = await asyncio.to_thread(self.source.poll, *asked)
                    self.take(fetched)
            except (SourceUnavailableError, OffsetGoneError, TopicMissingError) as error:
                self.log.warning("views wait", cause=str(error))
                await asyncio.sleep(_PAUSE_S)
            except RecordsDamagedError as error:  # the ledger says at its own start how to go on
                self.log.error("views stay as they are: records are damaged", cause=str(error))  # noqa: TRY400
                await asyncio.sleep(_DAMAGED_PAUSE_S)

    def open(self) -> None:
        """Find the starts and assign them. Blocks; raises SourceUnavailableError."""
        starts: dict[TopicPartition, int] = {}
        for topic, newest in NEWEST.items():
            for tp in self._partitions(topic):
                start, end = self.source.bounds(tp)
                fresh = start if newest is None else max(start, end - newest)
                starts[tp] = max(fresh, min(self.positions.get(tp, 0), end))
                self._targets.setdefault(tp, end)
        self.positions = starts
        self.source.assign(starts)

    def _partitions(self, topic: str) -> Sequence[TopicPartition]:
        count = self.source.describe(topic).partitions
        return [TopicPartition(topic, number) for number in range(count)]

    def take(self, fetched: Mapping[TopicPartition, Fetched]) -> None:
        """Fold what was fetched into the views; what is new since they caught up is a change."""
        live = self.caught_up
        for tp, found in fetched.items():
            columns = found.columns
            decoded = self._decoded(columns.values)
            for event, at_ms in zip(decoded, columns.timestamps_ms, strict=True):
                if event is None or not _belongs(event, tp.topic):
                    continue
                self.views.take(event)
                self.listener(event, at_ms)
                if live:
                    self.changes.note(event)
            self.positions[tp] = found.next
        if fetched:
            self.changes.wake()

    def _decoded(self, values: Sequence[bytes | None]) -> Iterator[Event | None]:
        for event in self.blocks.decode(values):
            if isinstance(event, DecodeError):
                self.undecodable += 1  # the ledger keeps its bytes
                yield None
            else:
                yield _shortened(event) if isinstance(event, Rejected) else event


def _shortened(rejected: Rejected) -> Rejected:
    """Keep the start of the bytes: thousands of rejections of a megabyte are too much for memory and for an answer."""
    if rejected.value is None or len(rejected.value) <= KEPT_BYTES:
        return rejected
    return replace(rejected, value=rejected.value[:KEPT_BYTES])


def _belongs(event: Event, topic: str) -> bool:
    """Whether the topic is where such events are published; elsewhere it is what somebody claims."""
    return type(event).__name__ in topic_files.topic_files()[topic].records
