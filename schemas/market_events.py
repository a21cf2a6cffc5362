"""The events of the market stage and of what people ask of it; `schemas.events` exports them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from schemas.event_parts import (
    Coordinates,
    Impact,
    QualityMargin,
    Reason,
    ValuePart,
)
from schemas.event_terms import (
    AlertState,
    DataKind,
    Direction,
    MatchState,
    Severity,
    Side,
    Verdict,
)


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
    side: Side | None = None
    proposed: int | None = None
    impact: Impact | None = None


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
    actor: str | None = None
    until: datetime | None = None
