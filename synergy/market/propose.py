"""The difference between what was proposed and what a solve found: the only thing the solver says.

A revision is published when something changed beyond the deadband, or when the old quantity would
exceed what is offered now: the deadband never promises more than there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid5

from schemas.events import Direction, Match, MatchState, Reason, Unmatched
from synergy.catalogue import Catalogue
from synergy.lifecycle.match_states import COMMITTED, FREE
from synergy.market.allocate import Allocation, Solved, allocate
from synergy.market.deadband import differs
from synergy.market.drafts import Drafter, shown_km
from synergy.market.failures import failures_of
from synergy.market.hindrances import telling
from synergy.market.program import RowKind, holds
from synergy.market.reasons import Code
from synergy.market.series import (
    Pair,
    PairMemory,
    Series,
    Snapshot,
    need_series,
    pair_of,
    supply_series,
)
from synergy.market.unmatched import unmatched_of

# The name space of proposal ids: fixed for ever, so that a replay gives the same ids.
NAMESPACE: Final = UUID("6f0b8a52-8f3c-5d0e-9c1b-6d1d8f1f6c4e")
MOST_OF_AN_ERROR: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveResult:
    """What a job found. `matches` are new versions, to be published as they are.

    `failures` are committed matches that break a limit now; `unjudged` are those of which nothing says whether they do.
    """

    programme: str
    market: str
    token: int
    version: int
    optimal: bool
    matches: tuple[Match, ...] = ()
    pairs: Mapping[Pair, PairMemory]
    unmatched: tuple[Unmatched, ...] = ()
    shortfalls: Mapping[Series, tuple[int, int]]
    failures: Mapping[UUID, Reason]
    unjudged: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedSolve:
    """A job that raised: a fault of the program or of the catalogue, told as an alert of the market."""

    programme: str
    market: str
    token: int
    version: int
    error: str


def try_to_solve(snapshot: Snapshot, catalogue: Catalogue) -> SolveResult | FailedSolve:
    """Solve one market; one that can't be solved must not stop the others of its partition."""
    try:
        return solve_market(snapshot, catalogue)
    except Exception as error:
        return FailedSolve(
            programme=snapshot.programme,
            market=snapshot.market,
            token=snapshot.token,
            version=snapshot.version,
            error=f"{type(error).__name__}: {error}"[:MOST_OF_AN_ERROR],
        )


def proposal_id(programme: str, pair: Pair, number: int) -> UUID:
    """Return the id of the n-th proposal of a pair."""
    supply = (pair.giver, pair.material, Direction.SUPPLY.value)
    need = (pair.receiver, pair.need, Direction.DEMAND.value)
    parts = (programme, supply, need, pair.treatment or None, pair.use, number)
    return uuid5(NAMESPACE, json.dumps(parts))


def solve_market(snapshot: Snapshot, catalogue: Catalogue) -> SolveResult:
    """Solve one market and compare with what is open. Pure: may run in any thread."""
    solved = allocate(snapshot, catalogue)
    shortfalls, (failures, unjudged) = _shortfalls(snapshot), failures_of(snapshot, catalogue)
    if not solved.optimal:
        return SolveResult(
            programme=snapshot.programme,
            market=snapshot.market,
            token=snapshot.token,
            version=snapshot.version,
            optimal=False,
            pairs={},
            shortfalls=shortfalls,
            failures=failures,
            unjudged=unjudged,
        )
    drafter = Drafter(snapshot, solved, catalogue)
    current = {pair_of(match): match for match in snapshot.matches if match.state in FREE}
    revised = _revised(snapshot, solved, drafter, current)
    fresh = sorted(pair for pair in solved.allocations if pair not in current)
    gone = sorted(pair for pair in current if pair not in solved.allocations)
    pairs = {pair: counted(snapshot.pairs.get(pair)) for pair in fresh}
    matches = (
        *(_withdrawn(snapshot, solved, current[pair]) for pair in gone),
        *(_next(drafter.draft(pair), current[pair]) for pair in sorted(revised)),
        *(_first(snapshot, drafter.draft(pair), pair, pairs[pair]) for pair in fresh),
    )
    return SolveResult(
        programme=snapshot.programme,
        market=snapshot.market,
        token=snapshot.token,
        version=snapshot.version,
        optimal=True,
        matches=matches,
        pairs=pairs,
        unmatched=unmatched_of(snapshot, solved, solved.allocations),
        shortfalls=shortfalls,
        failures=failures,
        unjudged=unjudged,
    )


def counted(memory: PairMemory | None) -> PairMemory:
    """Return the memory of a pair that is proposed once more: an earlier refusal is over."""
    return PairMemory(proposals=(memory.proposals if memory is not None else 0) + 1)


def _first(snapshot: Snapshot, draft: Match, pair: Pair, memory: PairMemory) -> Match:
    identity = proposal_id(snapshot.programme, pair, memory.proposals)
    return replace(draft, id=identity, revision=1)


def _next(draft: Match, before: Match) -> Match:
    return replace(draft, id=before.id, revision=before.revision + 1)


def _withdrawn(snapshot: Snapshot, solved: Solved, before: Match) -> Match:
    return replace(
        before,
        revision=before.revision + 1,
        state=MatchState.WITHDRAWN,
        reasons=_why_withdrawn(snapshot, solved, pair_of(before)),
        programme_time=snapshot.time,
    )


def _why_withdrawn(snapshot: Snapshot, solved: Solved, pair: Pair) -> tuple[Reason, ...]:
    supply, need = supply_series(pair), need_series(pair)
    silent = [snapshot.silent[series] for series in (supply, need) if series in snapshot.silent]
    if silent:
        return tuple(silent)
    present = {offer.series for offer in (*snapshot.supplies, *snapshot.needs)}
    gone = [series for series in (supply, need) if series not in present]
    if gone:
        return (Reason(code=Code.FACILITY_UNKNOWN, subject=gone[0].facility),)
    if any(edge.pair == pair for edge in solved.edges):
        return (Reason(code=Code.REALLOCATED, text=pair.use),)
    otherwise = [
        edge.pair
        for edge in solved.edges
        if replace(edge.pair, treatment="") == replace(pair, treatment="")
    ]
    if otherwise and otherwise[0].treatment:
        return (Reason(code=Code.TREATED, subject=otherwise[0].treatment),)
    noted = (*solved.hindrances.of(supply), *solved.hindrances.of(need))
    own = [reason for reason in noted if reason.text == pair.use]
    return telling(own) or (Reason(code=Code.REALLOCATED, text=pair.use),)


def _plainly_same(old: Match, new: Allocation) -> bool:
    """Whether an allocation rests on the very positions, places and quantity of an open match."""
    edge = new.edge
    return (
        old.distance_km == shown_km(edge)
        and (old.supply_position, old.need_position) == (edge.supply.at, edge.need.at)
        and (old.quantity_per_day, old.firm_per_day) == (new.quantity, new.firm)
        and (old.verdict, old.margins) == (edge.assessment.verdict, edge.assessment.margins)
    )


def _revised(
    snapshot: Snapshot, solved: Solved, drafter: Drafter, current: Mapping[Pair, Match]
) -> set[Pair]:
    """Return the pairs to revise: changed beyond the deadband, or no longer fitting as they are."""
    deadband = snapshot.policy.deadband
    today = snapshot.time.date()

    def same(old: Match, new: Allocation) -> bool:
        repriced = drafter.catalogue.changed_between(old.programme_time.date(), today)
        return not repriced and _plainly_same(old, new)

    moved = [
        pair
        for pair, allocation in solved.allocations.items()
        if pair in current and not same(current[pair], allocation)
    ]
    revised = {p for p in moved if differs(current[p], drafter.draft(p), deadband)}
    numbers = {edge.pair: number for number, edge in enumerate(solved.edges)}
    quantities = [0] * len(solved.edges)
    for pair, allocation in solved.allocations.items():
        kept = pair in current and pair not in revised
        quantities[numbers[pair]] = current[pair].quantity_per_day if kept else allocation.quantity
    rows = [row for row in solved.rows if row.kind is not RowKind.BLEND_LIMIT]
    while True:
        broken = [row for row in rows if not holds(quantities, row)]
        inside = {solved.edges[number].pair for row in broken for number, _ in row.entries}
        late = inside & set(moved) - revised
        if not late:
            return revised
        revised |= late
        for pair in late:
            quantities[numbers[pair]] = solved.allocations[pair].quantity


def _shortfalls(snapshot: Snapshot) -> dict[Series, tuple[int, int]]:
    """Return what is committed beyond what is offered: series to (offered, committed)."""
    committed: dict[Series, int] = {}
    for match in snapshot.matches:
        if match.state in COMMITTED:
            series = supply_series(pair_of(match))
            committed[series] = committed.get(series, 0) + match.quantity_per_day
    offered = {offer.series: offer.quantity for offer in snapshot.supplies}
    return {
        series: (offered.get(series, 0), quantity)
        for series, quantity in committed.items()
        if quantity > offered.get(series, 0)
    }
