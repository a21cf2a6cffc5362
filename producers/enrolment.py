"""Enrols plants: compares them with what the facilities topic says now, and publishes what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from runtime.log import OutRecord, TopicPartition
from runtime.publisher import Publisher
from schemas.events import Event, Facility
from schemas.routing import partition_for
from schemas.topic_files import FACILITIES


@dataclass(frozen=True, slots=True)
class Difference:
    """A plant that is new or changed; `columns` are the fields that differ, none of a new one."""

    facility: Facility
    columns: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        """Whether it was not enrolled before."""
        return not self.columns


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an import would change. `elsewhere` are plants that are in another programme: they are not moved."""

    differences: tuple[Difference, ...]
    unchanged: int
    elsewhere: tuple[tuple[Facility, str], ...]

    @property
    def summary(self) -> str:
        """The counts in words."""
        new = sum(one.is_new for one in self.differences)
        return f"{new} new, {len(self.differences) - new} changed, {self.unchanged} unchanged"


def compare(known: Mapping[str, Facility], wanted: Iterable[Facility]) -> Comparison:
    """Compare plants with what is known of them."""
    differences: list[Difference] = []
    elsewhere: list[tuple[Facility, str]] = []
    unchanged = 0
    for facility in wanted:
        former = known.get(facility.id)
        if former is None:
            differences.append(Difference(facility, ()))
        elif former.programme != facility.programme:
            elsewhere.append((facility, former.programme))
        elif columns := _columns_that_differ(former, facility):
            differences.append(Difference(facility, columns))
        else:
            unchanged += 1
    return Comparison(tuple(differences), unchanged, tuple(elsewhere))


def _columns_that_differ(former: Facility, facility: Facility) -> tuple[str, ...]:
    return tuple(
        one.name
        for one in fields(Facility)
        if getattr(former, one.name) != getattr(facility, one.name)
    )


def facility_record(
    facility: Facility, partitions: int, encode: Callable[[Event], bytes]
) -> OutRecord:
    """Return the record of a facility: under its id, in its partition."""
    partition = partition_for(facility.id, partitions)
    return OutRecord(TopicPartition(FACILITIES, partition), facility.id.encode(), encode(facility))


def enrol(
    facilities: Sequence[Facility], publisher: Publisher, encode: Callable[[Event], bytes]
) -> None:
    """Publish facilities; returns once the broker has them. Raises PublishError."""
    partitions = publisher.partitions(FACILITIES)
    for facility in facilities:
        publisher.publish(facility_record(facility, partitions, encode))
    publisher.flush()
