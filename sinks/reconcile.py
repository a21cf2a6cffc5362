"""Compares the ledger with Kafka, offset by offset, by another road than the sink's.

The tables say which offsets they hold, how often, and where there are gaps. Markers of transactions and compacted
records make gaps too, so the records of Kafka decide: an offset in a gap at which a read-committed reader finds a
record is missing. Where there is no gap, nothing has to be read. What was compared is noted as the position of a group
of its own, so that each run compares only what is new.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from runtime.ledger_database import ReadOnlyDatabase
from runtime.log import TopicPartition
from runtime.sink_source import Position, SinkSource
from sinks.ledger_protocol import OffsetRange
from sinks.ledger_tables import TOMBSTONES, UNDECODABLE, tables_of

_SHOWN = 100
_POLL_RECORDS = 5_000
_POLL_S = 0.1
_OF_ONE_WINDOW = "[indexOf({partitions:Array(Int32)}, _partition)]"
_IN_WINDOW = (
    "_topic = {topic:String} AND _topic_id = {topic_id:String} AND has({partitions:Array(Int32)}, _partition) "
    "AND _offset BETWEEN arrayMin({firsts:Array(Int64)}) AND arrayMax({lasts:Array(Int64)}) "
    f"AND _offset BETWEEN {{firsts:Array(Int64)}}{_OF_ONE_WINDOW} AND {{lasts:Array(Int64)}}{_OF_ONE_WINDOW}"
)
_EDGES = f"""
SELECT arrayJoin({{partitions:Array(Int32)}}) AS _partition,
    arrayJoin([{{firsts:Array(Int64)}}{_OF_ONE_WINDOW} - 1, {{lasts:Array(Int64)}}{_OF_ONE_WINDOW} + 1]) AS _offset
"""
"""The offset before and the offset behind each window."""
_ODD = """
SELECT _partition, before + 1, _offset, copies FROM
(
    SELECT _partition, _offset, copies, row_number() OVER of_partition > 1 AS inside,
        lagInFrame(_offset) OVER of_partition AS before
    FROM
    (
        SELECT _partition, _offset, count() AS copies FROM (%s)
        GROUP BY _partition, _offset
    )
    WINDOW of_partition AS
        (PARTITION BY _partition ORDER BY _offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE inside AND (_offset > before + 1 OR copies > 1)
ORDER BY _partition, _offset
"""
"""Offsets that are there more than once or behind a gap, with the start of the gap and their number of copies."""


@cache
def _odd_of(topic: str) -> str:
    """Return the question to the tables that records of the topic may be in; in another one they are missing."""
    tables = (*tables_of(topic), UNDECODABLE, TOMBSTONES)
    offsets = [f"SELECT _partition, _offset FROM {table} WHERE {_IN_WINDOW}" for table in tables]  # noqa: S608
    return _ODD % " UNION ALL ".join([*offsets, _EDGES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What was found in one window of one partition; the offsets are the first hundred of each kind."""

    tp: TopicPartition
    topic_id: str
    window: OffsetRange
    missing: tuple[int, ...]
    missing_count: int
    doubled: tuple[int, ...]
    doubled_count: int

    @property
    def differs(self) -> bool:
        """Whether the ledger is not what Kafka has."""
        return bool(self.missing_count or self.doubled_count)


class _Odd(NamedTuple):
    """An offset that is there more than once, or behind a gap that begins `after` the offset before."""

    after: int
    offset: int
    copies: int


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Compares windows of at most `window` offsets. `source` is of a group of its own, and nobody else uses it."""

    database: ReadOnlyDatabase
    source: SinkSource
    stopping: Callable[[], bool]
    window: int = 200_000

    def compare(self, ends: Mapping[TopicPartition, int]) -> Iterator[Reconciliation]:
        """Compare what is new below these offsets, which the sink says are in the ledger.

        Windows are noted as compared once the next one is asked for: what the caller did not take is compared again.
        Raises SourceUnavailableError, DatabaseUnavailableError, OffsetGoneError: try again later.
        """
        ids = {
            topic: self.source.describe(topic).topic_id
            for topic in dict.fromkeys(tp.topic for tp in ends)
        }
        starts = self._starts(ends, ids)
        for topic, topic_id in ids.items():
            left = {tp: start for tp, start in starts.items() if tp.topic == topic}
            while left and not self.stopping():
                windows = {
                    tp: OffsetRange(first, min(first + self.window, ends[tp]) - 1)
                    for tp, first in left.items()
                }
                found = self._windows(topic_id, windows)
                if self.stopping():
                    return  # the gaps were not read to their ends
                yield from found
                done = {tp: window.last + 1 for tp, window in windows.items()}
                self.source.commit({tp: Position(n, topic_id) for tp, n in done.items()})
                left = {tp: n for tp, n in done.items() if n < ends[tp]}

    def again(self, former: Sequence[Reconciliation]) -> Sequence[Reconciliation]:
        """Look once more at windows that differed, and return what of them still does.

        What Kafka no longer has can't be compared with it, and a topic made again has no such windows. Raises what
        `compare` raises.
        """
        found: list[Reconciliation] = []
        for one in former:
            first = max(one.window.first, self.source.bounds(one.tp)[0])
            same = self.source.describe(one.tp.topic).topic_id == one.topic_id
            if same and first <= one.window.last:
                found += self._windows(one.topic_id, {one.tp: OffsetRange(first, one.window.last)})
        return list(former) if self.stopping() else [one for one in found if one.differs]

    def _starts(
        self, ends: Mapping[TopicPartition, int], ids: Mapping[str, str]
    ) -> Mapping[TopicPartition, int]:
        """Return the first offset that is to be compared, of each partition that has something new."""
        noted = self.source.committed(list(ends))
        starts: dict[TopicPartition, int] = {}
        for tp, end in ends.items():
            known = noted.get(tp)
            compared = known.next if known and known.note == ids[tp.topic] else 0
            first = max(compared, self.source.bounds(tp)[0]) if compared < end else end
            if first < end:
                starts[tp] = first
        return starts

    def _windows(
        self, topic_id: str, windows: Mapping[TopicPartition, OffsetRange]
    ) -> list[Reconciliation]:
        """Compare windows of partitions of one topic."""
        topic = next(iter(windows)).topic
        parameters = {
            "topic": topic,
            "topic_id": topic_id,
            "partitions": [tp.partition for tp in windows],
            "firsts": [window.first for window in windows.values()],
            "lasts": [window.last for window in windows.values()],
        }
        odd: dict[int, list[_Odd]] = {tp.partition: [] for tp in windows}
        for row in self.database.query(_odd_of(topic), parameters).rows:
            partition, *numbers = (int(str(number)) for number in row)
            odd[partition].append(_Odd(*numbers))
        return [
            self._window(tp, topic_id, window, odd[tp.partition]) for tp, window in windows.items()
        ]

    def _window(
        self, tp: TopicPartition, topic_id: str, window: OffsetRange, odd: Sequence[_Odd]
    ) -> Reconciliation:
        doubled = [one.offset for one in odd if one.copies > 1]
        gaps = [OffsetRange(one.after, one.offset - 1) for one in odd if one.after < one.offset]
        missing = self._visible(tp, gaps) if gaps else []
        return Reconciliation(
            tp=tp,
            topic_id=topic_id,
            window=window,
            missing=tuple(missing[:_SHOWN]),
            missing_count=len(missing),
            doubled=tuple(doubled[:_SHOWN]),
            doubled_count=len(doubled),
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
