"""The quality verdict of a supply for a use: every limit against the latest valid analysis.

`MEETS` when all limits hold, `FAILS` when one is broken, `UNKNOWN` when one has no valid analysis.
A treatment that the use allows changes the properties it names; it is taken when it always belongs
to the use, or when it mends what fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.events import Property, QualityMargin, Relation, Verdict
from synergy.catalogue import QualityLimit, Treatment, TreatmentWhen, Use

PERCENT: Final = "%"
LEAST_PERCENT, MOST_PERCENT = -10.0, 200.0
"""A slag may gain weight on ignition, and the moisture of a sludge, on its dry mass, may be more than all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The verdict with its margins, and the treatment that it rests on."""

    verdict: Verdict
    margins: tuple[QualityMargin, ...] = ()
    treatment: Treatment | None = None

    @property
    def failed(self) -> tuple[QualityMargin, ...]:
        """The limits that are broken."""
        return tuple(margin for margin in self.margins if margin_verdict(margin) is Verdict.FAILS)

    @property
    def missing(self) -> tuple[QualityMargin, ...]:
        """The limits for which a sample is needed."""
        return tuple(margin for margin in self.margins if margin.value is None)


def margin_verdict(margin: QualityMargin) -> Verdict:
    """Return the verdict of one limit. A value that equals the limit meets it."""
    if margin.value is None:
        return Verdict.UNKNOWN
    within = (
        margin.value <= margin.limit
        if margin.relation is Relation.AT_MOST
        else margin.value >= margin.limit
    )
    return Verdict.MEETS if within else Verdict.FAILS


def valid_values(
    properties: Iterable[Property], units: Mapping[str, str], at: datetime
) -> dict[str, float]:
    """Return the values of the analyses that hold at `at`, in the catalogue's units.

    An analysis of a later sample, one that has expired, one in another unit, and a percentage that
    none can be (some instruments send -999 for nothing) say nothing. Of several the latest sample counts.
    """
    dated = sorted(
        properties, key=lambda item: (item.sampled_at is not None, item.sampled_at or at)
    )
    return {
        item.name: item.value
        for item in dated
        if item.unit == units.get(item.name)
        and _may_be(item)
        and (item.sampled_at is None or item.sampled_at <= at)
        and (item.valid_until is None or at < item.valid_until)
    }


def _may_be(item: Property) -> bool:
    return item.unit != PERCENT or LEAST_PERCENT <= item.value <= MOST_PERCENT


def _margins(
    limits: Iterable[QualityLimit], values: Mapping[str, float]
) -> tuple[QualityMargin, ...]:
    return tuple(
        QualityMargin(
            property=limit.property,
            limit=limit.limit,
            relation=limit.relation,
            value=values.get(limit.property),
            unit=limit.unit,
            source=limit.source,
        )
        for limit in limits
    )


def _verdict(margins: Iterable[QualityMargin]) -> Verdict:
    verdicts = {margin_verdict(margin) for margin in margins}
    for worst in (Verdict.FAILS, Verdict.UNKNOWN):
        if worst in verdicts:
            return worst
    return Verdict.MEETS


def limits_at(use: Use, country: str, at: datetime) -> tuple[QualityLimit, ...]:
    """Return the limits of a use that hold in a country at a time; its own beat general ones."""
    day = at.date()
    valid = [limit for limit in use.limits if limit.validity.holds(day)]
    own = {limit.property for limit in valid if limit.country == country}
    return tuple(
        limit
        for limit in valid
        if limit.country == country or (limit.country is None and limit.property not in own)
    )


def assess(
    use: Use,
    limits: Iterable[QualityLimit],
    values: Mapping[str, float],
    treatment: Treatment | None,
) -> Assessment:
    """Return the verdict of analysed `values` under `limits`; `treatment` is the use's, if any."""
    limits = tuple(limits)
    margins = _margins(limits, values)
    plain = Assessment(verdict=_verdict(margins), margins=margins)
    if treatment is None:
        return plain
    if use.treatment_when is TreatmentWhen.WHEN_FAILING and plain.verdict is not Verdict.FAILS:
        return plain
    treated_margins = _margins(limits, {**values, **dict(treatment.changes)})
    treated = _verdict(treated_margins)
    if use.treatment_when is TreatmentWhen.WHEN_FAILING and treated is Verdict.FAILS:
        return plain
    return Assessment(verdict=treated, margins=treated_margins, treatment=treatment)
