"""The record batches of an aiokafka fetch, each read whole instead of record by record.

It reaches into private parts of aiokafka 0.14, which is locked; a unit test compares it with what aiokafka gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.errors import CorruptRecordException

from runtime.log import Batch, Records, RecordsDamagedError, TopicPartition


class _WholeBatch:
    """A record batch that gives all its records as one: aiokafka's steps for each record cost as much as parsing it.

    `offset` is that of the last record; what lies before the fetch position is cut away afterwards.
    """

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self.offset = -1
        self.records: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)  # of a control batch

    def __iter__(self) -> Iterator[_WholeBatch]:
        self.records = list(self._batch)
        if self.records:
            self.offset = self.records[-1].offset
            yield self


class _WholeBatches:
    """The record batches of one fetch of one partition."""

    def __init__(self, batches: Any) -> None:
        self.has_next = batches.has_next
        self._batches = batches

    def next_batch(self) -> _WholeBatch:
        return _WholeBatch(self._batches.next_batch())


def _as_it_is(_tp: object, record: _WholeBatch) -> _WholeBatch:
    """Stand for the method that makes a `ConsumerRecord`."""
    return record


def read_all(tp: Any, found: Any, generation: int) -> Batch | None:
    """Return what a fetch of one partition holds from the fetch position on; the position moves behind it.

    Args:
        tp: the partition, as aiokafka names it.
        found: an aiokafka `FetchResult`; it is used up.
        generation: of the intake it was read for.

    Raises:
        RecordsDamagedError: the batch at the position is damaged, as its checksum says. What precedes it in a fetch is
            returned first; the next fetch begins with it.
    """
    if not found.has_more() or not found.check_assignment(tp):
        return None
    state = found._assignment.state_value(tp)
    start = state.position
    unread = found._partition_records
    unread._records = _WholeBatches(unread._records)
    unread._consumer_record = _as_it_is
    raw: list[Any] = []
    ours = TopicPartition(tp.topic, tp.partition)
    try:
        for whole in unread:
            raw += whole.records
    except CorruptRecordException as error:
        if unread.next_fetch_offset <= start:
            message = f"the batch at offset {start} is not what was written: {error}"
            raise RecordsDamagedError(ours, message) from error
    finally:
        found._update_position()
        found._partition_records = None
    if state.position <= start:
        return None
    records = Records(
        [r.offset for r in raw],
        [r.key for r in raw],
        [r.value for r in raw],
        [r.timestamp for r in raw],
    )
    return Batch(ours, start, state.position, generation, records.since(start))
