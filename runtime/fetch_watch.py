"""Whether a client that fetches still does.

After a broker that stood still came back, clients of librdkafka were found to wait for it for minutes
(`runtime.kafka_clients`). One that fetches says nothing then: it has no more records. That there are some is known by
asking another client.
"""

from __future__ import annotations

from collections.abc import Mapping

from runtime.clock import Clock
from runtime.log import TopicPartition

LOOK_S = 30.0
"""Seconds between two looks: what was there at one of them has come by the next."""
_PAUSE_S = 5.0


class FetchWatch:
    """Follows a client through its partitions. `places` is the offset that each is to give next."""

    def __init__(self, clock: Clock) -> None:
        self.places: dict[TopicPartition, int] = {}
        self._clock = clock
        self._before: Mapping[TopicPartition, tuple[int, int]] = {}
        self._looked_at = self._polled_at = clock.monotonic_s()

    def start(self, places: Mapping[TopicPartition, int]) -> None:
        """Follow a client that fetches from here on."""
        self.places = dict(places)
        self._before = {}
        self._looked_at = self._clock.monotonic_s()

    def is_due(self) -> bool:
        """Whether to look now; to be asked with each poll. Who did not poll for a while could get nothing."""
        now = self._clock.monotonic_s()
        if now - self._polled_at > _PAUSE_S:
            self._before = {}
        self._polled_at = now
        return now - self._looked_at >= LOOK_S

    def look(self, ends: Mapping[TopicPartition, int]) -> list[TopicPartition]:
        """Return the partitions of which nothing came since the last look, though Kafka had something then.

        Args:
            ends: where each partition ends now; nothing when Kafka does not answer.
        """
        self._looked_at = self._clock.monotonic_s()
        before, self._before = (
            self._before,
            {tp: (self.places[tp], end) for tp, end in ends.items()},
        )
        return [
            tp
            for tp, (place, end) in before.items()
            if place < end and tp in ends and self.places[tp] == place
        ]
