"""Compares the ledger with Kafka, offset by offset, by another road than the sink's.

The tables say which offsets they hold, how often, and where there are gaps. Markers of transactions and compacted
records make gaps too, so the records of Kafka decide: an offset in a gap at which a read-committed reader finds a
record is missing. Where there is no gap, nothing has to be read. What was compared is noted as the position of a group
of its own, so that each run compares only what is new.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from runtime.ledger_database import ReadOnlyDatabase
from runtime.log import TopicPartition
from runtime.sink_source import Position, SinkSource
from sinks.container import Place
from sinks.ledger_protocol import OffsetRange
from sinks.ledger_tables import LEDGER_TABLES

_SHOWN = 100
_POLL_RECORDS = 5_000
_POLL_S = 0.1
_IN_WINDOW = (
    "_topic = {topic:String} AND _topic_id = {topic_id:String} AND _partition = {partition:Int32} "
    "AND _offset BETWEEN {first:Int64} AND {last:Int64}"
)
_OFFSETS = " UNION ALL ".join(
    f"SELECT _offset FROM {table} WHERE {_IN_WINDOW}"  # noqa: S608 - names of our own tables
    for table in LEDGER_TABLES
)
_ODD = f"""
SELECT before + 1, _offset, copies FROM
(
    SELECT _offset, copies, lagInFrame(_offset, 1, {{first:Int64}} - 1) OVER
        (ORDER BY _offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
    FROM (SELECT _offset, count() AS copies FROM ({_OFFSETS}) GROUP BY _offset UNION ALL SELECT {{last:Int64}} + 1, 1)
)
WHERE _offset > before + 1 OR copies > 1
ORDER BY _offset
"""  # noqa: S608
"""Offsets that are there more than once or behind a gap, with the start of the gap and their number of copies."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found in one window of one partition; the offsets are the first hundred of each kind."""

    tp: TopicPartition
    window: OffsetRange
    missing: tuple[int, ...]
    missing_count: int
    doubled: tuple[int, ...]
    doubled_count: int


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Compares windows. `source` is of a group of its own, and nobody else uses it."""

    database: ReadOnlyDatabase
    source: SinkSource
    stopping: Callable[[], bool]

    def compare(self, ends: Mapping[TopicPartition, int]) -> Sequence[Reconciliation]:
        """Compare what is new below these offsets, which the sink says are in the ledger.

        Raises SourceUnavailableError, DatabaseUnavailableError, OffsetGoneError: try again later.
        """
        ids = {topic: self.source.describe(topic).topic_id for topic in {tp.topic for tp in ends}}
        noted = self.source.committed(list(ends))
        found: list[Reconciliation] = []
        for tp, end in ends.items():
            place = Place(tp, ids[tp.topic])
            start, _ = self.source.bounds(tp)
            known = noted.get(tp)
            first = max(start, known.next if known and known.note == place.topic_id else 0)
            if first < end and not self.stopping():
                found.append(self._window(place, OffsetRange(first, end - 1)))
                self.source.commit({tp: Position(end, place.topic_id)})
        return found

    def _window(self, place: Place, window: OffsetRange) -> Reconciliation:
        parameters = {
            "topic": place.tp.topic,
            "topic_id": place.topic_id,
            "partition": place.tp.partition,
            "first": window.first,
            "last": window.last,
        }
        rows = self.database.query(_ODD, parameters).rows
        odd = [
            (int(str(start)), int(str(offset)), int(str(copies))) for start, offset, copies in rows
        ]
        gaps = [OffsetRange(start, offset - 1) for start, offset, _ in odd if start < offset]
        doubled = [offset for _, offset, copies in odd if copies > 1]
        missing = self._visible(place.tp, gaps) if gaps else []
        return Reconciliation(
            place.tp,
            window,
            tuple(missing[:_SHOWN]),
            len(missing),
            tuple(doubled[:_SHOWN]),
            len(doubled),
        )

    def _visible(self, tp: TopicPartition, gaps: Sequence[OffsetRange]) -> list[int]:
        """Return the offsets inside the gaps at which Kafka has a record."""
        firsts = [gap.first for gap in gaps]
        found: list[int] = []
        reached = firsts[0]
        self.source.assign({tp: reached})
        while reached <= gaps[-1].last and not self.stopping():
            fetched = self.source.poll(_POLL_RECORDS, _POLL_S).get(tp)
            if fetched is None:
                continue
            for offset in fetched.columns.offsets:
                at = bisect_right(firsts, offset) - 1
                if at >= 0 and offset <= gaps[at].last:
                    found.append(offset)
            reached = fetched.next
        self.source.assign({})
        return found
