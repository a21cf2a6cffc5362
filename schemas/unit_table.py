"""Units: UN/CEFACT Recommendation 20 codes at the edges, exact integers of the base unit inside.

Base units are gram, litre and kilojoule. A volume of gas has reference conditions, and volumes at different ones are
different kinds of quantity: litres at 0 degC are never added to litres at 15 degC.

Factors are exact rationals. A conversion multiplies exactly and rounds once, to the nearest base unit, a tie to the
even one: at most half a gram, litre or kilojoule is lost, and a correction with the opposite sign cancels exactly.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, cast

from schemas.errors import DefinitionError, SchemaError
from schemas.events import Basis

QuantityKind = Literal["mass", "volume", "gas_at_0_c", "gas_at_15_c", "energy"]
BaseUnit = Literal["GRM", "LTR", "KJO"]

BASE_UNITS: Final[Mapping[QuantityKind, BaseUnit]] = MappingProxyType(
    {"mass": "GRM", "volume": "LTR", "gas_at_0_c": "LTR", "gas_at_15_c": "LTR", "energy": "KJO"}
)
KELVIN: Final[Mapping[QuantityKind, Fraction]] = MappingProxyType(
    {"gas_at_0_c": Fraction("273.15"), "gas_at_15_c": Fraction("288.15")}
)
_LONG_LIMIT: Final = 1 << 63


class UnitError(SchemaError):
    """A unit or quantity can't be used. `text` is what was written, `could_be` the codes to choose from."""

    def __init__(self, text: str, could_be: tuple[str, ...], message: str) -> None:
        choice = f"; write one of {', '.join(could_be)}" if could_be else ""
        super().__init__(f"unit {text!r}: {message}{choice}")
        self.text = text
        self.could_be = could_be
        self.message = message


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. `factor` base units are in it; `basis` is set when the unit itself names one."""

    code: str
    kind: QuantityKind
    factor: Fraction
    basis: Basis | None
    symbols: tuple[str, ...]
    names_en: tuple[str, ...]
    names_zh: tuple[str, ...]
    source: str

    @property
    def base(self) -> BaseUnit:
        """The base unit of its kind."""
        return BASE_UNITS[self.kind]


@dataclass(frozen=True, slots=True)
class BaseQuantity:
    """An exact quantity: `amount` of the base unit, of one kind."""

    amount: int
    kind: QuantityKind

    @property
    def unit(self) -> BaseUnit:
        """The base unit."""
        return BASE_UNITS[self.kind]


@cache
def units() -> Mapping[str, Unit]:
    """Return the table by Rec 20 code."""
    return MappingProxyType({unit.code: unit for unit in map(_unit, _rows("units.csv"))})


def find_unit(text: str) -> Unit:
    """Return the unit that a text names: a Rec 20 code, a symbol as it is written, or a name in English or Chinese.

    The case of a symbol counts where it has to: mg and Mg are nine powers of ten apart, and MG is refused.

    Raises:
        UnitError: the text names no unit, or several; `could_be` lists them.

    >>> find_unit("吨").code, find_unit("Nm³").code, find_unit("Metric ton").code
    ('TNE', 'NM3', 'TNE')
    >>> find_unit("ton").code
    Traceback (most recent call last):
    ...
    schemas.unit_table.UnitError: unit 'ton': a ton is a tonne (1 000 kg) or a short ton (907.18474 kg) or a long ton \
(1 016.0469 kg); write one of TNE, STN, LTN
    """
    wanted = " ".join(unicodedata.normalize("NFKC", text).split())
    if wanted in spellings():
        return units()[spellings()[wanted]]
    folded = wanted.casefold()
    for spelling in (wanted, folded):
        if spelling in refused_words():
            could_be, message = refused_words()[spelling]
            raise UnitError(text, could_be, message)
    codes = sorted(_without_case().get(folded, ()))
    if len(codes) == 1:
        return units()[codes[0]]
    if codes:
        raise UnitError(text, tuple(codes), "its meaning depends on upper and lower case")
    raise UnitError(
        text,
        (),
        "it is not in the table: write a Rec 20 code such as TNE, KGM, MTQ, NM3, GV or KWH",
    )


def to_base(quantity: Decimal | Fraction | int, unit: Unit) -> BaseQuantity:
    """Return a quantity of a unit in the base unit, rounded once, a tie to the even integer.

    Raises:
        UnitError: the quantity is no finite number, or does not fit in 64 bits.
        TypeError: the quantity is a float, which is not what was written.

    >>> to_base(Decimal("12.5"), find_unit("STN"))
    BaseQuantity(amount=11339809, kind='mass')
    """
    if isinstance(quantity, float):
        raise TypeError("a float is not exact: pass the Decimal of what was written")
    if isinstance(quantity, Decimal) and not quantity.is_finite():
        raise UnitError(unit.code, (), f"{quantity} is no quantity")
    amount = round(Fraction(quantity) * unit.factor)
    if not -_LONG_LIMIT <= amount < _LONG_LIMIT:
        raise UnitError(unit.code, (), f"{quantity} is more than 64 bits of {unit.base}")
    return BaseQuantity(amount, unit.kind)


def in_unit(quantity: BaseQuantity, unit: Unit) -> Fraction:
    """Return a base quantity in another unit of its kind, exactly.

    Raises:
        UnitError: the unit is of another kind.
    """
    if unit.kind != quantity.kind:
        raise UnitError(
            unit.code,
            (),
            f"{quantity.kind} is not {unit.kind}: there is no conversion without a stated rule",
        )
    return quantity.amount / unit.factor


def at_reference(
    quantity: BaseQuantity, kind: QuantityKind, rule: Literal["ideal_gas"]
) -> BaseQuantity:
    """Return a volume of gas at other reference conditions, by the rule that the caller states.

    `ideal_gas`: at equal pressure the volume is proportional to the absolute temperature.

    Raises:
        UnitError: one of the kinds is no gas at stated conditions.

    >>> at_reference(BaseQuantity(1_000_000, "gas_at_0_c"), "gas_at_15_c", "ideal_gas")
    BaseQuantity(amount=1054915, kind='gas_at_15_c')
    """
    if kind not in KELVIN or quantity.kind not in KELVIN:
        raise UnitError(
            kind, (), f"{rule} needs the reference temperature of {quantity.kind} and of {kind}"
        )
    return BaseQuantity(round(quantity.amount * KELVIN[kind] / KELVIN[quantity.kind]), kind)


@cache
def spellings() -> Mapping[str, str]:
    """Return the Rec 20 code of every spelling that is accepted as it is written."""
    found: dict[str, str] = {}
    for unit in units().values():
        names = [name.casefold() for name in (*unit.names_en, *unit.names_zh)]
        for spelling in {unit.code, *unit.symbols, *names}:
            normal = unicodedata.normalize("NFKC", spelling)
            if found.setdefault(normal, unit.code) != unit.code:
                raise DefinitionError(f"{normal!r} names {found[normal]} and {unit.code}")
    return MappingProxyType(found)


@cache
def _without_case() -> Mapping[str, frozenset[str]]:
    """Return the codes that each spelling could mean when its case is lost: KWh, KG, but not MG."""
    found: dict[str, set[str]] = {}
    for spelling, code in spellings().items():
        found.setdefault(spelling.casefold(), set()).add(code)
    return MappingProxyType({spelling: frozenset(codes) for spelling, codes in found.items()})


@cache
def refused_words() -> Mapping[str, tuple[tuple[str, ...], str]]:
    """Return what each refused word could be, as codes, and what is said about it."""
    return MappingProxyType(
        {
            word: (_parts(row["could_be"]), row["say"])
            for row in _rows("refused.csv")
            for word in _parts(row["word"])
        }
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("schemas") / "units" / name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


def _unit(row: Mapping[str, str]) -> Unit:
    return Unit(
        row["code"],
        cast("QuantityKind", row["kind"]),
        Fraction(row["factor"]),
        Basis(row["basis"]) if row["basis"] else None,
        _parts(row["symbols"]),
        _parts(row["names_en"]),
        _parts(row["names_zh"]),
        row["source"],
    )


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)
