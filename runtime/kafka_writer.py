"""The writer port on Kafka: one transactional producer, by confluent-kafka. Every call blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.failpoints import reach
from runtime.log import (
    CommitFailedError,
    FencedError,
    LogError,
    OutRecord,
    RetriableCommitError,
    TopicPartition,
)

MOST_BYTES = 2 * 1024 * 1024
"""The largest record a stage may write: a rejection holds the bytes of a record as large as others may send."""
_TIMEOUT_S = 15.0
_NOTHING = b"aborted"
"""The key of what nobody reads; a compacted topic takes no record without one."""
_TRANSACTION_MS = 60_000
"""How long a commit may take (ADR 23). A dead owner's transaction does not last so long: the next owner ends it."""
_FENCED = {KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED}  # noqa: SLF001


class KafkaWriter:
    """A transactional producer; implements `runtime.log.Writer`."""

    def __init__(
        self, config: Mapping[str, str | int | float | bool], transactional_id: str
    ) -> None:
        """Fence the former producer of this id and end its transaction."""
        self._transactional_id = transactional_id
        self._unanswered = False
        self._last_offset: int | None = None
        self._producer = Producer(
            {
                **config,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": _TRANSACTION_MS,
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
                "message.max.bytes": MOST_BYTES,
            }
        )
        try:
            self._producer.init_transactions(_TIMEOUT_S)
        except KafkaException as error:
            raise self._failure(error) from error

    def commit(self, records: Sequence[OutRecord]) -> int | None:
        """See `runtime.log.Writer.commit`: begin, produce, flush, commit and nothing else."""
        try:
            if not self._unanswered:
                reach("commit.before_transaction")
                self._producer.begin_transaction()
                self._produce(records)
                reach("commit.produced")
            self._unanswered = True
            self._producer.commit_transaction(_TIMEOUT_S)
            self._unanswered = False
            reach("commit.committed")
        except KafkaException as error:
            raise self._failure(error) from error
        last = self._last_offset
        return None if last is None else last + 2  # the marker takes an offset too

    def _produce(self, records: Sequence[OutRecord]) -> None:
        """Queue the records. A commit has tens of thousands: by position the vendor's call takes half the time."""
        produce, last = self._producer.produce, len(records) - 1
        self._last_offset = None
        for place, (tp, key, value, headers) in enumerate(records):
            told = self._note_offset if place == last else None
            while True:
                try:
                    if headers:
                        produce(tp.topic, value, key, tp.partition, told, headers=list(headers))
                    else:
                        produce(tp.topic, value, key, tp.partition, told)
                except BufferError:
                    self._producer.poll(0.1)
                else:
                    break

    def _note_offset(self, error: KafkaError | None, message: Message) -> None:
        offset = message.offset() if error is None else None
        self._last_offset = offset if offset is not None and offset >= 0 else None

    def abort(self, places: Sequence[TopicPartition]) -> None:
        """Write nothing to each of these partitions in a transaction and abort it: what is open there ends with it.

        Raises LogError.
        """
        try:
            self._producer.begin_transaction()
            for tp in places:
                self._producer.produce(tp.topic, None, _NOTHING, tp.partition)
            self._producer.flush(_TIMEOUT_S)  # a partition is part of it when it was written to
            self._producer.abort_transaction(_TIMEOUT_S)
        except KafkaException as error:
            raise self._failure(error) from error

    def _failure(self, error: KafkaException) -> LogError:
        cause = error.args[0]
        if not isinstance(cause, KafkaError):
            return CommitFailedError(str(error))
        if cause.code() in _FENCED:
            return FencedError(f"{self._transactional_id}: {cause.str()}")
        if self._unanswered and cause.retriable():
            return RetriableCommitError(cause.str())
        return CommitFailedError(f"{self._transactional_id}: {cause.str()} ({cause.name()})")

    def close(self) -> None:
        """See `runtime.log.Writer.close`. An open transaction is left to the next owner, who ends it."""
        self._producer.purge()
