"""Reading a part of a partition in chunks of messages, outside of any group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, Message
from confluent_kafka import TopicPartition as VendorPartition

from runtime.clock import Clock
from runtime.log import LogError, RecordsDamagedError, TopicPartition

_TIMEOUT_S = 15.0
_POLL_S = 0.03  # a poll of many records waits its whole time, even at the end of the partition
_READER: Mapping[str, str | int | bool] = {
    "group.id": "synergy-reader",
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "fetch.queue.backoff.ms": 10,
    "check.crcs": True,
}


def read_chunks(
    connection: Mapping[str, str | int | float | bool],
    clock: Clock,
    tp: TopicPartition,
    start: int,
    end: int,
) -> Iterator[list[Message]]:
    """Yield the committed messages of `[start, end)` in order.

    Raises:
        RecordsDamagedError: the checksum of a batch is wrong.
        LogError: the partition can't be read to its end.
    """
    if start >= end:
        return
    consumer = Consumer({**connection, **_READER})
    try:
        consumer.assign([VendorPartition(tp.topic, tp.partition, start)])
        yield from chunks_until(consumer, clock, tp, end)
    finally:
        consumer.close()


def chunks_until(
    consumer: Consumer, clock: Clock, tp: TopicPartition, end: int
) -> Iterator[list[Message]]:
    """Yield messages below `end`; an end of the partition from there on counts too, since markers have no records.

    A broker that has just become the leader may show an earlier end for a moment: that is none.
    """
    deadline, ended = clock.monotonic_s() + _TIMEOUT_S, False
    while not ended:
        messages = consumer.consume(10_000, _POLL_S)
        if messages:
            deadline = clock.monotonic_s() + _TIMEOUT_S
        elif clock.monotonic_s() > deadline:
            message = (
                f"{tp.topic}[{tp.partition}] gave nothing for {_TIMEOUT_S} s before offset {end}"
            )
            raise LogError(message)
        if any(map(Message.error, messages)):
            ended = any((found.offset() or 0) >= end for found in messages)
            messages = list(_before_the_end(tp, messages, end))
        if messages and offset_of(messages[-1]) >= end - 1:
            ended = True
            messages = [found for found in messages if offset_of(found) < end]
        yield messages


def _before_the_end(tp: TopicPartition, messages: Sequence[Message], end: int) -> Iterator[Message]:
    """Yield the records that come before `end`.

    Raises RecordsDamagedError, behind which librdkafka would go on, and LogError for another error.
    """
    for found in messages:
        error = found.error()
        if (found.offset() or 0) >= end:
            return
        if error is None:
            yield found
        elif error.code() == KafkaError._BAD_MSG:  # noqa: SLF001
            raise RecordsDamagedError(tp, error.str())
        elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
            raise LogError(error.str())


def offset_of(message: Message) -> int:
    """Return where a message that was read stands."""
    offset = message.offset()
    assert offset is not None
    return offset
