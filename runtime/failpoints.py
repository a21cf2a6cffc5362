"""Named places where a test can stop the process. Nothing happens there unless a test has installed a hook.

The names say where a crash can fall between two systems that have to agree: the log and the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, get_args

Place: TypeAlias = Literal[
    "commit.before_transaction",
    "commit.produced",
    "commit.committed",
    "ledger.before_announcement",
    "ledger.announced",
    "ledger.inserted",
    "ledger.before_position",
]
PLACES: Final[tuple[Place, ...]] = get_args(Place)

_hooks: list[Callable[[Place], None]] = []


def reach(place: Place) -> None:
    """Say that the process has come to a place."""
    for hook in _hooks:
        hook(place)


def install(hook: Callable[[Place], None]) -> None:
    """Let a test decide what happens at every place. Only test programs call this."""
    _hooks.append(hook)
