"""Typed frozen events, one for each Avro record.

A test compares every class with its ``.avsc`` file: same fields, same order, same types. Times are aware datetimes in
UTC, money is Decimal, quantities are integers in the material's base unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from schemas.event_parts import (
    Coordinates,
    Impact,
    Property,
    PropertyMean,
    QualityMargin,
    Reason,
    ValuePart,
)
from schemas.event_terms import (
    AlertState,
    Basis,
    DataKind,
    Direction,
    Form,
    MatchState,
    Provenance,
    Quality,
    Relation,
    ReplayState,
    Severity,
    Side,
    SourceKind,
    ValueSide,
    Verdict,
)
from schemas.market_events import (
    Alert,
    Command,
    Match,
    Outcome,
    Transaction,
    Unmatched,
)

__all__ = [
    "Alert",
    "AlertState",
    "Availability",
    "Basis",
    "Command",
    "Coordinates",
    "DataKind",
    "Direction",
    "Event",
    "Facility",
    "FacilityFacts",
    "Form",
    "Impact",
    "Match",
    "MatchState",
    "Outcome",
    "Position",
    "Property",
    "PropertyMean",
    "Provenance",
    "Quality",
    "QualityMargin",
    "Reason",
    "Rejected",
    "Relation",
    "ReplayState",
    "Severity",
    "Side",
    "SourceKind",
    "Tick",
    "Transaction",
    "Unmatched",
    "ValuePart",
    "ValueSide",
    "Verdict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """A facility can supply or demands a quantity of a material over a period."""

    id: UUID
    source: str
    facility: str
    epoch: int
    sequence: int
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The time of a replay programme; nothing else moves it. Written to every partition."""

    programme: str
    time: datetime
    state: ReplayState
    speed: float
    chapter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """A plant at a place, with an industry code."""

    id: str
    programme: str
    park: str | None = None
    name: str
    name_zh: str | None = None
    latitude: float
    longitude: float
    industry: str
    permits: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    valid_from: datetime
    valid_to: datetime | None = None
    provenance: Provenance
    source: str
    capacity: float | None = None
    capacity_unit: str | None = None
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityFacts:
    """The facts of a facility that market needs, forwarded by balance before any position that relies on them."""

    facility: str
    programme: str
    park: str | None = None
    name: str
    name_zh: str | None = None
    latitude: float
    longitude: float
    industry: str
    permits: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    valid_from: datetime
    valid_to: datetime | None = None
    provenance: Provenance
    source: str
    capacity: float | None = None
    capacity_unit: str | None = None
    country: str
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The rolling state of one series."""

    programme: str
    facility: str
    material: str
    direction: Direction
    as_of: datetime
    applied: Coordinates
    latest: Coordinates
    latest_source: str
    latest_sequence: int
    source_kind: SourceKind
    data_kind: DataKind
    unit: str
    quantity_24h: int
    days_seen: int
    firm_per_day: int
    interruptible_per_day: int
    stock: int | None = None
    stock_at: datetime | None = None
    plan_per_day: int | None = None
    quality_good: float
    quality_uncertain: float
    quality_estimated: float
    stale: bool
    late: int
    formula: str | None = None
    basis: Basis
    flags: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()
    means: tuple[PropertyMean, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that was not accepted, with its bytes and the reason."""

    origin: Coordinates
    code: str
    field: str | None = None
    message: str
    facility: str | None = None
    source: str | None = None
    key: bytes | None = None
    value: bytes | None = None
    stage: str


Event: TypeAlias = (
    Availability
    | Tick
    | Facility
    | FacilityFacts
    | Position
    | Command
    | Outcome
    | Match
    | Unmatched
    | Transaction
    | Alert
    | Rejected
)
