"""Amounts as people type them: '12 t/h', '288 t', '40 GJ/day'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.unit_table import Unit, find_unit

PER: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("h", "hour", "hr", "小时", "时"), "h"),
        **dict.fromkeys(("d", "day", "天", "日"), "d"),
        **dict.fromkeys(("min", "minute", "分钟"), "min"),
    }
)
_AMOUNT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^/\d,][^/]*?)\s*(?:/\s*(\S+?))?\s*")


class AmountError(Exception):
    """What was typed is no amount."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(f"{text!r} is no amount: {fix}")
        self.text = text
        self.fix = fix


@dataclass(frozen=True, slots=True)
class TypedAmount:
    """A quantity as it was typed, in a Rec 20 unit; a rate when `per` is h, d or min."""

    quantity: str
    unit: Unit
    per: str | None


def amount_of(text: str) -> TypedAmount:
    """Return what was typed.

    Raises:
        AmountError: it is no number with a unit.
        UnitError: the unit is unknown, or can mean several.

    >>> found = amount_of("12 t/day")
    >>> found.quantity, found.unit.code, found.per
    ('12', 'TNE', 'd')
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise AmountError(text, "write a number and a unit, such as '12 t/h' or '288 t'")
    per = None
    if found[3] is not None:
        per = PER.get(found[3].casefold())
        if per is None:
            raise AmountError(text, "write it a minute, an hour or a day, such as '12 t/h'")
    return TypedAmount(found[1], find_unit(found[2]), per)
