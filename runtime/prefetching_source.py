"""A source that fetches in a thread of its own, while its user works on what came before.

Taking records from librdkafka and sorting them into columns needs the interpreter; inserting them does not. With both
on one thread the sink waits for itself. At most two fetched batches wait here: a user that does not poll stops the
fetching, and with it librdkafka's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from threading import Condition, Thread

from runtime.log import TopicDescription, TopicPartition
from runtime.sink_source import Fetched, Position, SinkSource, SourceUnavailableError

_WAITING_BATCHES = 2
_FETCH_WAIT_S = 0.1
_Batch = Mapping[TopicPartition, Fetched]


class PrefetchingSource:
    """Implements `runtime.sink_source.SinkSource` around another one, which only this object may use."""

    def __init__(self, source: SinkSource, max_records: int) -> None:
        self._source = source
        self._max_records = max_records
        self._changed = Condition()
        self._batches: deque[_Batch] = deque()
        self._error: BaseException | None = None
        self._fetching = False
        self._paused = True
        self._closing = False
        self._thread = Thread(target=self._fetch, name="sink-fetch", daemon=True)
        self._thread.start()

    def describe(self, topic: str) -> TopicDescription:
        """Return id and partition count."""
        return self._source.describe(topic)

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return the first offset kept and the end."""
        return self._source.bounds(tp)

    def claim(self, topics: Sequence[str]) -> None:
        """Become the only one who commits for the group."""
        self._source.claim(topics)

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Return the group's positions."""
        return self._source.committed(tps)

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit while fetching goes on."""
        self._source.commit(positions)

    def assign(self, starts: Mapping[TopicPartition, int]) -> None:
        """Stop fetching, forget every batch, assign, and fetch again."""
        with self._changed:
            self._pause()
            self._batches.clear()
            self._error = None
            self._source.assign(starts)
            self._resume()

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Stop fetching, forget what was fetched of this partition, seek, and fetch again."""
        with self._changed:
            self._pause()
            kept = [
                {other: part for other, part in batch.items() if other != tp}
                for batch in self._batches
            ]
            self._batches = deque(batch for batch in kept if batch)
            self._source.seek(tp, offset)
            if self._error is None or isinstance(self._error, SourceUnavailableError):
                self._error = None
                self._resume()  # any other error has cost records of other partitions too: who polls hears of it first

    def poll(self, max_records: int, timeout_s: float) -> Mapping[TopicPartition, Fetched]:
        """Return the oldest batch; its size was fixed when this object was made."""
        del max_records
        with self._changed:
            if not self._batches and self._error is None:
                self._changed.wait(timeout_s)
            if self._batches:
                batch = self._batches.popleft()
                self._changed.notify_all()
                return batch
            if self._error is not None:
                error, self._error = self._error, None
                self._resume()
                raise error
            return {}

    def known_end(self, tp: TopicPartition) -> int | None:
        """Return the end as the latest fetch or `bounds` said it."""
        return self._source.known_end(tp)

    def close(self) -> None:
        """Stop the thread, then leave."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._source.close()

    def _pause(self) -> None:
        self._paused = True
        while self._fetching:
            self._changed.wait()

    def _resume(self) -> None:
        self._paused = False
        self._changed.notify_all()

    def _fetch(self) -> None:
        while self._may_fetch():
            batch: _Batch = {}
            error: BaseException | None = None
            try:
                batch = self._source.poll(self._max_records, _FETCH_WAIT_S)
            except BaseException as raised:  # whatever it is, it is raised where somebody polls
                error = raised
            with self._changed:
                self._fetching = False
                if batch:
                    self._batches.append(batch)
                if error is not None:
                    self._error, self._paused = error, True
                self._changed.notify_all()

    def _may_fetch(self) -> bool:
        """Wait until there is room and nobody asked for a pause; False means that it is over."""
        with self._changed:
            while not self._closing and (self._paused or len(self._batches) >= _WAITING_BATCHES):
                self._changed.wait()
            self._fetching = not self._closing
            return self._fetching
