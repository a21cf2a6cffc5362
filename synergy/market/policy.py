"""The thresholds of the market in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the market decides where the rules leave room.

    Attributes:
        tie_bonus: share of an edge's value by which its hash may raise it: breaks equal optima.
        least_gain: a change of open proposals must gain this share of the value that it moves.
        deadband: relative change below which neither a position makes a market dirty nor a match
            is revised.
        same_quantity: a declined pair stays declined while its quantity is within this share.
        rounds: solves per plan, after which edges below their lot are dropped.
        most_edges: up to so many possible pairs the programme is exact; beyond, each supply and
            each need keeps its best pairs of every use, as many as this allows.
        least_edges: but never fewer than this per series and use.
        alternatives: alternatives named per side in a match's reasons.
        solve_seconds: time limit of one solve.
        answer_within: programme time that the second side has to answer.
        closed_for: programme time for which a closed match can still be asked about.
        amended_for: programme time for which what is completed can still be amended.
        full_from: per mille of what was sent from which a receipt counts as full.
        handled_for: time by the clock for which command ids are remembered.
        live_within: a programme without ticks is live when its newest position is this young.
    """

    tie_bonus: float = 1e-6
    least_gain: float = 0.01
    deadband: float = 0.01
    same_quantity: float = 0.10
    rounds: int = 3
    most_edges: int = 16_000
    least_edges: int = 3
    alternatives: int = 2
    solve_seconds: float = 5.0
    answer_within: timedelta = timedelta(days=14)
    closed_for: timedelta = timedelta(days=2)
    amended_for: timedelta = timedelta(days=90)
    full_from: int = 980
    handled_for: timedelta = timedelta(days=7)
    live_within: timedelta = timedelta(days=36)
