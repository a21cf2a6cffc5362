"""The right to commit for a consumer group, which Kafka gives to one client at a time.

Whoever claims a group joins it as the static member of the group's own name (KIP-345). Kafka replaces the former member
of that name and refuses its commits from then on, and while there is a member those of clients without membership too.
What a member is assigned does not matter and is not fetched.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as VendorPartition

from runtime.clock import Clock
from runtime.kafka_clients import has_hung, leave
from runtime.sink_source import ClaimLostError, SourceUnavailableError, TakenOverError

_FENCED = (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL)  # noqa: SLF001
"""What a static member is told when it was replaced: at first, and by librdkafka from then on."""
_POLLED_EVERY_MS = 86_400_000
"""A member that nobody polls leaves its group, by default after five minutes; a day is the longest that can be set."""
_JOIN_POLL_S = 0.1
_UNHEARD = logging.getLogger("kafka.unheard")
"""librdkafka prints what it calls fatal whatever its log level is; who commits hears of it in any case."""
_UNHEARD.addHandler(logging.NullHandler())
_UNHEARD.propagate = False


class KafkaClaim:
    """Membership of a group, for one thread. After a ClaimLostError or a TakenOverError it is of no more use."""

    def __init__(
        self,
        config: Mapping[str, str | int | float | bool],
        topics: Sequence[str],
        timeout_s: float,
        clock: Clock,
    ) -> None:
        """Join the group, and thereby replace whoever has claimed it before.

        Args:
            config: librdkafka's, with the group's name.
            topics: what the group reads, for those who look at it with Kafka's tools.
            timeout_s: seconds to wait for the group's coordinator.
            clock: for the waiting.

        Raises:
            SourceUnavailableError: the group could not be joined in time.
        """
        self._group = str(config["group.id"])
        self._member = ""
        self._client = Consumer(
            {
                **config,
                "group.instance.id": self._group,
                "max.poll.interval.ms": _POLLED_EVERY_MS,
            },
            logger=_UNHEARD,
        )
        self._client.subscribe(list(topics), on_assign=self._joined)
        deadline = clock.monotonic_s() + timeout_s
        said = ""
        while not self._member and clock.monotonic_s() < deadline:
            error = self._told(_JOIN_POLL_S)
            said = said if error is None else f": {error.str()}"
        if not self._member:
            self.leave()
            raise SourceUnavailableError(
                f"{self._group}: could not be joined in {timeout_s:g} s{said}"
            )

    def _joined(self, client: Consumer, assigned: Sequence[VendorPartition]) -> None:
        """Fetch nothing. A client that has lost its session joins again by itself: as another member, without claim."""
        del assigned
        client.assign([])
        self._member = self._member or client.memberid() or ""

    def committed(self, asked: list[VendorPartition], timeout_s: float) -> list[VendorPartition]:
        """Ask the coordinator that the group was joined at. Raises SourceUnavailableError."""
        try:
            return self._client.committed(asked, timeout=timeout_s)
        except KafkaException as error:
            raise SourceUnavailableError(f"{self._group}: {error}") from error

    def commit(self, offsets: list[VendorPartition]) -> None:
        """Commit and wait for the coordinator's answer.

        Raises:
            TakenOverError: somebody else has claimed the group.
            ClaimLostError: the outcome is unknown, or the group has not heard of this member for too long.
            SourceUnavailableError: any other failure; the claim stays.
        """
        # librdkafka follows a rebalance only while it is polled, and tells so that it was replaced. Later it forgets.
        failed = self._told(0.0)
        if failed is None or failed.code() not in _FENCED:
            self._check_membership()
            failed = self._commit(offsets)
            # Who has lost the membership commits as somebody without any, which an empty group accepts.
            self._check_membership()
        if failed is None:
            return
        message = f"{self._group}: {failed.str()}"
        if failed.code() in _FENCED:
            raise TakenOverError(message)
        if has_hung(KafkaException(failed)):
            raise ClaimLostError(message)
        raise SourceUnavailableError(message)

    def _told(self, timeout_s: float) -> KafkaError | None:
        """Let librdkafka go on, and return what it says."""
        message = self._client.poll(timeout_s)
        return None if message is None else message.error()

    def _commit(self, offsets: list[VendorPartition]) -> KafkaError | None:
        try:
            answers = self._client.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            return cast("KafkaError", error.args[0])
        return next((item.error for item in answers or () if item.error is not None), None)

    def _check_membership(self) -> None:
        if self._client.memberid() != self._member:
            raise ClaimLostError(
                f"{self._group}: the group has not heard of this member for too long"
            )

    def leave(self) -> None:
        """Be heard of no more, without waiting for it. The group knows a static member until its session ends."""
        leave(self._client)

    def close(self) -> None:
        """Be heard of no more."""
        self._client.close()
