"""What a worker measures of itself: one object of bound functions, made once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from runtime.log import OutRecord
from runtime.metrics import Metrics


class WorkerMetrics:
    """The metrics of one stage in one process. Every call takes a microsecond or two and happens once a batch."""

    def __init__(self, metrics: Metrics, stage: str) -> None:
        self._metrics = metrics
        self._read: dict[str, Callable[[float], None]] = {}
        self._written: dict[str, Callable[[float], None]] = {}
        self._commits = metrics.counter("synergy_commits_total", stage=stage)
        self._commit_seconds = metrics.histogram("synergy_commit_seconds", stage=stage)
        self._open_seconds = metrics.histogram("synergy_open_seconds", stage=stage)
        self.job_done = metrics.histogram("synergy_job_seconds", stage=stage)
        self.commit_repeated = metrics.counter("synergy_commit_retries_total", stage=stage)
        self.owned = metrics.gauge("synergy_partitions_owned", stage=stage)
        self.owned(0)

    def read(self, topic: str, records: int) -> None:
        """Count the records of one batch of an input topic."""
        add = self._read.get(topic)
        if add is None:
            add = self._read[topic] = self._metrics.counter(
                "synergy_records_read_total", topic=topic
            )
        add(records)

    def committed(self, records: Iterable[OutRecord], seconds: float) -> None:
        """Count one commit: its records by topic, and how long it took."""
        self._commits(1)
        self._commit_seconds(seconds)
        for topic, count in Counter(record.tp.topic for record in records).items():
            add = self._written.get(topic)
            if add is None:
                add = self._metrics.counter("synergy_records_written_total", topic=topic)
                self._written[topic] = add
            add(count)

    def opened(self, seconds: float) -> None:
        """Record how long the opening of a partition took."""
        self._open_seconds(seconds)
