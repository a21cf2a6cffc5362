"""What is agreed and no longer meets the limits of its use, by the latest valid analysis."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from schemas.events import Match, Reason, Verdict
from synergy.catalogue import Catalogue
from synergy.lifecycle.match_states import COMMITTED
from synergy.market.quality import assess, limits_at, valid_values
from synergy.market.reasons import Code
from synergy.market.series import Offer, Snapshot, need_series, pair_of, supply_series


def failures_of(snapshot: Snapshot, catalogue: Catalogue) -> Mapping[UUID, Reason]:
    """Return for each committed match that fails now the first limit that is broken."""
    supplies = {offer.series: offer for offer in snapshot.supplies}
    needs = {offer.series: offer for offer in snapshot.needs}
    found: dict[UUID, Reason] = {}
    for match in snapshot.matches:
        pair = pair_of(match)
        supply, need = supplies.get(supply_series(pair)), needs.get(need_series(pair))
        if match.state in COMMITTED and supply is not None and need is not None:
            reason = _failure(snapshot, catalogue, match, (supply, need))
            if reason is not None:
                found[match.id] = reason
    return found


def _failure(
    snapshot: Snapshot, catalogue: Catalogue, match: Match, offers: tuple[Offer, Offer]
) -> Reason | None:
    use = catalogue.uses.get(match.use)
    if use is None:
        return None
    supply, need = offers
    units = {name: kind.unit for name, kind in catalogue.properties.items()}
    values = valid_values(supply.position.properties, units, snapshot.time)
    limits = limits_at(use, need.facts.country, snapshot.time)
    treatment = catalogue.treatments.get(match.treatment or "")
    assessment = assess(use, limits, values, treatment)
    if assessment.verdict is not Verdict.FAILS:
        return None
    broken = assessment.failed[0]
    return Reason(
        code=Code.QUALITY_FAILED,
        subject=broken.property,
        value=broken.value,
        limit=broken.limit,
        unit=broken.unit,
        text=match.use,
    )
