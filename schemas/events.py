"""Typed frozen events, one for each Avro record.

A test compares every class with its ``.avsc`` file: same fields, same order, same types. Times are aware datetimes in
UTC, money is Decimal, quantities are integers in the material's base unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID


class Direction(StrEnum):
    """The Avro enum Direction."""

    SUPPLY = "SUPPLY"
    DEMAND = "DEMAND"


class Form(StrEnum):
    """The Avro enum Form."""

    FLOW = "FLOW"
    STOCK = "STOCK"
    PLAN = "PLAN"


class SourceKind(StrEnum):
    """The Avro enum SourceKind."""

    METER = "METER"
    ERP = "ERP"
    MANUAL = "MANUAL"
    REPLAY = "REPLAY"


class Quality(StrEnum):
    """The Avro enum Quality."""

    GOOD = "GOOD"
    UNCERTAIN = "UNCERTAIN"
    ESTIMATED = "ESTIMATED"
    BAD = "BAD"


class DataKind(StrEnum):
    """The Avro enum DataKind."""

    MEASURED = "MEASURED"
    ESTIMATED = "ESTIMATED"
    ASSUMED = "ASSUMED"
    SIMULATED = "SIMULATED"


class Basis(StrEnum):
    """The Avro enum Basis."""

    AS_RECEIVED = "AS_RECEIVED"
    DRY = "DRY"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class ReplayState(StrEnum):
    """The Avro enum ReplayState."""

    RUNNING = "RUNNING"
    ENDED = "ENDED"


class Provenance(StrEnum):
    """The Avro enum Provenance."""

    REAL = "REAL"
    SAMPLE = "SAMPLE"


class Side(StrEnum):
    """The Avro enum Side."""

    GIVER = "GIVER"
    RECEIVER = "RECEIVER"


class MatchState(StrEnum):
    """The Avro enum MatchState."""

    PROPOSED = "PROPOSED"
    ACCEPTED_BY_GIVER = "ACCEPTED_BY_GIVER"
    ACCEPTED_BY_RECEIVER = "ACCEPTED_BY_RECEIVER"
    AGREED = "AGREED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class Verdict(StrEnum):
    """The Avro enum Verdict."""

    MEETS = "MEETS"
    FAILS = "FAILS"
    UNKNOWN = "UNKNOWN"


class Relation(StrEnum):
    """The Avro enum Relation."""

    AT_MOST = "AT_MOST"
    AT_LEAST = "AT_LEAST"


class ValueSide(StrEnum):
    """The Avro enum ValueSide."""

    GIVER = "GIVER"
    RECEIVER = "RECEIVER"
    SHARED = "SHARED"


class Severity(StrEnum):
    """The Avro enum Severity."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class AlertState(StrEnum):
    """The Avro enum AlertState."""

    RAISED = "RAISED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    SNOOZED = "SNOOZED"
    CLEARED = "CLEARED"


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
class Coordinates:
    """Where a Kafka record is."""

    topic: str
    partition: int
    offset: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a person asks the market to do. Every command gets one outcome."""

    id: UUID
    programme: str
    action: str
    subject: str
    revision: int | None = None
    side: Side | None = None
    actor: str
    reason: str | None = None
    quantity: int | None = None
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer to one command."""

    command: UUID
    programme: str
    accepted: bool
    reason: str | None = None
    allowed: tuple[str, ...] = ()
    subject: str
    revision: int | None = None
    coordinates: Coordinates


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
class Reason:
    """One reason, as a code with parameters; screens put it into words."""

    code: str
    subject: str | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An allocation that is proposed to people, with its reasons and its lifecycle."""

    id: UUID
    programme: str
    market: str
    revision: int
    state: MatchState
    giver: str
    receiver: str
    material: str
    use: str
    need: str
    treatment: str | None = None
    unit: str
    quantity_per_day: int
    firm_per_day: int
    interruptible_per_day: int
    distance_km: float
    distance_method: str
    verdict: Verdict
    margins: tuple[QualityMargin, ...] = ()
    value: tuple[ValuePart, ...] = ()
    gain_giver: Decimal
    gain_receiver: Decimal
    gain_low: Decimal
    gain_high: Decimal
    price_low: Decimal
    price_high: Decimal
    currency: str
    price_year: int
    co2e_kg_per_day: float
    data_kind: DataKind
    reasons: tuple[Reason, ...] = ()
    supply_position: Coordinates
    need_position: Coordinates
    sources: tuple[Coordinates, ...] = ()
    programme_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """Why a series has no match."""

    programme: str
    facility: str
    material: str
    direction: Direction
    resolved: bool
    reasons: tuple[Reason, ...] = ()
    programme_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One event in the life of an agreement and its deliveries."""

    id: UUID
    programme: str
    agreement: UUID
    delivery: UUID | None = None
    match: UUID
    state: str
    revision: int
    giver: str
    receiver: str
    material: str
    unit: str
    quantity: int | None = None
    reason: str | None = None
    actor: str
    command: UUID | None = None
    corrects: UUID | None = None
    programme_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person should look at."""

    id: UUID
    programme: str
    rule: str
    severity: Severity
    state: AlertState
    subject: str
    reasons: tuple[Reason, ...] = ()
    coordinates: Coordinates | None = None
    programme_time: datetime


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
