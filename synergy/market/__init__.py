"""The market: what could go where, what it is worth, and what is proposed to people.

Pure (gate: import-linter, ruff TID251): no clock, no I/O, no thread. Time comes in as ticks and as
an argument; a solve is a job that the caller runs where it likes.
"""

from synergy.lifecycle import Action, Refusal
from synergy.market.explain import Language, View, Words, load_words
from synergy.market.policy import Policy
from synergy.market.propose import FailedSolve, SolveResult
from synergy.market.reasons import Code
from synergy.market.series import Received
from synergy.market.state import Event, MarketState

__all__ = [
    "Action",
    "Code",
    "Event",
    "FailedSolve",
    "Language",
    "MarketState",
    "Policy",
    "Received",
    "Refusal",
    "SolveResult",
    "View",
    "Words",
    "load_words",
]
