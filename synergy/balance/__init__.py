"""The balance stage: the rolling state of every series, as pure code.

Pure: no clock, no I/O, no threads (gate: import-linter). `PartitionBalances` holds one partition; everything else in
this package is a part of it. `oracle` recomputes positions from lists of readings, slowly and obviously.
"""

from synergy.balance.errors import BalanceError, PartError
from synergy.balance.partition import PartitionBalances
from synergy.balance.terms import MaterialRule, Refusal

__all__ = [
    "BalanceError",
    "MaterialRule",
    "PartError",
    "PartitionBalances",
    "Refusal",
]
