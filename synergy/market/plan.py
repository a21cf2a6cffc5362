"""Finds the best plan of a market's programme: lots, what was refused before, and no flapping.

Two plans are solved: the best one, and the best one of the open proposals alone. Where they
differ, the difference falls into parts that share no row; a part is taken over only when it gains a
share of the value that it moves. So proposals stay until something is really better, part by part,
and the same input gives the same plan again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.events import Reason
from synergy.market.program import Program, Row, Solution, Solver

Refuse = Callable[[int, int], Reason | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Quantities per edge in base units; `refused` are edges held at zero, with the reason."""

    solution: Solution
    refused: Mapping[int, Reason] = field(default_factory=dict[int, Reason])


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan has to respect besides the rows.

    `held` are edges at zero from the start, `incumbents` the edges of open proposals, `refuse` says
    why a quantity on an edge can't be proposed, `least_gain` is the share that a change must gain.
    """

    held: frozenset[int]
    incumbents: frozenset[int]
    refuse: Refuse
    least_gain: float
    rounds: int
    seconds: float


def find_plan(program: Program, terms: Terms) -> Plan:
    """Return the plan; not optimal when the solver ran out of time."""
    solver = Solver(program, terms.seconds)
    everything = frozenset(range(len(program.values)))
    best = _best(solver, terms, everything)
    if not terms.incumbents or not best.solution.optimal:
        return best
    stay = _settled(solver, terms, (terms.incumbents - terms.held, everything))
    if not stay.optimal:
        return Plan(solution=stay)
    quantities = _merged(program, best.solution, stay, terms.least_gain)
    merged = Solution(quantities=quantities, worth=best.solution.worth, optimal=True)
    return Plan(solution=merged, refused=best.refused)


def _best(solver: Solver, terms: Terms, everything: frozenset[int]) -> Plan:
    """Solve, hold what is refused at zero, solve again; then settle on the edges in use."""
    refused: dict[int, Reason] = {}
    solution = solver.solve(terms.held)
    for _ in range(terms.rounds - 1):
        found = _refusals(terms.refuse, solution)
        if not found or not solution.optimal:
            break
        refused |= found
        solution = solver.solve(terms.held | refused.keys())
    refused |= _refusals(terms.refuse, solution)
    used = frozenset(edge for edge, quantity in enumerate(solution.quantities) if quantity > 0)
    if not refused or not solution.optimal:
        return Plan(solution=solution, refused=refused)
    settled = _settled(solver, terms, (used - refused.keys(), everything))
    final = Solution(quantities=settled.quantities, worth=solution.worth, optimal=settled.optimal)
    return Plan(solution=final, refused=refused)


def _settled(
    solver: Solver, terms: Terms, edges: tuple[frozenset[int], frozenset[int]]
) -> Solution:
    """Return the best of `edges` (used, all) alone, without those that are refused, one by one.

    Every round takes edges away, so it ends; the same edges give the same solution again.
    """
    used, everything = edges
    while True:
        solution = solver.solve(everything - used)
        found = _refusals(terms.refuse, solution)
        if not found or not solution.optimal:
            return solution
        used -= found.keys()


def _refusals(refuse: Refuse, solution: Solution) -> dict[int, Reason]:
    found: dict[int, Reason] = {}
    for edge, quantity in enumerate(solution.quantities):
        reason = refuse(edge, quantity) if quantity > 0 else None
        if reason is not None:
            found[edge] = reason
    return found


def _merged(program: Program, best: Solution, stay: Solution, least_gain: float) -> tuple[int, ...]:
    """Return the open plan with the parts of the best one that are worth the change."""
    merged = list(stay.quantities)
    for part in parts_of_difference(best.quantities, stay.quantities, program.rows):
        changes = [best.quantities[edge] - stay.quantities[edge] for edge in part]
        gain = sum(program.values[e] * change for e, change in zip(part, changes, strict=True))
        moved = sum(program.values[e] * abs(c) for e, c in zip(part, changes, strict=True))
        # What moves is counted twice: where it leaves and where it arrives.
        if gain >= least_gain * moved / 2:
            for edge in part:
                merged[edge] = best.quantities[edge]
    return tuple(merged)


def parts_of_difference(
    first: Sequence[int], second: Sequence[int], rows: Sequence[Row]
) -> list[list[int]]:
    """Return the edges with different quantities, grouped so that no row touches two groups."""
    parent = {edge: edge for edge, (a, b) in enumerate(zip(first, second, strict=True)) if a != b}

    def root(edge: int) -> int:
        while parent[edge] != edge:
            parent[edge] = parent[parent[edge]]
            edge = parent[edge]
        return edge

    for row in rows:
        inside = [edge for edge, _ in row.entries if edge in parent]
        for edge in inside[1:]:
            parent[root(edge)] = root(inside[0])
    groups: dict[int, list[int]] = {}
    for edge in parent:
        groups.setdefault(root(edge), []).append(edge)
    return sorted(groups.values())
