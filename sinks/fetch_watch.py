"""Whether the client that fetches still does.

A client of librdkafka can hang after a broker that stood still came back (`runtime.kafka_clients`). Such a client says
nothing: it just has no records any more. Other clients know that there are some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.log import TopicPartition


@dataclass(slots=True)
class FetchWatch:
    """Remembers from look to look where each partition was and where it ended then."""

    _before: Mapping[TopicPartition, tuple[int, int]] = field(
        default_factory=dict[TopicPartition, tuple[int, int]]
    )

    def look(self, now: Mapping[TopicPartition, tuple[int, int]]) -> list[TopicPartition]:
        """Return the partitions of which nothing came since the last look, though Kafka had something then.

        Args:
            now: of each partition the offset that is fetched next, and where it ends.
        """
        before, self._before = self._before, now
        return [
            tp
            for tp, (fetched, end) in before.items()
            if fetched < end and tp in now and now[tp][0] == fetched
        ]

    def forget(self) -> None:
        """Begin anew: nothing was fetched for another reason, or everything is fetched from somewhere else."""
        self._before = {}
