"""Announcing, inserting and settling the ranges of several partitions: the steps of the protocol with their I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from runtime.clock import Clock
from runtime.failpoints import reach
from runtime.ledger_database import DatabaseUnavailableError
from runtime.log import TopicPartition
from runtime.logs import Logger
from runtime.metrics import Metrics
from runtime.sink_source import Position, SinkSource, SourceUnavailableError
from sinks.ledger_partition import FlushRules, LedgerPartition, Portion
from sinks.ledger_protocol import Phase
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import Block
from sinks.ledger_status import LedgerCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkParts:
    """What the sink works with."""

    source: SinkSource
    writer: RangeWriter
    clock: Clock
    log: Logger
    metrics: Metrics


@dataclass(slots=True)
class Flusher:
    """Writes what partitions hold. Inserts run in a thread of their own, one after the other."""

    parts: SinkParts
    rules: FlushRules
    counts: LedgerCounts = field(default_factory=LedgerCounts)
    _inserter: Executor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="sink-insert")
    )
    _inserting: Future[None] | None = None

    def write(self, due: Sequence[LedgerPartition]) -> None:
        """Announce a range of each partition and let it be inserted; the last insert may still run afterwards.

        While one insert runs the next range is sorted, and announced only after it. What was not announced waits as
        before. Raises SourceUnavailableError, SchemasUnavailableError, and what `wait` raises.
        """
        for group in filter(None, map(self._free, self._groups(due))):
            portions = self._cut(group)
            try:
                blocks = self._sorted(group, portions)
                self.wait()
                self._announce(group, portions)
            except Exception:
                for partition in group:
                    partition.put_back(portions[partition.place.tp])
                raise
            self._inserting = self._inserter.submit(self._insert_all, group, blocks)

    def check(self) -> None:
        """Raise what an insert that has ended met."""
        if self._inserting is not None and self._inserting.done():
            self.wait()

    def wait(self) -> None:
        """Wait until no insert runs.

        Raises:
            DatabaseUnavailableError: partitions whose outcome is unknown are abandoned.
            StatementFailedError: the database takes no rows of this kind.
        """
        inserting, self._inserting = self._inserting, None
        if inserting is not None:
            inserting.result()

    def close(self) -> None:
        """End the thread that inserts."""
        self._inserter.shutdown()

    def recover(self, partition: LedgerPartition) -> None:
        """Settle what was read of the range to recover, while nobody else has claimed the ledger.

        Raises DatabaseUnavailableError, RepairFailedError, and what a commit raises.
        """
        self.wait()
        announced = {partition.place.tp: partition.recovery_position()}
        announce = partial(self.parts.source.commit, announced)
        announce()
        portion = partition.cut_recovery(self.parts.clock.monotonic_s(), self.rules)
        try:
            settled = self.parts.writer.settle(
                partition.place, portion.offsets, portion.records, announce
            )
        except Exception:
            partition.put_back(portion)
            raise
        partition.recovered(portion, self.parts.clock.monotonic_s())
        self.counts.repaired += settled.repaired
        self.counts.doubled += len(settled.doubled)
        if settled.repaired or settled.doubled:
            self.parts.log.warning(
                "ledger range settled",
                partition=str(partition.place.tp),
                offsets=str(portion.offsets),
                repaired=settled.repaired,
                doubled=len(settled.doubled),
            )

    def position(self, partitions: Sequence[LedgerPartition], idle_s: float) -> None:
        """Tell Kafka that nothing is pending where nothing was written for so long, and all positions twice a day."""
        now = self.parts.clock.monotonic_s()
        idle = [partition for partition in partitions if partition.position_due(now, idle_s)]
        positions: dict[TopicPartition, Position] = {}
        for partition in idle:
            reached = partition.protocol.next if len(partition.waiting) else partition.fetched_next
            positions[partition.place.tp] = partition.protocol.position(reached)
        if positions:
            reach("ledger.before_position")
            self.parts.source.commit(positions)
        for partition in idle:
            partition.positioned(positions[partition.place.tp].next, now)

    def _groups(self, due: Sequence[LedgerPartition]) -> Iterator[Sequence[LedgerPartition]]:
        """Yield what is announced in one commit: all small ranges together, each large one alone."""
        enough = self.rules.max_rows / 2
        if small := [one for one in due if len(one.waiting) < enough]:
            yield small
        for one in due:
            if len(one.waiting) >= enough:
                yield [one]

    def _free(self, group: Sequence[LedgerPartition]) -> Sequence[LedgerPartition]:
        """Wait while one of these is inserted; leave out those that are to be opened again."""
        if any(one.protocol.phase is Phase.ANNOUNCED for one in group):
            self.wait()
        return [one for one in group if one.protocol.phase is not Phase.ABANDONED]

    def _cut(self, group: Sequence[LedgerPartition]) -> Mapping[TopicPartition, Portion]:
        now = self.parts.clock.monotonic_s()
        return {partition.place.tp: partition.cut(now, self.rules) for partition in group}

    def _sorted(
        self, group: Sequence[LedgerPartition], portions: Mapping[TopicPartition, Portion]
    ) -> Mapping[TopicPartition, Sequence[Block]]:
        return {
            one.place.tp: self.parts.writer.sort(one.place, portions[one.place.tp].records)
            for one in group
        }

    def _announce(
        self, due: Sequence[LedgerPartition], portions: Mapping[TopicPartition, Portion]
    ) -> None:
        positions: dict[TopicPartition, Position] = {}
        for partition in due:
            portion = portions[partition.place.tp]
            positions[partition.place.tp] = partition.protocol.announce(
                portion.offsets, portion.next
            )
        sent_at = self.parts.clock.monotonic_s()
        reach("ledger.before_announcement")
        try:
            self.parts.source.commit(positions)
        except SourceUnavailableError:
            for partition in due:
                partition.protocol.announce_failed()
            raise
        for partition in due:
            partition.protocol.announced(sent_at)

    def _insert_all(
        self, due: Sequence[LedgerPartition], blocks: Mapping[TopicPartition, Sequence[Block]]
    ) -> None:
        for place, partition in enumerate(due):
            try:
                self._insert(partition, blocks[partition.place.tp])
            except DatabaseUnavailableError:
                for rest in due[place:]:
                    rest.protocol.abandon()
                raise

    def _insert(self, partition: LedgerPartition, blocks: Sequence[Block]) -> None:
        clock = self.parts.clock
        for block in blocks:
            started = clock.monotonic_s()
            if not partition.protocol.may_insert(started):
                partition.protocol.abandon()
                self.parts.log.warning(
                    "announcement too old to insert", partition=str(partition.place.tp)
                )
                return
            reach("ledger.announced")
            self.parts.writer.insert(partition.place, block, partition.protocol.token)
            reach("ledger.inserted")
            seconds = clock.monotonic_s() - started
            self.parts.metrics.histogram("synergy_ledger_insert_seconds", table=block.table)(
                seconds
            )
            self.parts.metrics.counter("synergy_ledger_rows_total", table=block.table)(
                len(block.records)
            )
            self.counts.written[block.table] += len(block.records)
        partition.written(clock.monotonic_s())
