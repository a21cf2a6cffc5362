"""Draws a state machine's table as a Mermaid state diagram."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from schemas.events import Side
from synergy.lifecycle.actions import Action
from synergy.lifecycle.table import State, Table


def diagram(table: Table[State]) -> Iterator[str]:
    """Yield the lines of a diagram: every step of the table, and nothing else.

    Steps between the same two states share an arrow; a side stands behind an action that only it may take.
    """
    arrows: dict[tuple[str, str], dict[Action, list[Side]]] = {}
    started = {after for (before, _, _), after in table.steps.items() if before is None}
    if not started:
        first = next(before for before, _, _ in table.steps if before is not None)
        arrows["[*]", _name(first)] = {}
    for (before, action, side), after in table.steps.items():
        arrow = ("[*]" if before is None else _name(before), _name(after))
        sides = arrows.setdefault(arrow, {}).setdefault(action, [])
        sides += [] if side is None else [side]
    yield "stateDiagram-v2"
    for (source, target), actions in arrows.items():
        label = ", ".join(_label(action, sides) for action, sides in actions.items())
        yield f"    {source} --> {target}: {label}" if label else f"    {source} --> {target}"
    for state in sorted(table.closed()):
        yield f"    {_name(state)} --> [*]"


def _name(state: StrEnum) -> str:
    return state.value.lower()


def _label(action: Action, sides: list[Side]) -> str:
    words = action.value.replace("_", " ")
    return f"{words} ({sides[0].value.lower()})" if len(sides) == 1 else words
