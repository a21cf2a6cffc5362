"""Records that are parts of events; `schemas.events` exports them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from schemas.event_terms import (
    DataKind,
    Relation,
    ValueSide,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One analysed property of a material."""

    name: str
    value: float
    unit: str
    method: str | None = None
    lot: str | None = None
    sampled_at: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyMean:
    """Mean of one property over the analysed flows, weighted by their quantities."""

    name: str
    value: float
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinates:
    """Where a Kafka record is."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityMargin:
    """One quality limit of the use against the analysis."""

    property: str
    limit: float
    relation: Relation
    value: float | None = None
    unit: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePart:
    """One part of the value of a match, per day."""

    side: ValueSide
    name: str
    low: Decimal
    base: Decimal
    high: Decimal
    data_kind: DataKind
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What one accepted delivery did, counted once, at the receiver; a correction carries the difference."""

    diverted: int
    co2e_kg: float
    gain_giver: Decimal
    gain_receiver: Decimal
    currency: str
    price_year: int
    data_kind: DataKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason, as a code with parameters; screens put it into words."""

    code: str
    subject: str | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    text: str | None = None
