"""The nouns of the catalogue: frozen, typed, validated by `synergy.catalogue.validation`.

Quantities are in the material's base unit (gram, litre at reference conditions, kilojoule). Money
and factors are per trade unit: tonne, cubic metre or megajoule (`TRADE_UNITS`). Limits are in the
unit of the property.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from schemas.events import DataKind, Relation


class Role(StrEnum):
    """Whether a material is left over or asked for."""

    BYPRODUCT = "byproduct"
    FEEDSTOCK = "feedstock"


class TreatmentWhen(StrEnum):
    """When the treatment of a use is taken."""

    ALWAYS = "always"
    WHEN_FAILING = "when_failing"


class TreatmentSite(StrEnum):
    """Where the treatment unit stands; it bears the cost."""

    GIVER = "giver"
    RECEIVER = "receiver"


class CoefficientKind(StrEnum):
    """How well a value is known."""

    EXACT = "exact"
    CITED = "cited"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class TradeUnit:
    """The unit people price in: `name`, and how many base units are in it."""

    name: str
    per_unit: int


TRADE_UNITS: Final[dict[str, TradeUnit]] = {
    "GRM": TradeUnit("t", 1_000_000),
    "LTR": TradeUnit("m3", 1_000),
    "KJO": TradeUnit("MJ", 1_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """Half-open [start, end); None is open."""

    start: date | None = None
    end: date | None = None

    def holds(self, day: date) -> bool:
        """Whether `day` is inside.

        >>> Validity(start=date(2007, 1, 1), end=date(2008, 1, 1)).holds(date(2008, 1, 1))
        False
        """
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)

    def overlaps(self, other: Validity) -> bool:
        """Whether some day is in both."""
        before = self.end is not None and other.start is not None and self.end <= other.start
        after = other.end is not None and self.start is not None and other.end <= self.start
        return not before and not after


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyKind:
    """A property that analyses may give, with the one unit that the catalogue uses for it."""

    name: str
    unit: str
    name_en: str
    name_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Industry:
    """An ISIC Rev. 4 class; `aliases` are NACE Rev. 2 classes that mean it."""

    isic: str
    name_en: str
    name_zh: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A by-product or feedstock.

    More than `max_per_day` (base units) is absurd for one facility; `stale_after` is how long no
    news is no news; `disposal_class` chooses the avoided disposal cost, `haul_mode` the haul cost.
    """

    id: str
    name_en: str
    name_zh: str
    aliases: tuple[str, ...] = ()
    ewc: tuple[str, ...] = ()
    china_code: str | None = None
    hs: tuple[str, ...] = ()
    base_unit: str
    role: Role
    hazardous: bool
    storable: bool
    max_per_day: int
    stale_after: timedelta
    disposal_class: str | None = None
    haul_mode: str
    properties: tuple[str, ...] = ()

    @property
    def trade_unit(self) -> TradeUnit:
        """Tonne, cubic metre or megajoule."""
        return TRADE_UNITS[self.base_unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityLimit:
    """One limit of a use, for one country or for all."""

    use: str
    property: str
    relation: Relation
    limit: float
    unit: str
    country: str | None = None
    validity: Validity = Validity()
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a receiver does with a material.

    One trade unit of the material replaces `ratio` trade units of `substitutes`; its share in the
    blend of both is at most `share_cap`. `lot_per_day` (base units) is the least worth a contract.
    """

    id: str
    name_en: str
    name_zh: str
    material: str
    substitutes: str
    receivers: tuple[str, ...]
    givers: tuple[str, ...]
    ratio: Decimal
    share_cap: Decimal
    blend: str | None = None
    lot_per_day: int
    treatment: str | None = None
    treatment_when: TreatmentWhen | None = None
    validity: Validity = Validity()
    source: str
    limits: tuple[QualityLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """A step between supply and need.

    One unit stands at the site, shared by all that passes through it: `capacity_per_day` (base
    units taken in). `yield_ratio` is what leaves per what enters; `changes` are the properties
    afterwards.
    """

    id: str
    name_en: str
    name_zh: str
    at: TreatmentSite
    yield_ratio: Decimal
    capacity_per_day: int
    changes: tuple[tuple[str, float], ...] = ()
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendLimit:
    """Limits the weighted mean of a property over a blend; `when_unknown` is assumed."""

    blend: str
    property: str
    limit: float
    unit: str
    when_unknown: float
    validity: Validity = Validity()
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """By-products that go into the same need share one cap and its limits."""

    id: str
    need: str
    share_cap: Decimal
    source: str
    limits: tuple[BlendLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """One value with its range, source and validity. `country` None holds anywhere."""

    key: str
    country: str | None
    value: Decimal
    low: Decimal
    high: Decimal
    unit: str
    currency: str | None
    price_year: int | None
    kind: CoefficientKind
    validity: Validity
    source: str
    note: str | None = None

    @property
    def data_kind(self) -> DataKind:
        """Exact and cited rows count as facts of their source, the rest is assumed."""
        return DataKind.ASSUMED if self.kind is CoefficientKind.ASSUMED else DataKind.MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A connected component of the use graph, named after the by-product with most uses."""

    id: str
    materials: tuple[str, ...]
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What plants of an industry give and take."""

    industry: str
    gives: tuple[Use, ...]
    takes: tuple[Use, ...]
