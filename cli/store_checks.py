"""Compares the ledger with Kafka every ten minutes and says what is missing or doubled."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from console.state import StoreState
from runtime.clock import Clock
from runtime.ledger_database import LedgerDatabase, LedgerDatabaseError, QueryLimits
from runtime.log import LogError, TopicPartition
from runtime.logs import Logger
from runtime.metrics import Metrics
from runtime.sink_source import SinkSource, SinkSourceError
from sinks.reconcile import Reconciler, Reconciliation

_FIRST_S, _EVERY_S = 60.0, 600.0
_LIMITS = QueryLimits(seconds=120.0, result_rows=5_000_000, read_rows=5_000_000_000)


_Place = tuple[TopicPartition, str, int]


def _by_place(found: Iterable[Reconciliation]) -> dict[_Place, Reconciliation]:
    """Give each window one place, by its end: one that is looked at again may begin later."""
    return {(one.tp, one.topic_id, one.window.last): one for one in found}


@dataclass(slots=True, kw_only=True)
class StoreChecks:
    """Runs the comparison; what it found is in the status, the metrics and, when it is bad, the log.

    `differing` are the windows that differed when they were last looked at: each run looks at them once more, until the
    store ends.
    """

    source: Callable[[], SinkSource]
    database: LedgerDatabase
    state: StoreState
    metrics: Metrics
    clock: Clock
    log: Logger
    differing: dict[_Place, Reconciliation] = field(default_factory=dict["_Place", Reconciliation])

    async def run(self) -> None:
        """Check until cancelled."""
        stopping = threading.Event()
        try:
            await asyncio.sleep(_FIRST_S)
            while True:
                await asyncio.to_thread(self.check, stopping.is_set)
                await asyncio.sleep(_EVERY_S)
        finally:
            stopping.set()

    def check(self, stopping: Callable[[], bool]) -> None:
        """Compare once. Blocks."""
        ends = {part.tp: part.next for part in self.state.sink_status().partitions}
        try:
            source, reader = self.source(), self.database.reader(_LIMITS)
            try:
                reconciler = Reconciler(reader, source, stopping)
                self.differing = _by_place(reconciler.again(list(self.differing.values())))
                for one in reconciler.compare(ends):
                    self._note(one)
            finally:
                reader.close()
                source.close()
        except (LogError, SinkSourceError, LedgerDatabaseError) as error:
            self.log.warning("ledger could not be compared with Kafka", cause=str(error))
            self._report({tp.topic for tp in ends}, (self.state.reconciled or {}).get("at_us"))
            return
        self._report({tp.topic for tp in ends}, self.clock.now_us())

    def _note(self, one: Reconciliation) -> None:
        if not one.differs:
            return
        self.differing |= _by_place([one])
        self.log.error(
            "ledger differs from Kafka",
            partition=str(one.tp),
            offsets=str(one.window),
            missing=one.missing_count,
            first_missing=one.missing[:10],
            doubled=one.doubled_count,
            first_doubled=one.doubled[:10],
        )

    def _report(self, topics: Collection[str], at_us: int | None) -> None:
        """Say what differs now. `at_us` is when all was compared for the last time, None if never."""
        missing, doubled = Counter(dict.fromkeys(topics, 0)), Counter(dict.fromkeys(topics, 0))
        for one in self.differing.values():
            missing[one.tp.topic] += one.missing_count
            doubled[one.tp.topic] += one.doubled_count
        for topic in missing:
            self.metrics.gauge("synergy_ledger_missing_rows", topic=topic)(missing[topic])
            self.metrics.gauge("synergy_ledger_doubled_rows", topic=topic)(doubled[topic])
        self.state.reconciled = {
            "at_us": at_us,
            "missing": missing.total(),
            "doubled": doubled.total(),
        }
