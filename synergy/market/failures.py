"""How what people accepted stands now, by the latest valid analysis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from schemas.events import Match, Position, Reason, Verdict
from synergy.catalogue import Catalogue
from synergy.lifecycle.match_states import COMMITTED
from synergy.market.quality import Assessment, assess, limits_at, valid_values
from synergy.market.reasons import Code
from synergy.market.series import Snapshot, need_series, pair_of, supply_series


def failures_of(
    snapshot: Snapshot, catalogue: Catalogue
) -> tuple[Mapping[UUID, Reason], frozenset[UUID]]:
    """Return for each committed match that fails now the first limit that is broken, and those that can't be judged.

    Whether one does that has no valid analysis, or a side that is silent, is not known.
    """
    supplies = {offer.series: offer for offer in snapshot.supplies}
    needs = {offer.series: offer for offer in snapshot.needs}
    found: dict[UUID, Reason] = {}
    unjudged: set[UUID] = set()
    for match in snapshot.matches:
        if match.state not in COMMITTED:
            continue
        pair = pair_of(match)
        supply, need = supplies.get(supply_series(pair)), needs.get(need_series(pair))
        standing = None
        if supply is not None and need is not None:
            country = need.facts.country
            standing = standing_of(match, supply.position, country, snapshot.time, catalogue)
        if standing is None or standing.verdict is Verdict.UNKNOWN:
            unjudged.add(match.id)
        elif standing.verdict is Verdict.FAILS:
            found[match.id] = _broken(match, standing)
    return found, frozenset(unjudged)


def standing_of(
    match: Match, supply: Position, country: str, time: datetime, catalogue: Catalogue
) -> Assessment | None:
    """Return how a match stands by the latest analyses of its supply; None for a use that is no longer known."""
    use = catalogue.uses.get(match.use)
    if use is None:
        return None
    units = {name: kind.unit for name, kind in catalogue.properties.items()}
    values = valid_values(supply.properties, units, time)
    treatment = catalogue.treatments.get(match.treatment or "")
    return assess(use, limits_at(use, country, time), values, treatment)


def _broken(match: Match, standing: Assessment) -> Reason:
    broken = standing.failed[0]
    return Reason(
        code=Code.QUALITY_FAILED,
        subject=broken.property,
        value=broken.value,
        limit=broken.limit,
        unit=broken.unit,
        text=match.use,
    )
