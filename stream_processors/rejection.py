"""What both stages say of a record that they do not accept."""

from __future__ import annotations

from typing import NamedTuple

from runtime.log import Record, TopicPartition
from schemas.errors import DecodeError
from schemas.events import Coordinates, Rejected
from schemas.topic_files import topic_files, topics_of

MOST_BYTES = 32 * 1024
"""The largest reading, facility or command: a few hundred bytes are usual."""


class Fault(NamedTuple):
    """What is wrong with a record: reason code, field to blame, what to do, and who sent it if that is known."""

    code: str
    field: str | None
    message: str
    facility: str | None = None
    source: str | None = None


def undecodable(error: DecodeError) -> Fault:
    """The bytes are no event."""
    return Fault(error.code, error.field, error.message)


def misplaced(event: str, tp: TopicPartition) -> Fault:
    """The event is good, and on the wrong topic."""
    takes = ", ".join(topic_files()[tp.topic].records)
    own = " or ".join(topic.name for topic in topics_of(event))
    return Fault(
        "misplaced",
        None,
        f"{event} does not belong on {tp.topic}, which takes {takes}: send it to {own}",
    )


def too_large(size: int) -> Fault:
    """The event is good, and too much to carry along."""
    message = f"the record has {size} bytes, {MOST_BYTES} are the most: shorten its texts and lists"
    return Fault("too_large", None, message)


def failure(stage: str, error: BaseException) -> Fault:
    """The stage itself raises on this record, and on this record only."""
    cause = f"{type(error).__name__}: {error}"
    message = f"the {stage} stage failed on this record: {cause}; report it with these bytes"
    return Fault("internal_error", None, message)


def coordinates(tp: TopicPartition, offset: int) -> Coordinates:
    """Return where a record is, as events say it."""
    return Coordinates(topic=tp.topic, partition=tp.partition, offset=offset)


def rejected(stage: str, tp: TopicPartition, record: Record, fault: Fault) -> Rejected:
    """Return the rejection of a record, with its bytes."""
    return Rejected(
        origin=coordinates(tp, record.offset),
        code=fault.code,
        field=fault.field,
        message=fault.message,
        facility=fault.facility,
        source=fault.source,
        key=record.key,
        value=record.value,
        stage=stage,
    )
