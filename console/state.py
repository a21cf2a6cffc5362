"""What the REST server answers from: the views, the ledger, and how far everything is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from console.documents import Documents
from console.feed import Feed
from console.ledger_readers import LedgerReaders
from console.views import Views
from runtime.clock import Clock
from runtime.kafka_log import KafkaLog
from runtime.ledger_database import LedgerDatabaseError
from runtime.log import LogError, TopicPartition
from runtime.logs import Logger
from schemas import topic_files
from synergy.lifecycle.funnel import funnel

# Group of each stage, and the topics whose lag is the stage's.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "balance": (topic_files.AVAILABILITY, topic_files.FACILITIES),
    "market": (topic_files.POSITIONS, topic_files.COMMANDS, topic_files.ALERTS),
}
_LOOK_S = 1.0
_RATE_LOOKS = 6


class PartitionProgress(Protocol):
    """How far the ledger is in one partition; `lag` is None while unknown."""

    @property
    def tp(self) -> TopicPartition:
        """The partition."""
        ...

    @property
    def next(self) -> int:
        """The first offset that is not in the ledger."""
        ...

    @property
    def lag(self) -> int | None:
        """Records that the ledger has not got yet."""
        ...


class SinkStatus(Protocol):
    """How the ledger sink is doing; `problem` is None while it works."""

    @property
    def partitions(self) -> Sequence[PartitionProgress]:
        """Every partition."""
        ...

    @property
    def problem(self) -> str | None:
        """Why it waits or has stopped."""
        ...

    @property
    def repaired(self) -> int:
        """Rows that a crash had lost and recovery put back."""
        ...

    @property
    def lag(self) -> int | None:
        """Records that Kafka has and the ledger has not."""
        ...


@dataclass(slots=True)
class StoreState:
    """Everything that the endpoints need. `look` refreshes what has to be asked for."""

    views: Views
    documents: Documents
    feed: Feed
    sink_status: Callable[[], SinkStatus]
    ledger: LedgerReaders
    kafka: KafkaLog
    clock: Clock
    log: Logger
    stage_lags: Mapping[str, Mapping[TopicPartition, int]] = field(
        default_factory=dict[str, "Mapping[TopicPartition, int]"]
    )
    ledger_rows: Mapping[str, int] = field(default_factory=dict[str, int])
    reconciled: Mapping[str, Any] | None = None
    _rates: deque[tuple[float, int]] = field(
        default_factory=lambda: deque[tuple[float, int]](maxlen=_RATE_LOOKS)
    )

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except (LogError, LedgerDatabaseError) as error:
                self.log.warning("status is not fresh", cause=str(error))
            await asyncio.sleep(_LOOK_S)

    def look(self) -> None:
        """Ask the ledger for its rows and Kafka for what the stages have committed. Blocks."""
        found = self.ledger.own.query("SELECT table, rows FROM ledger_rows")
        self.ledger_rows = {str(table): int(str(count)) for table, count in found.rows}
        self._rates.append((self.clock.monotonic_s(), self.ledger_rows.get("availability", 0)))
        if self.sink_status().lag is not None:  # it knows where the topics end
            self.stage_lags = {stage: self._lags(stage, topics) for stage, topics in GROUPS.items()}

    def _lags(self, stage: str, topics: tuple[str, ...]) -> Mapping[TopicPartition, int]:
        ends = {
            one.tp: one.next + (one.lag or 0)
            for one in self.sink_status().partitions
            if one.tp.topic in topics
        }
        wanted: list[TopicPartition] = list(ends)
        if not wanted:
            return {}
        committed = self.kafka.group_positions(f"synergy.{stage}", wanted)
        return {tp: max(0, end - committed.get(tp, 0)) for tp, end in ends.items()}

    def partition_lags(self) -> dict[str, Mapping[TopicPartition, int]]:
        """Return how many records each stage and the ledger are behind, by partition; the unknown is left out."""
        sink = self.sink_status()
        if sink.lag is None:
            return {**self.stage_lags}
        return {**self.stage_lags, "ledger": {one.tp: one.lag or 0 for one in sink.partitions}}

    def lags(self) -> dict[str, int]:
        """Return how many records each stage and the ledger are behind; what is not known yet is left out."""
        return {name: sum(parts.values()) for name, parts in self.partition_lags().items()}

    def missing(self) -> str | None:
        """Return what is missing before the store can be used, or None."""
        problem = self.sink_status().problem
        return problem or (None if self.feed.caught_up else "the views are catching up")

    @property
    def events_per_second(self) -> float | None:
        """Readings that reached the ledger per second, over the last seconds."""
        if len(self._rates) < 2:
            return None
        (began, first), (ended, last) = self._rates[0], self._rates[-1]
        return round((last - first) / (ended - began), 1)

    def status(self) -> dict[str, Any]:
        """Return the document of `/api/v1/status`."""
        sink = self.sink_status()
        programmes = sorted(self.views.programmes.values(), key=lambda tick: tick.programme)
        return {
            "events_per_second": self.events_per_second,
            "published": self.ledger_rows.get("availability"),
            "positions": len(self.views.positions),
            "open_matches": sum(1 for _ in self.views.matches_open()),
            "unmatched": len(self.views.unmatched),
            "rejected": self.ledger_rows.get("rejected"),
            "funnel": asdict(funnel(self.views.history, self.views.positions.values())),
            "lag": self.lags(),
            "ledger_rows": dict(self.ledger_rows),
            "ledger_problem": sink.problem,
            "repaired": sink.repaired,
            "reconciled": self.reconciled,
            "programmes": [self.documents.programme(tick) for tick in programmes],
        }
