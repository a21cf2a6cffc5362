"""From an event to the record that carries it: topic, key, explicit partition, Avro, CloudEvents headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from runtime.log import OutRecord, TopicPartition
from schemas import topic_files
from schemas.codec import Codec
from schemas.events import (
    Alert,
    Coordinates,
    FacilityFacts,
    Match,
    Outcome,
    Position,
    Rejected,
    Transaction,
    Unmatched,
)
from schemas.identity import series_key
from schemas.routing import partition_for

Told = Position | FacilityFacts | Match | Unmatched | Outcome | Transaction | Alert


class _Label(NamedTuple):
    """Where one event goes and how CloudEvents names it; `time` is the event's own time."""

    topic: str
    key: bytes
    identity: str
    time: datetime | None


def _place(at: Coordinates) -> str:
    return f"{at.topic}/{at.partition}/{at.offset}"


def _label(event: Told) -> _Label:
    match event:
        case Position():
            key = series_key(event.facility, event.material, event.direction)
            identity = f"{_place(event.applied)}/{key.decode()}"
            return _Label(topic_files.POSITIONS, key, identity, event.as_of)
        case FacilityFacts():
            return _Label(topic_files.POSITIONS, event.facility.encode(), event.facility, None)
        case Match():
            identity = f"{event.id}/{event.revision}"
            return _Label(
                topic_files.MATCHES, str(event.id).encode(), identity, event.programme_time
            )
        case Unmatched():
            key = series_key(event.facility, event.material, event.direction)
            identity = f"{key.decode()}/{event.programme_time.isoformat()}"
            return _Label(topic_files.MATCHES, key, identity, event.programme_time)
        case Outcome():
            identity = str(event.command)
            return _Label(topic_files.OUTCOMES, identity.encode(), identity, None)
        case Transaction():
            key = str(event.agreement).encode()
            return _Label(topic_files.TRANSACTIONS, key, str(event.id), event.programme_time)
        case Alert():
            identity = f"{event.id}/{event.state}/{event.programme_time.isoformat()}"
            return _Label(
                topic_files.ALERTS, str(event.id).encode(), identity, event.programme_time
            )


class Outbox:
    """Makes records of a stage's events.

    Args:
        stage: names the stage in `ce_source`.
        codec: encodes.
        partitions: partition count of every topic, by name.
    """

    def __init__(self, stage: str, codec: Codec, partitions: Mapping[str, int]) -> None:
        self._codec = codec
        self._partitions = partitions
        self._places: dict[tuple[str, str], TopicPartition] = {}
        self._source = f"/synergy/{stage}".encode()

    def records(self, events: Iterable[Told]) -> list[OutRecord]:
        """Return the records of events, in order; the routing key is the programme."""
        told = list(events)
        values = self._codec.encode_many(told)
        return [self._record(event, value) for event, value in zip(told, values, strict=True)]

    def _record(self, event: Told, value: bytes) -> OutRecord:
        label = _label(event)
        headers = self._headers(type(event).__name__, label)
        return OutRecord(self._tp(label.topic, event.programme), label.key, value, headers)

    def _tp(self, topic: str, programme: str) -> TopicPartition:
        place = self._places.get((topic, programme))
        if place is None:
            number = partition_for(programme, self._partitions[topic])
            place = self._places[topic, programme] = TopicPartition(topic, number)
        return place

    def _headers(self, record: str, label: _Label) -> tuple[tuple[str, bytes], ...]:
        headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", label.identity.encode()),
            ("ce_source", self._source),
            ("ce_type", f"synergy.v1.{record}".encode()),
        )
        if label.time is None:
            return headers
        return (*headers, ("ce_time", label.time.isoformat().encode()))

    def rejected(self, event: Rejected) -> OutRecord:
        """Return the record of a rejection: it keeps the partition number of its origin."""
        at = event.origin
        key = f"{at.topic}|{at.partition}|{at.offset}".encode()
        label = _Label(topic_files.REJECTED, key, key.decode(), None)
        tp = TopicPartition(topic_files.REJECTED, at.partition)
        headers = self._headers("Rejected", label)
        return OutRecord(tp, key, self._codec.encode(event), headers)
