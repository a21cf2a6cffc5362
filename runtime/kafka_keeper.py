"""The client that a sink asks and commits with, beside the one that fetches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Lock

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as VendorPartition

from runtime.clock import Clock
from runtime.kafka_claim import KafkaClaim
from runtime.kafka_clients import has_hung, leave
from runtime.log import TopicPartition
from runtime.sink_source import ClaimLostError, Position, SourceUnavailableError, TakenOverError

_LATE_S = 60.0
"""How long what a client has sent may come through after the client was given up."""


class KafkaKeeper:
    """Knows where partitions begin and end, and keeps a group's positions.

    Any thread may ask for bounds, all else is for one. Every method raises SourceUnavailableError when Kafka does not
    answer. A client that has hung is made anew then: what it was asked is asked again anyway.
    """

    def __init__(
        self, config: Mapping[str, str | int | float | bool], timeout_s: float, clock: Clock
    ) -> None:
        """Connect lazily. `config` is librdkafka's, with the group's name."""
        self._config = dict(config)
        self._timeout_s = timeout_s
        self._clock = clock
        self._client = Consumer(self._config)
        self._asked = Counter[Consumer]()
        self._asking_lock = Lock()
        self._claims = False
        self._claim: KafkaClaim | None = None
        self._gave_up_at = float("-inf")

    def bounds(self, tp: TopicPartition) -> tuple[int, int]:
        """Return log start and the end that a read-committed reader sees."""
        asked = VendorPartition(tp.topic, tp.partition)
        with self._asking(leaders=True) as client:
            low, high = client.get_watermark_offsets(asked, timeout=self._timeout_s)
        return low, high

    def claim(self, topics: Sequence[str]) -> None:
        """Become the only one who commits for the group."""
        self._claims = True
        if self._claim is not None:
            self._give_up(self._claim)
        try:
            self._claim = KafkaClaim(self._config, topics, self._timeout_s, self._clock)
        except SourceUnavailableError:
            self._gave_up_at = self._clock.monotonic_s()
            raise

    def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
        """Ask the group's coordinator; after a claim the one that was claimed from."""
        asked = [VendorPartition(tp.topic, tp.partition) for tp in tps]
        if self._claim is not None:
            stored = self._claim.committed(asked, self._timeout_s)
        else:
            with self._asking() as client:
                stored = client.committed(asked, timeout=self._timeout_s)
        positions: dict[TopicPartition, Position] = {}
        for item in stored:
            if item.error is not None:
                raise SourceUnavailableError(str(item.error))
            if item.offset >= 0:
                positions[TopicPartition(item.topic, item.partition)] = Position(
                    item.offset, item.metadata or ""
                )
        return positions

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        """Commit and wait for the coordinator's answer."""
        offsets = [
            VendorPartition(tp.topic, tp.partition, position.next, position.note)
            for tp, position in positions.items()
        ]
        if self._claims:
            self._commit_as_claimed(offsets)
            return
        with self._asking() as client:
            answers = client.commit(offsets=offsets, asynchronous=False)
        for item in answers or ():
            if item.error is not None:
                raise SourceUnavailableError(str(item.error))

    def _commit_as_claimed(self, offsets: list[VendorPartition]) -> None:
        claim = self._claim
        if claim is None:
            raise ClaimLostError("the group has to be claimed again")
        try:
            claim.commit(offsets)
        except TakenOverError as error:
            just_gave_up = self._clock.monotonic_s() - self._gave_up_at < _LATE_S
            self._give_up(claim)
            if just_gave_up:  # it may have been that claim, late
                raise ClaimLostError(str(error)) from error
            raise
        except ClaimLostError:
            self._give_up(claim)
            raise

    def _give_up(self, claim: KafkaClaim) -> None:
        claim.leave()
        self._claim = None
        self._gave_up_at = self._clock.monotonic_s()

    def close(self) -> None:
        """Leave."""
        if self._claim is not None:
            self._claim.close()
        self._client.close()

    @contextmanager
    def _asking(self, *, leaders: bool = False) -> Generator[Consumer]:
        """Let a question be put to the client. One to `leaders` fails until librdkafka has looked for them again."""
        with self._asking_lock:
            client = self._client
            self._asked[client] += 1
        try:
            yield client
        except KafkaException as error:
            if has_hung(error):
                self._renew(client)
            elif leaders:  # librdkafka remembers for minutes that there is none
                with suppress(KafkaException):
                    client.list_topics(timeout=self._timeout_s)
            raise SourceUnavailableError(str(error)) from error
        finally:
            self._asked_of(client)

    def _renew(self, client: Consumer) -> None:
        with self._asking_lock:
            if self._client is client:  # of two threads that it kept waiting, one does it
                self._client = Consumer(self._config)

    def _asked_of(self, client: Consumer) -> None:
        """Leave a former client once nobody waits for its answer: it must not be closed before."""
        with self._asking_lock:
            self._asked[client] -= 1
            if self._asked[client] or client is self._client:
                return
            del self._asked[client]
        leave(client)
