"""How the ledger sink is doing: a frozen snapshot that any thread may read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from runtime.log import TopicPartition
from runtime.sink_source import SinkSource
from sinks.ledger_partition import LedgerPartition
from sinks.ledger_protocol import Phase


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How far one partition is. `next` follows the last record in the tables; `lag` is None while unknown."""

    tp: TopicPartition
    next: int
    lag: int | None
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStatus:
    """How the sink is doing since it was started. `problem` is None while it works.

    `written` counts rows by table, `repaired` the rows that a crash had lost, `doubled` the offsets found twice.
    """

    partitions: tuple[PartitionStatus, ...] = ()
    written: tuple[tuple[str, int], ...] = ()
    repaired: int = 0
    doubled: int = 0
    problem: str | None = "starting"

    @property
    def lag(self) -> int | None:
        """Records that Kafka has and the tables do not; None until every end is known."""
        lags = [partition.lag for partition in self.partitions]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if lags and len(known) == len(lags) else None


@dataclass(slots=True)
class LedgerCounts:
    """The running counts behind the status."""

    written: Counter[str] = field(default_factory=Counter[str])
    repaired: int = 0
    doubled: int = 0

    def snapshot(
        self, source: SinkSource, partitions: Iterable[LedgerPartition], problem: str | None
    ) -> LedgerStatus:
        """Freeze the counts with where every partition is."""
        return LedgerStatus(
            partitions=tuple(_status(source, partition) for partition in partitions),
            written=tuple(sorted(dict(self.written).items())),
            repaired=self.repaired,
            doubled=self.doubled,
            problem=problem,
        )


def _status(source: SinkSource, partition: LedgerPartition) -> PartitionStatus:
    tp = partition.place.tp
    end = source.known_end(tp)
    phases = {Phase.ANNOUNCED, Phase.ABANDONED}
    under_way = len(partition.waiting) or partition.protocol.phase in phases
    reached = partition.protocol.next if under_way else partition.fetched_next
    lag = None if end is None else max(0, end - reached)
    phase = "recovering" if partition.recover is not None else str(partition.protocol.phase)
    return PartitionStatus(tp, partition.protocol.next, lag, phase)
