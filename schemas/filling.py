"""Many events made a field at a time, for a third of what the constructor of a frozen dataclass takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import repeat
from types import MemberDescriptorType
from typing import Any, TypeVar

Made = TypeVar("Made")


def filled(kind: type[Made], columns: Mapping[str, Sequence[Any]], count: int) -> list[Made]:
    """Return events of a class of `schemas.events`, as their constructor makes them: slots and no `__post_init__`.

    Args:
        kind: the class.
        columns: the values of every field, `count` of each.
        count: how many.

    Raises:
        TypeError: fields are missing or unknown, a column is not as long as the others, or the class is another one.
    """
    slots: Sequence[str] = getattr(kind, "__slots__", ())
    if set(columns) != set(slots) or hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} has not exactly the fields {', '.join(columns)}")
    made = list(map(object.__new__, repeat(kind, count)))
    for name, values in columns.items():
        if len(values) != count:
            raise TypeError(f"{kind.__name__}.{name}: {len(values)} values for {count} events")
        slot: MemberDescriptorType = getattr(kind, name)
        deque(map(slot.__set__, made, values), maxlen=0)
    return made
