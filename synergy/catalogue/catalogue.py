"""The catalogue as one frozen value, with the look-ups that the rest of the product needs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from synergy.catalogue.model import (
    Blend,
    Coefficient,
    Industry,
    Market,
    Material,
    PropertyKind,
    Suggestions,
    Treatment,
    Use,
)
from synergy.catalogue.near_names import near


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueIndex:
    """Look-ups derived from the entries."""

    names: Mapping[str, str]
    market_of: Mapping[str, str]
    uses_of: Mapping[str, tuple[Use, ...]]
    uses_for: Mapping[str, tuple[Use, ...]]
    industry_of: Mapping[str, str]
    coefficients: Mapping[tuple[str, str | None], tuple[Coefficient, ...]]
    boundaries: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Materials, uses, treatments, blends, coefficients, industries and the markets they make.

    `version` is the hash of all files: it goes into every match's `market`.
    """

    version: str
    properties: Mapping[str, PropertyKind]
    industries: Mapping[str, Industry]
    materials: Mapping[str, Material]
    treatments: Mapping[str, Treatment]
    blends: Mapping[str, Blend]
    uses: Mapping[str, Use]
    coefficients: tuple[Coefficient, ...]
    markets: tuple[Market, ...]
    index: CatalogueIndex = field(repr=False)

    def resolve(self, name: str) -> Material | None:
        """Return the material that an id, name (en, zh) or alias means, whatever the case."""
        found = self.index.names.get(name.casefold())
        return self.materials[found] if found is not None else None

    def names_like(self, text: str) -> str:
        """Return a sentence for somebody whose word names no material: which ones may have been meant."""
        found = dict.fromkeys(self.index.names[name] for name in near(text, self.index.names))
        if not found:
            return (
                "Write an id or a name, such as fly_ash or 粉煤灰: `synergy materials` lists all."
            )
        return f"Near: {', '.join(f'{one} ({self.materials[one].name_zh})' for one in found)}."

    def market_of(self, material: str) -> str:
        """Return the market id of a material; an unknown one is a market of its own."""
        return self.index.market_of.get(material, material)

    def uses_of(self, material: str) -> tuple[Use, ...]:
        """Return what can be done with a by-product."""
        return self.index.uses_of.get(material, ())

    def uses_for(self, need: str) -> tuple[Use, ...]:
        """Return the uses that serve a need: as a substitute, or as the by-product itself."""
        return self.index.uses_for.get(need, ())

    def industry_class(self, code: str) -> str:
        """Return the ISIC class of an industry code; NACE aliases are translated."""
        return self.index.industry_of.get(code, code)

    def coefficient(self, key: str, country: str, day: date) -> Coefficient | None:
        """Return the row of `key` that holds on `day` in `country`, else for any country."""
        for place in (country, None):
            for row in self.index.coefficients.get((key, place), ()):
                if row.validity.holds(day):
                    return row
        return None

    def changed_between(self, before: date, after: date) -> bool:
        """Whether some entry begins or ends to hold on a day of (before, after]."""
        days = self.index.boundaries
        return bisect_right(days, before) != bisect_right(days, after)

    def suggestions_for(self, industry: str) -> Suggestions:
        """Return what plants of an industry (ISIC class or NACE alias) could give and take."""
        isic = self.industry_class(industry)
        return Suggestions(
            industry=isic,
            gives=tuple(use for use in self.uses.values() if isic in use.givers),
            takes=tuple(use for use in self.uses.values() if isic in use.receivers),
        )


def _grouped(uses: Mapping[str, Use], *, by_need: bool) -> Mapping[str, tuple[Use, ...]]:
    groups: dict[str, list[Use]] = {}
    for use in uses.values():
        keys = (use.substitutes, use.material) if by_need else (use.material,)
        for key in keys:
            groups.setdefault(key, []).append(use)
    return MappingProxyType({key: tuple(found) for key, found in groups.items()})


def _boundaries(
    coefficients: Iterable[Coefficient], uses: Mapping[str, Use], blends: Iterable[Blend]
) -> set[date]:
    spans = [row.validity for row in coefficients]
    spans += [use.validity for use in uses.values()]
    spans += [limit.validity for use in uses.values() for limit in use.limits]
    spans += [limit.validity for blend in blends for limit in blend.limits]
    return {day for span in spans for day in (span.start, span.end) if day is not None}


def index_of(
    materials: Mapping[str, Material],
    uses: Mapping[str, Use],
    industries: Mapping[str, Industry],
    rest: tuple[tuple[Coefficient, ...], tuple[Market, ...], Iterable[Blend]],
) -> CatalogueIndex:
    """Derive the look-ups; `rest` is the coefficients, the markets and the blends."""
    coefficients, markets, blends = rest
    rows: dict[tuple[str, str | None], list[Coefficient]] = {}
    for row in coefficients:
        rows.setdefault((row.key, row.country), []).append(row)
    return CatalogueIndex(
        names=MappingProxyType(
            {
                name.casefold(): material.id
                for material in materials.values()
                for name in (material.id, material.name_en, material.name_zh, *material.aliases)
            }
        ),
        market_of=MappingProxyType(
            {material: market.id for market in markets for material in market.materials}
        ),
        uses_of=_grouped(uses, by_need=False),
        uses_for=_grouped(uses, by_need=True),
        industry_of=MappingProxyType(
            {
                code: industry.isic
                for industry in industries.values()
                for code in (industry.isic, *industry.aliases)
            }
        ),
        coefficients=MappingProxyType({key: tuple(found) for key, found in rows.items()}),
        boundaries=tuple(sorted(_boundaries(coefficients, uses, blends))),
    )
