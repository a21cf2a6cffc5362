"""The rows of a market's programme, from edges and what is already committed.

A blend of need N in which quantities x_e replace r_e x_e of the feedstock has the size
`N + sum((1 - r_e) x_e)`; a share of at most c means `sum((1 - c (1 - r_e)) x_e) <= c N`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from schemas.events import Match
from synergy.catalogue import BlendLimit, Catalogue, Treatment, TreatmentSite, Use
from synergy.lifecycle.match_states import COMMITTED
from synergy.market.candidates import Edge
from synergy.market.program import SCALE, Row, RowKind
from synergy.market.quality import valid_values
from synergy.market.series import Offer, Series, Snapshot, need_series, pair_of, supply_series

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Flow:
    """One way a quantity takes, free (an edge, by its number) or committed (a quantity)."""

    use: Use
    treatment: Treatment | None
    supply: Series
    need: Series
    edge: int | None
    quantity: int
    properties: Mapping[str, float]

    @property
    def arrives(self) -> Decimal:
        """What goes into the blend per unit handed over."""
        return self.treatment.yield_ratio if self.treatment is not None else ONE

    @property
    def replaces(self) -> Decimal:
        """What is no longer needed per unit handed over."""
        direct = self.need.material == self.use.material
        return self.arrives if direct else self.arrives * self.use.ratio

    @property
    def blended(self) -> bool:
        """Whether shares apply: a receiver that asks for the by-product has set its own share."""
        return self.need.material != self.use.material

    @property
    def treatment_site(self) -> str:
        """The facility at which the treatment unit stands."""
        at_giver = self.treatment is not None and self.treatment.at is TreatmentSite.GIVER
        return self.supply.facility if at_giver else self.need.facility

    def share_weight(self, cap: Decimal) -> Decimal:
        """Return the coefficient of a share cap."""
        return self.arrives * (ONE - cap * (ONE - self.use.ratio))


def scaled(value: Decimal) -> int:
    """Return a coefficient as a whole number of `SCALE`.

    >>> scaled(Decimal("0.25"))
    250000000000
    """
    return int((value * SCALE).to_integral_value())


def rows_of(snapshot: Snapshot, edges: Sequence[Edge], catalogue: Catalogue) -> list[Row]:
    """Return all rows, in an order that does not depend on the order of input."""
    units = {name: kind.unit for name, kind in catalogue.properties.items()}
    values = {
        offer.series: valid_values(offer.position.properties, units, snapshot.time)
        for offer in snapshot.supplies
    }
    flows = [
        *(_free(number, edge, values) for number, edge in enumerate(edges)),
        *(
            _committed(match, catalogue, values)
            for match in snapshot.matches
            if match.state in COMMITTED and match.use in catalogue.uses
        ),
    ]
    return [
        *_series_rows(snapshot.supplies, flows, RowKind.SUPPLY),
        *_series_rows(snapshot.needs, flows, RowKind.NEED),
        *_share_rows(snapshot.needs, flows),
        *_blend_rows(snapshot, flows, catalogue),
        *_treatment_rows(flows),
    ]


def _free(number: int, edge: Edge, values: Mapping[Series, Mapping[str, float]]) -> Flow:
    supply = edge.supply.series
    treatment = edge.assessment.treatment
    return Flow(edge.use, treatment, supply, edge.need.series, number, 0, values[supply])


def _committed(
    match: Match, catalogue: Catalogue, values: Mapping[Series, Mapping[str, float]]
) -> Flow:
    pair = pair_of(match)
    supply = supply_series(pair)
    treatment = catalogue.treatments.get(pair.treatment)
    use, quantity = catalogue.uses[pair.use], match.quantity_per_day
    return Flow(use, treatment, supply, need_series(pair), None, quantity, values.get(supply, {}))


def _row(
    kind: RowKind, subject: str, upper: int, weighted: Iterable[tuple[Flow, int]], limit: float
) -> Row:
    """Return a row in which what is committed is taken off the upper bound, never below zero."""
    entries: list[tuple[int, int]] = []
    for flow, factor in weighted:
        if flow.edge is None:
            upper -= flow.quantity * factor
        else:
            entries.append((flow.edge, factor))
    return Row(kind=kind, subject=subject, upper=max(upper, 0), entries=tuple(entries), limit=limit)


def _grouped(flows: Iterable[Flow], *, by_need: bool) -> dict[Series, list[Flow]]:
    groups: dict[Series, list[Flow]] = {}
    for flow in flows:
        groups.setdefault(flow.need if by_need else flow.supply, []).append(flow)
    return groups


def _series_rows(offers: Sequence[Offer], flows: Sequence[Flow], kind: RowKind) -> list[Row]:
    groups = _grouped(flows, by_need=kind is RowKind.NEED)
    return [
        _row(
            kind,
            offer.series.facility,
            offer.quantity * SCALE,
            [
                (flow, scaled(flow.replaces) if kind is RowKind.NEED else SCALE)
                for flow in groups[offer.series]
            ],
            float(offer.quantity),
        )
        for offer in offers
        if offer.series in groups
    ]


def _share_rows(needs: Sequence[Offer], flows: Sequence[Flow]) -> list[Row]:
    groups = _grouped((flow for flow in flows if flow.blended), by_need=True)
    rows: list[Row] = []
    for need in needs:
        served = groups.get(need.series, [])
        for use in sorted({flow.use.id: flow.use for flow in served}.values(), key=lambda u: u.id):
            if use.share_cap < ONE:
                cap = use.share_cap
                weighted = [(f, scaled(f.share_weight(cap))) for f in served if f.use.id == use.id]
                upper = need.quantity * scaled(cap)
                rows.append(_row(RowKind.SHARE, use.id, upper, weighted, float(cap)))
    return rows


def _blend_rows(snapshot: Snapshot, flows: Sequence[Flow], catalogue: Catalogue) -> list[Row]:
    groups = _grouped((flow for flow in flows if flow.blended and flow.use.blend), by_need=True)
    rows: list[Row] = []
    for need in snapshot.needs:
        served = groups.get(need.series, [])
        for name in sorted({flow.use.blend for flow in served if flow.use.blend is not None}):
            blend = catalogue.blends[name]
            inside = [flow for flow in served if flow.use.blend == name]
            weighted = [(flow, scaled(flow.share_weight(blend.share_cap))) for flow in inside]
            upper = need.quantity * scaled(blend.share_cap)
            rows.append(_row(RowKind.BLEND, name, upper, weighted, float(blend.share_cap)))
            rows += [
                _limit_row(limit, inside)
                for limit in blend.limits
                if limit.validity.holds(snapshot.time.date())
            ]
    return rows


def _limit_row(limit: BlendLimit, flows: Iterable[Flow]) -> Row:
    def above(flow: Flow) -> int:
        value = flow.properties.get(limit.property, limit.when_unknown)
        return round((value - limit.limit) * float(flow.arrives) * SCALE)

    weighted = [(flow, above(flow)) for flow in flows]
    return _row(RowKind.BLEND_LIMIT, limit.property, 0, weighted, limit.limit)


def _treatment_rows(flows: Sequence[Flow]) -> list[Row]:
    groups: dict[tuple[str, str], list[Flow]] = {}
    for flow in flows:
        if flow.treatment is not None:
            groups.setdefault((flow.treatment.id, flow.treatment_site), []).append(flow)
    rows: list[Row] = []
    for (name, _), passing in sorted(groups.items()):
        unit = passing[0].treatment
        if unit is not None:
            weighted = [(flow, SCALE) for flow in passing]
            capacity = unit.capacity_per_day
            rows.append(_row(RowKind.TREATMENT, name, capacity * SCALE, weighted, float(capacity)))
    return rows
