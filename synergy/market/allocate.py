"""Solves one market: its edges, rows and plan, and the firm part of each allocation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.events import MatchState, Reason
from synergy.catalogue import Catalogue
from synergy.lifecycle.match_states import COMMITTED, FREE
from synergy.market.candidates import Edge, find_edges
from synergy.market.hindrances import Hindrances
from synergy.market.plan import Terms, find_plan
from synergy.market.program import Program, Row, RowKind, Solution
from synergy.market.reasons import Code
from synergy.market.rows import rows_of
from synergy.market.series import Pair, Series, Snapshot, pair_of, supply_series

WORTHLESS: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A row that was binding for an edge, and the worth of one more unit of it."""

    kind: RowKind
    subject: str
    worth: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Quantity per day on one edge, in base units; `firm` is the promised part."""

    edge: Edge
    quantity: int
    firm: int
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What a solve found: allocations by pair, all edges and rows, and why others are none.

    `refused` are pairs that were taken out: below their lot, declined before, or committed.
    """

    edges: Sequence[Edge]
    rows: Sequence[Row]
    allocations: Mapping[Pair, Allocation]
    hindrances: Hindrances
    refused: frozenset[Pair]
    optimal: bool


def tie_break(snapshot: Snapshot, pair: Pair) -> float:
    """Return a fixed number in [0, 1) from the pair's name: the same everywhere and for ever."""
    names = (snapshot.programme, pair.giver, pair.material, pair.receiver, pair.need, pair.use)
    digest = hashlib.blake2b("\x1f".join((*names, pair.treatment)).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big") / 2**64


def _values(snapshot: Snapshot, edges: Sequence[Edge]) -> list[float]:
    bonus = snapshot.policy.tie_bonus
    return [edge.value * (1.0 + bonus * tie_break(snapshot, edge.pair)) for edge in edges]


def _refused(snapshot: Snapshot, edge: Edge, quantity: int) -> Reason | None:
    """Return why a quantity on an edge is not proposed, if so."""
    if quantity < edge.use.lot_per_day:
        limit = float(edge.use.lot_per_day)
        return Reason(
            code=Code.BELOW_LOT,
            value=float(quantity),
            limit=limit,
            unit=edge.supply.position.unit,
            text=edge.use.id,
        )
    memory = snapshot.pairs.get(edge.pair)
    if memory is None or memory.declined_quantity is None:
        return None
    near = snapshot.policy.same_quantity * memory.declined_quantity
    same = abs(quantity - memory.declined_quantity) <= near
    if same and memory.declined_verdict is edge.assessment.verdict:
        return Reason(code=Code.DECLINED_BEFORE, subject=edge.pair.receiver, text=edge.use.id)
    return None


def _pairs_in(snapshot: Snapshot, states: frozenset[MatchState]) -> frozenset[Pair]:
    return frozenset(pair_of(match) for match in snapshot.matches if match.state in states)


def allocate(snapshot: Snapshot, catalogue: Catalogue) -> Solved:
    """Return the best allocation of one market. Pure; runs HiGHS a few times."""
    edges, notes = find_edges(snapshot, catalogue)
    rows = rows_of(snapshot, edges, catalogue)
    per_unit = catalogue.materials[edges[0].use.material].trade_unit.per_unit if edges else 1
    program = Program(values=_values(snapshot, edges), rows=rows, per_unit=per_unit)
    committed, open_pairs = _pairs_in(snapshot, COMMITTED), _pairs_in(snapshot, FREE)
    held = frozenset(n for n, edge in enumerate(edges) if edge.pair in committed)
    policy = snapshot.policy
    terms = Terms(
        held=held,
        incumbents=frozenset(n for n, edge in enumerate(edges) if edge.pair in open_pairs),
        refuse=lambda number, quantity: _refused(snapshot, edges[number], quantity),
        least_gain=policy.least_gain,
        rounds=policy.rounds,
        seconds=policy.solve_seconds,
    )
    plan = find_plan(program, terms)
    for number, reason in plan.refused.items():
        notes.note(edges[number].supply.series, reason)
        notes.note(edges[number].need.series, reason)
    kept = {n: quantity for n, quantity in enumerate(plan.solution.quantities) if quantity > 0}
    return Solved(
        edges=edges,
        rows=rows,
        allocations=_allocations(snapshot, edges, kept, _bindings(rows, plan.solution)),
        hindrances=notes,
        refused=frozenset(edges[number].pair for number in (*held, *plan.refused)),
        optimal=plan.solution.optimal,
    )


def _bindings(rows: Sequence[Row], solution: Solution) -> dict[int, list[Binding]]:
    found: dict[int, list[Binding]] = {}
    for row, worth in zip(rows, solution.worth, strict=True):
        if worth <= WORTHLESS:
            continue
        binding = Binding(kind=row.kind, subject=row.subject, worth=worth, limit=row.limit)
        for edge, _ in row.entries:
            found.setdefault(edge, []).append(binding)
    return found


def _allocations(
    snapshot: Snapshot,
    edges: Sequence[Edge],
    kept: Mapping[int, int],
    bindings: Mapping[int, list[Binding]],
) -> dict[Pair, Allocation]:
    """Give the firm part of each supply to its best edges first."""
    firm: dict[Series, int] = {offer.series: offer.firm for offer in snapshot.supplies}
    for match in snapshot.matches:
        series = supply_series(pair_of(match))
        if match.state in COMMITTED and series in firm:
            firm[series] = max(firm[series] - match.firm_per_day, 0)
    found: dict[Pair, Allocation] = {}
    for number in sorted(kept, key=lambda item: (-edges[item].value, edges[item].pair)):
        edge, quantity = edges[number], kept[number]
        promised = min(quantity, firm[edge.supply.series])
        firm[edge.supply.series] -= promised
        found[edge.pair] = Allocation(
            edge=edge,
            quantity=quantity,
            firm=promised,
            bindings=tuple(bindings.get(number, ())),
        )
    return found
