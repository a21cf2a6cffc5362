"""What the market knows of one series, and the frozen picture that a solve works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.events import (
    Coordinates,
    Direction,
    FacilityFacts,
    Match,
    Position,
    Reason,
    Unmatched,
    Verdict,
)
from synergy.market.policy import Policy


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """(facility, material, direction)."""

    facility: str
    material: str
    direction: Direction


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """What a proposal is about, without its number n."""

    giver: str
    material: str
    receiver: str
    need: str
    use: str
    treatment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMemory:
    """What is remembered of a pair: proposals so far and the last refusal's conditions."""

    proposals: int = 0
    declined_quantity: int | None = None
    declined_verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The latest position, where it is, and the quantities at the last material change."""

    position: Position
    at: Coordinates
    solved_quantity: int
    solved_firm: int


@dataclass(frozen=True, slots=True)
class Received:
    """A position, where it is in its topic, and its value there."""

    position: Position
    at: Coordinates
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A series that gives or takes something now: the input of a solve."""

    series: Series
    facts: FacilityFacts
    position: Position
    at: Coordinates
    quantity: int
    firm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One market of one programme at one moment; nothing in it changes.

    `token` counts the lifecycle changes of the market: a result of an older token is not absorbed;
    `version` counts its marks.
    `silent` are series that give nothing, with the reason.
    """

    programme: str
    market: str
    token: int
    version: int
    time: datetime
    supplies: tuple[Offer, ...]
    needs: tuple[Offer, ...]
    silent: Mapping[Series, Reason]
    matches: tuple[Match, ...]
    pairs: Mapping[Pair, PairMemory]
    unmatched: Mapping[Series, Unmatched]
    policy: Policy


def pair_of(match: Match) -> Pair:
    """Return the pair that a match is about."""
    return Pair(
        giver=match.giver,
        material=match.material,
        receiver=match.receiver,
        need=match.need,
        use=match.use,
        treatment=match.treatment or "",
    )


def series_of(item: Position | Unmatched) -> Series:
    """Return the series that a position or statement is about."""
    return Series(item.facility, item.material, item.direction)


def supply_series(pair: Pair) -> Series:
    """Return the series that gives."""
    return Series(pair.giver, pair.material, Direction.SUPPLY)


def need_series(pair: Pair) -> Series:
    """Return the series that takes."""
    return Series(pair.receiver, pair.need, Direction.DEMAND)


def offered(position: Position) -> int:
    """Return what a position gives or asks per day, in base units; never negative.

    A supply is firm plus interruptible; a need is the plan where there is one.
    """
    if position.direction is Direction.DEMAND and position.plan_per_day is not None:
        return max(position.plan_per_day, 0)
    return max(position.firm_per_day + position.interruptible_per_day, 0)
