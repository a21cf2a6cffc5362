"""A reading: an availability that has not got its identity yet.

The identity (source, facility, epoch, sequence) is given by the spool, in the transaction that makes
the reading durable, and never anywhere else: the same spool gives the same identities after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas.events import (
    Availability,
    Basis,
    DataKind,
    Direction,
    Form,
    Property,
    Quality,
    SourceKind,
)
from schemas.identity import reading_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source says about one series. Fields as in `schemas.events.Availability`.

    `observed_at` is when the source knows it: the end of a measured period, the time at which a plan
    line was written. A replay plays a reading at that moment of programme time.
    """

    source: str
    facility: str
    material: str
    direction: Direction
    form: Form
    source_kind: SourceKind
    quantity: int
    unit: str
    period_start: datetime
    period_end: datetime
    observed_at: datetime
    quality: Quality
    data_kind: DataKind
    basis: Basis
    moisture: float | None = None
    formula: str | None = None
    document: str | None = None
    revision: int | None = None
    corrects: str | None = None
    flags: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()

    def identified(self, epoch: int, sequence: int) -> Availability:
        """Return the event with its identity."""
        return Availability(
            id=reading_id(self.source, self.facility, epoch, sequence),
            epoch=epoch,
            sequence=sequence,
            **{name: getattr(self, name) for name in _FIELDS},
        )


_FIELDS = tuple(Reading.__slots__)
