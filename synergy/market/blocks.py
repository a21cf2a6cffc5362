"""Groups the supplies and needs of one use that may deal at all, with their verdicts and terms.

Here fall out: receivers of another industry or without the permit for a hazardous material,
supplies that break a limit, treatments for which no unit stands at the site, uses without prices.
Treatment units and hazards are named among a facility's permits: `treatment:carbon_separation`,
`hazardous:100207`. A treatment that always belongs to a use comes with the works.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.events import FacilityFacts, QualityMargin, Reason, Verdict
from synergy.catalogue import Catalogue, Material, Treatment, TreatmentSite, TreatmentWhen, Use
from synergy.market.hindrances import Hindrances
from synergy.market.quality import Assessment, assess, limits_at, valid_values
from synergy.market.reasons import Code
from synergy.market.series import Offer, Snapshot
from synergy.market.value import Lookup, Terms, terms_of


@dataclass(frozen=True, slots=True)
class Block:
    """Supplies and needs of one use that share terms."""

    use: Use
    terms: Terms
    supplies: tuple[tuple[Offer, Assessment], ...]
    needs: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Parties:
    """Who could give and take for one use, and where reasons are noted."""

    use: Use
    treatment: Treatment | None
    supplies: Sequence[Offer]
    needs: Sequence[Offer]
    notes: Hindrances


def hazard_permit(material: Material) -> str | None:
    """Return the permit that a receiver needs, for example `hazardous:100207`, if any."""
    return f"hazardous:{material.ewc[0]}" if material.hazardous else None


def may_take(material: Material, facts: FacilityFacts) -> bool:
    """Whether a receiver holds a permit for one of the material's codes, where one is needed."""
    accepted = {f"hazardous:{code}" for code in material.ewc}
    return not material.hazardous or bool(accepted & _permits(facts))


def _permits(facts: FacilityFacts) -> set[str]:
    return {permit.replace(" ", "") for permit in facts.permits}


def _has_unit(offer: Offer, treatment: Treatment) -> bool:
    return f"treatment:{treatment.id}" in _permits(offer.facts)


def takes(catalogue: Catalogue, use: Use, need: Offer) -> bool:
    """Whether the industry of a need is one that the use is for."""
    return catalogue.industry_class(need.facts.industry) in use.receivers


def blocks_of(
    use: Use, snapshot: Snapshot, catalogue: Catalogue, notes: Hindrances
) -> Iterator[Block]:
    """Yield the blocks of a use in a fixed order; notes who falls out and why."""
    supplies = [offer for offer in snapshot.supplies if offer.series.material == use.material]
    needs = [
        offer
        for offer in snapshot.needs
        if offer.series.material in {use.substitutes, use.material} and takes(catalogue, use, offer)
    ]
    for offer in supplies if not needs else ():
        notes.note(offer.series, Reason(code=Code.NO_COUNTERPART, subject=use.substitutes))
    for offer in needs if not supplies else ():
        notes.note(offer.series, Reason(code=Code.NO_COUNTERPART, subject=use.material))
    if not supplies or not needs:
        return
    treatment = catalogue.treatments[use.treatment] if use.treatment is not None else None
    allowed = _with_permit(catalogue.materials[use.material], supplies, needs, notes)
    for country in sorted({need.facts.country for need in allowed}):
        takers = [need for need in allowed if need.facts.country == country]
        parties = Parties(use, treatment, supplies, takers, notes)
        yield from _blocks_of_country(parties, country, snapshot, catalogue)


def _with_permit(
    material: Material, supplies: Sequence[Offer], needs: Sequence[Offer], notes: Hindrances
) -> Sequence[Offer]:
    permit = hazard_permit(material)
    if permit is None:
        return needs
    allowed = [need for need in needs if may_take(material, need.facts)]
    for need in needs:
        if need not in allowed:
            reason = Reason(code=Code.PERMIT_MISSING, subject=need.series.facility, text=permit)
            notes.note(need.series, reason)
    for supply in supplies if not allowed else ():
        notes.note(supply.series, Reason(code=Code.PERMIT_MISSING, text=permit))
    return allowed


def _failed(use: Use, margin: QualityMargin) -> Reason:
    return Reason(
        code=Code.LIMIT_FAILED,
        subject=margin.property,
        value=margin.value,
        limit=margin.limit,
        unit=margin.unit,
        text=use.id,
    )


def _blocks_of_country(
    parties: Parties, country: str, snapshot: Snapshot, catalogue: Catalogue
) -> Iterator[Block]:
    use = parties.use
    units = {name: kind.unit for name, kind in catalogue.properties.items()}
    limits = limits_at(use, country, snapshot.time)
    groups: dict[tuple[str, str], list[tuple[Offer, Assessment]]] = {}
    broken: list[tuple[Offer, Reason]] = []
    for supply in parties.supplies:
        values = valid_values(supply.position.properties, units, snapshot.time)
        found = assess(use, limits, values, parties.treatment)
        if not _possible(parties, supply, found):
            plain = assess(use, limits, values, None)
            broken += [(supply, _failed(use, margin)) for margin in plain.failed or found.failed]
            continue
        step = found.treatment.id if found.treatment is not None else ""
        groups.setdefault((supply.facts.country, step), []).append((supply, found))
    for supply, reason in broken:
        for offer in (supply, *(parties.needs if not groups else ())):
            parties.notes.note(offer.series, reason)
    for (giver_country, _), givers in sorted(groups.items(), key=lambda item: item[0]):
        takers = _takers(parties, givers[0][1])
        lookup = Lookup(catalogue, giver_country, country, snapshot.time.date())
        terms = terms_of(lookup, use, givers[0][1].treatment)
        if terms is not None:
            yield Block(use, terms, tuple(givers), takers)
            continue
        for offer in (*(giver for giver, _ in givers), *takers):
            parties.notes.note(offer.series, Reason(code=Code.NO_PRICE, text=use.id))


def _optional_at_receiver(parties: Parties, found: Assessment) -> Treatment | None:
    treatment = found.treatment
    if treatment is None or parties.use.treatment_when is not TreatmentWhen.WHEN_FAILING:
        return None
    return treatment if treatment.at is TreatmentSite.RECEIVER else None


def _takers(parties: Parties, found: Assessment) -> tuple[Offer, ...]:
    treatment = _optional_at_receiver(parties, found)
    if treatment is None:
        return tuple(parties.needs)
    return tuple(need for need in parties.needs if _has_unit(need, treatment))


def _possible(parties: Parties, supply: Offer, found: Assessment) -> bool:
    """Whether the verdict allows a proposal and the treatment it rests on stands somewhere."""
    if found.verdict is Verdict.FAILS:
        return False
    treatment = found.treatment
    if treatment is None or parties.use.treatment_when is TreatmentWhen.ALWAYS:
        return True
    at_giver = treatment.at is TreatmentSite.GIVER
    present = _has_unit(supply, treatment) if at_giver else bool(_takers(parties, found))
    if not present:
        reason = Reason(code=Code.TREATMENT_WOULD_HELP, subject=treatment.id, text=parties.use.id)
        parties.notes.note(supply.series, reason)
    return present
