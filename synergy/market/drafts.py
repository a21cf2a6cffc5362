"""What a match says about an allocation: value, quality margins, reasons, sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Final
from uuid import UUID

from schemas.events import DataKind, Match, MatchState, Provenance, Reason
from synergy.catalogue import Catalogue
from synergy.market.allocate import Allocation, Binding, Solved
from synergy.market.blocks import hazard_permit
from synergy.market.candidates import Edge, reach_km
from synergy.market.distance import METHOD
from synergy.market.program import RowKind
from synergy.market.reasons import Code
from synergy.market.series import Offer, Pair, Series, Snapshot
from synergy.market.value import worth

UNNUMBERED: Final = UUID(int=0)
FULL_HISTORY_DAYS: Final = 28
MOST_FLAGS, MOST_OF_A_FLAG = 6, 200
"""What a match names of the flags of each side: a source may send thousands, and a match has to fit its topic."""
CERTAINTY: Final = (DataKind.MEASURED, DataKind.ESTIMATED, DataKind.ASSUMED, DataKind.SIMULATED)

BINDING_CODES: Final = {
    RowKind.SUPPLY: Code.BINDING_SUPPLY,
    RowKind.NEED: Code.BINDING_NEED,
    RowKind.SHARE: Code.BINDING_SHARE_CAP,
    RowKind.BLEND: Code.BINDING_BLEND,
    RowKind.BLEND_LIMIT: Code.BINDING_BLEND_LIMIT,
    RowKind.TREATMENT: Code.BINDING_TREATMENT,
}


@dataclass(frozen=True, slots=True)
class Rivals:
    """The edges of each series, best first: what else could have been done."""

    of_supply: Mapping[Series, Sequence[Edge]]
    of_need: Mapping[Series, Sequence[Edge]]


def rivals_of(edges: Iterable[Edge]) -> Rivals:
    """Group edges by series, best value first, then by pair."""
    supply: dict[Series, list[Edge]] = {}
    need: dict[Series, list[Edge]] = {}
    for edge in sorted(edges, key=lambda item: (-item.value, item.pair)):
        supply.setdefault(edge.supply.series, []).append(edge)
        need.setdefault(edge.need.series, []).append(edge)
    return Rivals(supply, need)


class Drafter:
    """Drafts the matches of a solve on demand: most allocations are as before and need none.

    Attributes:
        catalogue: the catalogue of the solve.
    """

    def __init__(self, snapshot: Snapshot, solved: Solved, catalogue: Catalogue) -> None:
        self._snapshot = snapshot
        self._solved = solved
        self.catalogue = catalogue
        self._drafts: dict[Pair, Match] = {}

    @cached_property
    def _rivals(self) -> Rivals:
        return rivals_of(self._solved.edges)

    def draft(self, pair: Pair) -> Match:
        """Return the match of an allocation without id, revision and history (id zero)."""
        if pair not in self._drafts:
            allocation = self._solved.allocations[pair]
            made = _draft(self._snapshot, allocation, self.catalogue, self._rivals)
            failed = self._solved.hindrances.of(allocation.edge.supply.series, Code.LIMIT_FAILED)
            self._drafts[pair] = replace(made, reasons=(*made.reasons, *failed))
        return self._drafts[pair]


def shown_km(edge: Edge) -> float:
    """Return the haul distance as it is published and valued: to the metre."""
    return round(edge.km, 3)


def _draft(
    snapshot: Snapshot, allocation: Allocation, catalogue: Catalogue, rivals: Rivals
) -> Match:
    edge = allocation.edge
    unit = catalogue.materials[edge.use.material].trade_unit
    km = Decimal(repr(shown_km(edge)))
    value = worth(edge.terms, Decimal(allocation.quantity) / unit.per_unit, km)
    kinds = {edge.supply.position.data_kind, edge.need.position.data_kind}
    return Match(
        id=UNNUMBERED,
        programme=snapshot.programme,
        market=f"{snapshot.market}@{catalogue.version}",
        revision=0,
        state=MatchState.PROPOSED,
        giver=edge.pair.giver,
        receiver=edge.pair.receiver,
        material=edge.pair.material,
        use=edge.pair.use,
        need=edge.pair.need,
        treatment=edge.pair.treatment or None,
        unit=edge.supply.position.unit,
        quantity_per_day=allocation.quantity,
        firm_per_day=allocation.firm,
        interruptible_per_day=allocation.quantity - allocation.firm,
        distance_km=shown_km(edge),
        distance_method=METHOD,
        verdict=edge.assessment.verdict,
        margins=edge.assessment.margins,
        value=value.parts,
        gain_giver=value.gain_giver,
        gain_receiver=value.gain_receiver,
        gain_low=value.gain_low,
        gain_high=value.gain_high,
        price_low=value.price_low,
        price_high=value.price_high,
        currency=edge.terms.currency,
        price_year=edge.terms.price_year,
        co2e_kg_per_day=value.co2e_kg_per_day,
        data_kind=max(kinds, key=CERTAINTY.index),
        reasons=_reasons(snapshot, allocation, catalogue, rivals),
        supply_position=edge.supply.at,
        need_position=edge.need.at,
        sources=(edge.supply.position.latest, edge.need.position.latest),
        programme_time=snapshot.time,
    )


def _reasons(
    snapshot: Snapshot, allocation: Allocation, catalogue: Catalogue, rivals: Rivals
) -> tuple[Reason, ...]:
    edge = allocation.edge
    unit = catalogue.materials[edge.use.material].trade_unit.name
    money = f"{edge.terms.currency}/{unit}"
    found = [
        Reason(code=Code.SUBSTITUTES, subject=edge.use.substitutes, value=float(edge.use.ratio)),
        Reason(
            code=Code.HAUL_REACH,
            value=round(edge.km, 1),
            limit=round(reach_km(edge.terms), 1),
            unit="km",
        ),
    ]
    if edge.assessment.treatment is not None:
        found.append(Reason(code=Code.TREATED, subject=edge.assessment.treatment.id))
    found += [
        Reason(code=Code.SAMPLE_NEEDED, subject=m.property, limit=m.limit, unit=m.unit)
        for m in edge.assessment.missing
    ]
    if not edge.assessment.margins:
        found.append(Reason(code=Code.NO_LIMITS, subject=edge.use.id))
    permit = hazard_permit(catalogue.materials[edge.use.material])
    if permit is not None:
        found.append(Reason(code=Code.PERMIT_HELD, subject=permit))
    found += [_binding(binding, money) for binding in allocation.bindings]
    found += _alternatives(snapshot, edge, rivals, money)
    return (*found, *_evidence(edge.supply), *_evidence(edge.need))


def _binding(binding: Binding, money: str) -> Reason:
    shown = binding.kind not in {RowKind.SUPPLY, RowKind.NEED}
    return Reason(
        code=BINDING_CODES[binding.kind],
        subject=binding.subject if shown else None,
        value=round(binding.worth, 4),
        limit=binding.limit if shown else None,
        unit=money,
    )


def _alternatives(snapshot: Snapshot, edge: Edge, rivals: Rivals, money: str) -> list[Reason]:
    most = snapshot.policy.alternatives
    receivers = [e for e in rivals.of_supply[edge.supply.series] if e.pair != edge.pair]
    givers = [e for e in rivals.of_need[edge.need.series] if e.pair != edge.pair]
    return [
        *(
            _alternative(Code.ALTERNATIVE_RECEIVER, other.pair.receiver, other, money)
            for other in receivers[:most]
        ),
        *(
            _alternative(Code.ALTERNATIVE_GIVER, other.pair.giver, other, money)
            for other in givers[:most]
        ),
    ]


def _alternative(code: Code, facility: str, edge: Edge, money: str) -> Reason:
    return Reason(
        code=code, subject=facility, value=round(edge.gain, 4), unit=money, text=edge.use.id
    )


def _evidence(offer: Offer) -> list[Reason]:
    """Return what a reader should know of the facts and readings behind one side."""
    facility, position = offer.series.facility, offer.position
    found = [
        Reason(code=Code.FLAGGED, subject=facility, text=flag[:MOST_OF_A_FLAG])
        for flag in position.flags[:MOST_FLAGS]
    ]
    if unnamed := len(position.flags) - len(found):
        found.append(Reason(code=Code.FLAGGED_MORE, subject=facility, value=float(unnamed)))
    planned = position.plan_per_day is not None
    if position.days_seen < FULL_HISTORY_DAYS and not planned:
        days = float(position.days_seen)
        found.append(Reason(code=Code.SHORT_HISTORY, subject=facility, value=days))
    if offer.facts.provenance is Provenance.SAMPLE:
        source = offer.facts.source
        found.append(Reason(code=Code.SAMPLE_FACILITY, subject=facility, text=source))
    return found
