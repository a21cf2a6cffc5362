"""What an exchange is worth to each side, against its present outlet or source.

Every part is linear in the haul distance: `fixed + per_km x km`, per trade unit (t, m3, MJ) that
the giver hands over, benefits positive and costs negative, each with low, base, high and source.
The giver pays the haul, whoever owns the treatment unit pays the treatment, carbon is shared and
not part of the price. The delivered price lies between what the giver must get and what the
receiver can pay: the interval in which both gain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from schemas.events import DataKind, ValuePart, ValueSide
from synergy.catalogue import Catalogue, Coefficient, Treatment, TreatmentSite, Use

CENT: Final = Decimal("0.0001")
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Range:
    """A value with its range: low <= base <= high."""

    low: Decimal = ZERO
    base: Decimal = ZERO
    high: Decimal = ZERO

    def times(self, factor: Decimal) -> Range:
        """Return the range scaled; a negative factor swaps its ends.

        >>> Range(Decimal(1), Decimal(2), Decimal(4)).times(Decimal(-1))
        Range(low=Decimal('-4'), base=Decimal('-2'), high=Decimal('-1'))
        """
        low, high = sorted((self.low * factor, self.high * factor))
        return Range(low, self.base * factor, high)

    def plus(self, other: Range) -> Range:
        """Return the sum."""
        return Range(self.low + other.low, self.base + other.base, self.high + other.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One part of the value per trade unit handed over: `fixed + per_km x km`."""

    side: ValueSide
    name: str
    fixed: Range = Range()
    per_km: Range = Range()
    data_kind: DataKind
    source: str

    def at(self, km: Decimal) -> Range:
        """Return the rate at a haul distance."""
        return self.fixed.plus(self.per_km.times(km))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All rates of one use between two countries on one day.

    `delivered` is what arrives per unit handed over: less than 1 when the giver treats. `circuity`
    is haul distance per great-circle distance. `co2e` is saved kg per unit: fixed and per km.
    """

    rates: tuple[Rate, ...]
    currency: str
    price_year: int
    delivered: Decimal
    circuity: Decimal
    co2e: tuple[Decimal, Decimal]

    def cash(self) -> tuple[float, float]:
        """Return giver's and receiver's base value per unit: fixed and per km."""
        sides = {ValueSide.GIVER, ValueSide.RECEIVER}
        return _line(rate for rate in self.rates if rate.side in sides)

    def total(self) -> tuple[float, float]:
        """Return the base value per unit with carbon: fixed and per km."""
        return _line(self.rates)

    def side_value(self, side: ValueSide, km: Decimal) -> Decimal:
        """Return the base value of one side per unit at a distance, without the price."""
        return sum((rate.at(km).base for rate in self.rates if rate.side is side), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The value of a quantity per day over a distance, in money."""

    parts: tuple[ValuePart, ...]
    gain_giver: Decimal
    gain_receiver: Decimal
    gain_low: Decimal
    gain_high: Decimal
    price_low: Decimal
    price_high: Decimal
    co2e_kg_per_day: float


def _line(rates: Iterable[Rate]) -> tuple[float, float]:
    chosen = tuple(rates)
    fixed = sum((rate.fixed.base for rate in chosen), ZERO)
    per_km = sum((rate.per_km.base for rate in chosen), ZERO)
    return float(fixed), float(per_km)


def _range(row: Coefficient) -> Range:
    return Range(row.low, row.value, row.high)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The coefficients of a giver's and a receiver's country on one day."""

    catalogue: Catalogue
    giver: str
    receiver: str
    day: date

    def rows(self, side: ValueSide, *keys: str) -> list[Coefficient]:
        """Return the rows of `keys` that exist for the country of a side."""
        country = self.giver if side is ValueSide.GIVER else self.receiver
        found = [self.catalogue.coefficient(key, country, self.day) for key in keys]
        return [row for row in found if row is not None]


def _rate(side: ValueSide, name: str, row: Coefficient, factor: Decimal) -> Rate:
    return Rate(
        side=side,
        name=name,
        fixed=_range(row).times(factor),
        data_kind=row.data_kind,
        source=row.source,
    )


def _haul(lookup: Lookup, mode: str, hauled: Decimal) -> Rate | None:
    giver = ValueSide.GIVER
    per_km = lookup.rows(giver, f"haul.{mode}")
    if not per_km:
        return None
    loading = lookup.rows(giver, f"loading.{mode}")
    return Rate(
        side=giver,
        name="haul",
        fixed=_range(loading[0]).times(-hauled) if loading else Range(),
        per_km=_range(per_km[0]).times(-hauled),
        data_kind=per_km[0].data_kind,
        source=per_km[0].source,
    )


def _giver_rates(lookup: Lookup, use: Use) -> list[Rate]:
    material, side = lookup.catalogue.materials[use.material], ValueSide.GIVER
    outlets = lookup.rows(side, f"outlet.{material.id}")
    if outlets:
        return [_rate(side, "present_outlet", row, Decimal(-1)) for row in outlets]
    if material.disposal_class is None:
        return []
    keys = (f"disposal_tax.{material.disposal_class}", f"disposal_cost.{material.disposal_class}")
    return [_rate(side, "avoided_disposal", row, Decimal(1)) for row in lookup.rows(side, *keys)]


def _treatment_rates(lookup: Lookup, treatment: Treatment | None) -> list[Rate]:
    if treatment is None:
        return []
    at_giver = treatment.at is TreatmentSite.GIVER
    side = ValueSide.GIVER if at_giver else ValueSide.RECEIVER
    rows = lookup.rows(side, f"treatment.{treatment.id}")
    return [_rate(side, "treatment", row, Decimal(-1)) for row in rows]


def _co2e(lookup: Lookup, use: Use, flows: tuple[Decimal, Decimal]) -> tuple[Decimal, Decimal]:
    replaced, hauled = flows
    material, side = lookup.catalogue.materials[use.material], ValueSide.GIVER
    fixed = sum(
        (row.value * replaced for row in lookup.rows(side, f"co2_avoided.{use.substitutes}")), ZERO
    )
    if material.disposal_class is not None and material.base_unit == "GRM":
        fixed += sum((row.value for row in lookup.rows(side, "co2_disposal")), ZERO)
    per_km = sum(
        (row.value * hauled for row in lookup.rows(side, f"co2_haul.{material.haul_mode}")), ZERO
    )
    return fixed, -per_km


def terms_of(lookup: Lookup, use: Use, treatment: Treatment | None) -> Terms | None:
    """Return the terms of a use, or None when the catalogue can't price it there and then."""
    yield_ratio = treatment.yield_ratio if treatment is not None else Decimal(1)
    at_giver = treatment is not None and treatment.at is TreatmentSite.GIVER
    hauled = yield_ratio if at_giver else Decimal(1)
    replaced = use.ratio * yield_ratio
    receiver = ValueSide.RECEIVER
    purchase = lookup.rows(receiver, f"purchase.{use.substitutes}")
    haul = _haul(lookup, lookup.catalogue.materials[use.material].haul_mode, hauled)
    circuity = lookup.rows(ValueSide.GIVER, "circuity")
    if not purchase or haul is None or not circuity:
        return None
    rates = [
        *_giver_rates(lookup, use),
        haul,
        _rate(receiver, "avoided_purchase", purchase[0], replaced),
        *_treatment_rates(lookup, treatment),
    ]
    fixed, per_km = _co2e(lookup, use, (replaced, hauled))
    if treatment is not None:
        steps = lookup.rows(receiver, f"co2_treatment.{treatment.id}")
        fixed -= sum((row.value for row in steps), ZERO)
    rates += [_carbon(row, fixed, per_km) for row in lookup.rows(receiver, "co2_price")]
    currency = purchase[0].currency
    if currency is None or any(row.currency not in {None, currency} for row in _money(lookup, use)):
        return None
    return Terms(
        rates=tuple(rates),
        currency=currency,
        price_year=purchase[0].price_year or lookup.day.year,
        delivered=hauled,
        circuity=circuity[0].value,
        co2e=(fixed, per_km),
    )


def _money(lookup: Lookup, use: Use) -> list[Coefficient]:
    mode = lookup.catalogue.materials[use.material].haul_mode
    return lookup.rows(ValueSide.GIVER, f"haul.{mode}")


def _carbon(row: Coefficient, fixed: Decimal, per_km: Decimal) -> Rate:
    tonne = Decimal(1000)
    return Rate(
        side=ValueSide.SHARED,
        name="carbon",
        fixed=_range(row).times(fixed / tonne),
        per_km=_range(row).times(per_km / tonne),
        data_kind=row.data_kind,
        source=row.source,
    )


def worth(terms: Terms, units_per_day: Decimal, km: Decimal) -> Worth:
    """Return the value of `units_per_day` (t, m3 or MJ handed over) over `km` of haul.

    The gains are those at the middle of the price interval, so both sides gain the same at base.
    """
    per_day = [(rate, rate.at(km).times(units_per_day)) for rate in terms.rates]
    giver = terms.side_value(ValueSide.GIVER, km)
    receiver = terms.side_value(ValueSide.RECEIVER, km)
    price_low, price_high = -giver / terms.delivered, receiver / terms.delivered
    gain = ((giver + receiver) / 2 * units_per_day).quantize(CENT)
    return Worth(
        parts=tuple(
            ValuePart(
                side=rate.side,
                name=rate.name,
                low=value.low.quantize(CENT),
                base=value.base.quantize(CENT),
                high=value.high.quantize(CENT),
                data_kind=rate.data_kind,
                source=rate.source,
            )
            for rate, value in per_day
        ),
        gain_giver=gain,
        gain_receiver=gain,
        gain_low=sum((value.low for _, value in per_day), ZERO).quantize(CENT),
        gain_high=sum((value.high for _, value in per_day), ZERO).quantize(CENT),
        price_low=price_low.quantize(CENT),
        price_high=price_high.quantize(CENT),
        co2e_kg_per_day=float((terms.co2e[0] + terms.co2e[1] * km) * units_per_day),
    )
