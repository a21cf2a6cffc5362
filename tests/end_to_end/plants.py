"""Facilities and readings that the tests publish. Their programmes are live: no tick moves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from runtime.clock import SystemClock
from schemas.events import (
    Availability,
    Basis,
    DataKind,
    Direction,
    Facility,
    Form,
    Property,
    Provenance,
    Quality,
    SourceKind,
)
from schemas.identity import reading_id
from schemas.routing import partition_for

CLOCK = SystemClock()
KILOGRAM = 1_000
TONNE = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEGIN = EPOCH + timedelta(microseconds=CLOCK.now_us()) - timedelta(hours=12)
"""Readings of one minute each are counted from here, so that every window of 24 hours holds all of them."""


def now() -> datetime:
    """The clock, as events have it."""
    return EPOCH + timedelta(microseconds=CLOCK.now_us())


def facility(name: str, programme: str, **changes: Any) -> Facility:
    """A power station on the Ohio."""
    plain = Facility(
        id=name,
        programme=programme,
        name=f"Plant {name}",
        latitude=38.9,
        longitude=-82.1,
        industry="3510",
        valid_from=datetime(1990, 1, 1, tzinfo=UTC),
        provenance=Provenance.SAMPLE,
        source="test",
        country="US",
    )
    return replace(plain, **changes)


def reading(plant: str, sequence: int, **changes: Any) -> Availability:
    """The flow of one minute: a different whole number of kilograms for every sequence."""
    start = BEGIN + sequence % 600 * MINUTE
    source = changes.get("source", f"meter:{plant}")
    plain = Availability(
        id=reading_id(source, plant, 1, sequence),
        source=source,
        facility=plant,
        epoch=1,
        sequence=sequence,
        material="fly_ash",
        direction=Direction.SUPPLY,
        form=Form.FLOW,
        source_kind=SourceKind.METER,
        quantity=(100 + 37 * sequence % 101) * KILOGRAM,
        unit="GRM",
        period_start=start,
        period_end=start + MINUTE,
        observed_at=start + MINUTE,
        quality=Quality.GOOD,
        data_kind=DataKind.MEASURED,
        basis=Basis.DRY,
    )
    return replace(plain, **changes)


def named_for_partition(prefix: str, partition: int, partitions: int) -> str:
    """Return the first name with this prefix that is routed to the partition."""
    return next(
        name
        for number in count()
        if partition_for(name := f"{prefix}-{number}", partitions) == partition
    )


def analysed() -> tuple[Property, ...]:
    """An ash that meets every limit, sampled yesterday."""
    values = {"loi": 3.0, "so3": 1.0, "moisture": 0.5}
    sampled = now() - timedelta(days=1)
    return tuple(
        Property(name=name, value=value, unit="%", sampled_at=sampled)
        for name, value in values.items()
    )
