"""Which supplies could serve which needs: the edges of one market, and why others are none.

Distances and values are computed for all pairs of a block at once; no radius is fixed. A pair is an
edge when there is a price at which both sides gain and the value with carbon is positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from schemas.events import Reason
from synergy.catalogue import Catalogue, Use
from synergy.market.blocks import Block, blocks_of, takes
from synergy.market.distance import great_circle_km
from synergy.market.hindrances import Hindrances
from synergy.market.policy import Policy
from synergy.market.quality import Assessment
from synergy.market.reasons import Code
from synergy.market.series import Offer, Pair, Snapshot
from synergy.market.value import Terms

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One supply that could serve one need through one use.

    `gain` is the cash value and `value` the value with carbon, both per trade unit handed over;
    `km` is the haul distance.
    """

    pair: Pair
    supply: Offer
    need: Offer
    use: Use
    assessment: Assessment
    terms: Terms
    km: float
    gain: float
    value: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """Matrices over the supplies (rows) and needs (columns) of a block."""

    km: Floats
    gain: Floats
    value: Floats
    good: Mask


def find_edges(snapshot: Snapshot, catalogue: Catalogue) -> tuple[list[Edge], Hindrances]:
    """Return the edges of the market in the order of their pairs, and the hindrances found."""
    notes = Hindrances()
    day = snapshot.time.date()
    for offer in snapshot.supplies:
        if not any(use.validity.holds(day) for use in catalogue.uses_of(offer.series.material)):
            reason = Reason(code=Code.NO_USE_KNOWN, subject=offer.series.material)
            notes.note(offer.series, reason)
    for offer in snapshot.needs:
        uses = [u for u in catalogue.uses_for(offer.series.material) if u.validity.holds(day)]
        if not any(takes(catalogue, use, offer) for use in uses):
            subject = offer.facts.industry if uses else offer.series.material
            notes.note(offer.series, Reason(code=Code.NO_USE_KNOWN, subject=subject))
    blocks = [
        block
        for use in sorted(catalogue.uses.values(), key=lambda item: item.id)
        if use.validity.holds(day) and catalogue.market_of(use.material) == snapshot.market
        for block in blocks_of(use, snapshot, catalogue, notes)
    ]
    most = edges_per_series(blocks, snapshot.policy)
    edges = [edge for block in blocks for edge in _edges_of(block, most, notes)]
    return sorted(edges, key=lambda edge: edge.pair), notes


def edges_per_series(blocks: Sequence[Block], policy: Policy) -> int:
    """Return how many pairs each series of a block may keep: all while that is affordable."""
    sizes = [(len(block.supplies), len(block.needs)) for block in blocks]
    if sum(rows * columns for rows, columns in sizes) <= policy.most_edges:
        return max((max(size) for size in sizes), default=0)
    series = sum(rows + columns for rows, columns in sizes)
    return max(policy.most_edges // series, policy.least_edges)


def _places(offers: Sequence[Offer]) -> Floats:
    return np.array([(o.facts.latitude, o.facts.longitude) for o in offers], dtype=np.float64)


def _excluded(block: Block, notes: Hindrances) -> Mask:
    """Return which pairs may not deal: the same facility, or one blocks the other."""
    columns: dict[str, list[int]] = {}
    for column, need in enumerate(block.needs):
        columns.setdefault(need.series.facility, []).append(column)
    blocking = [(c, need) for c, need in enumerate(block.needs) if need.facts.blocked]
    mask = np.zeros((len(block.supplies), len(block.needs)), dtype=np.bool_)
    for row, (supply, _) in enumerate(block.supplies):
        giver = supply.series.facility
        mask[row, columns.get(giver, [])] = True
        blocked = [c for name in supply.facts.blocked for c in columns.get(name, [])]
        blocked += [column for column, need in blocking if giver in need.facts.blocked]
        mask[row, blocked] = True
        for column in blocked:
            need = block.needs[column]
            notes.note(supply.series, Reason(code=Code.BLOCKED, subject=need.series.facility))
            notes.note(need.series, Reason(code=Code.BLOCKED, subject=giver))
    return mask


def _pairs(block: Block, notes: Hindrances) -> Pairs:
    here = _places([supply for supply, _ in block.supplies])
    km = great_circle_km(here, _places(block.needs)) * float(block.terms.circuity)
    fixed, per_km = block.terms.cash()
    gain = fixed + per_km * km
    total_fixed, total_per_km = block.terms.total()
    value = total_fixed + total_per_km * km
    excluded = _excluded(block, notes)
    good: Mask = (gain > 0) & (value > 0) & ~excluded
    return Pairs(np.where(excluded, np.inf, km), gain, value, good)


def _edges_of(block: Block, most: int, notes: Hindrances) -> Iterator[Edge]:
    pairs = _pairs(block, notes)
    _note_nearest(block, [supply for supply, _ in block.supplies], pairs.km, pairs.good, notes)
    _note_nearest(block, block.needs, pairs.km.T, pairs.good.T, notes)
    kept = np.argwhere(_best(pairs.value, pairs.good, most))
    for row, column in cast("list[tuple[int, int]]", kept.tolist()):
        supply, assessment = block.supplies[row]
        need = block.needs[column]
        yield Edge(
            pair=Pair(
                giver=supply.series.facility,
                material=supply.series.material,
                receiver=need.series.facility,
                need=need.series.material,
                use=block.use.id,
                treatment=assessment.treatment.id if assessment.treatment is not None else "",
            ),
            supply=supply,
            need=need,
            use=block.use,
            assessment=assessment,
            terms=block.terms,
            km=float(pairs.km[row, column]),
            gain=float(pairs.gain[row, column]),
            value=float(pairs.value[row, column]),
        )


def _best(value: Floats, good: Mask, most: int) -> Mask:
    """Return the good pairs that are among the `most` best of their row or of their column.

    Pairs as good as the last of these are kept too: the choice does not depend on their order.
    """
    ranked = np.where(good, -value, np.inf)
    kept = np.zeros_like(good)
    for axis in (0, 1):
        if good.shape[axis] <= most:
            return good
        last = np.take(np.partition(ranked, most - 1, axis=axis), [most - 1], axis=axis)
        kept |= ranked <= last
    return kept & good


def _note_nearest(
    block: Block, offers: Sequence[Offer], km: Floats, good: Mask, notes: Hindrances
) -> None:
    """Note for each series without a good pair how far away the nearest is."""
    for number, offer in enumerate(offers):
        distance = float(km[number].min())
        if not bool(good[number].any()) and np.isfinite(distance):
            notes.note(offer.series, _value_reason(block, distance))


def reach_km(terms: Terms) -> float:
    """Return the haul distance at which the gain is zero; 0 when there is none even next door."""
    fixed, per_km = terms.cash()
    return max(-fixed / per_km, 0.0) if per_km < 0 else 0.0


def _value_reason(block: Block, km: float) -> Reason:
    reach = reach_km(block.terms)
    if reach > 0:
        return Reason(
            code=Code.TOO_FAR,
            value=round(km, 1),
            limit=round(reach, 1),
            unit="km",
            text=block.use.id,
        )
    fixed, per_km = block.terms.cash()
    return Reason(
        code=Code.NO_GAIN,
        value=round(fixed + per_km * km, 4),
        unit=block.terms.currency,
        text=block.use.id,
    )
