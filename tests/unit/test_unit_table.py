"""Units: exact factors, no guessing, no adding of different kinds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import unit_table
from schemas.events import Basis
from schemas.unit_table import (
    BASE_UNITS,
    BaseQuantity,
    UnitError,
    at_reference,
    find_unit,
    in_unit,
    refused_words,
    spellings,
    to_base,
    units,
)

UNITS = st.sampled_from(list(units().values()))


def refused(text: str) -> UnitError:
    with pytest.raises(UnitError) as caught:
        find_unit(text)
    return caught.value


def test_the_table_is_complete_in_itself() -> None:
    assert len(units()) >= 60
    assert {unit.kind for unit in units().values()} == set(BASE_UNITS)
    for unit in units().values():
        assert unit.factor > 0
        assert unit.source
        assert unit.names_en
    for words, (could_be, message) in refused_words().items():
        assert message, words
        assert set(could_be) <= units().keys(), words


def test_nothing_is_both_refused_and_accepted() -> None:
    assert not refused_words().keys() & spellings().keys()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TNE", "TNE"),
        ("t", "TNE"),
        ("吨", "TNE"),
        ("Metric Ton", "TNE"),
        (" 公斤 ", "KGM"),
        ("㎏", "KGM"),
        ("\uff4b\uff47", "KGM"),
        ("mg", "MGM"),
        ("Mg", "2U"),
        ("short  ton", "STN"),
        ("m³", "MTQ"),
        ("㎥", "MTQ"),
        ("Nm³", "NM3"),
        ("Sm3", "SM3"),
        ("kWh", "KWH"),
        ("千瓦时", "KWH"),
        ("GJ", "GV"),
        ("MMBtu", "BZ"),
        ("KG", "KGM"),
        ("kwh", "KWH"),
        ("M3", "MTQ"),
        ("nm3", "NM3"),
    ],
)
def test_a_unit_is_found_by_code_symbol_and_name(text: str, code: str) -> None:
    assert find_unit(text).code == code


@pytest.mark.parametrize(
    ("text", "could_be"),
    [
        ("ton", ("TNE", "STN", "LTN")),
        ("Tons", ("TNE", "STN", "LTN")),
        ("MT", ("TNE", "KTN")),
        ("gallon", ("GLL", "GLI")),
        ("标准立方米", ("NM3", "SM3")),
        ("Nm", ("NM3",)),
        ("scf", ("NM3", "SM3", "FTQ")),
        ("tce", ("GV",)),
        ("MW", ("KWH", "MWH")),
        ("mWh", ("MWH", "KWH")),
        ("MG", ("2U", "MGM")),
        ("bushel", ()),
        ("kg/h", ()),
        ("", ()),
    ],
)
def test_an_ambiguous_unit_is_refused_with_what_it_could_be(
    text: str, could_be: tuple[str, ...]
) -> None:
    error = refused(text)
    assert error.could_be == could_be
    assert all(code in str(error) for code in could_be)


@pytest.mark.parametrize(
    ("quantity", "code", "amount", "unit"),
    [
        ("1", "TNE", 1_000_000, "GRM"),
        ("907184.74", "GRM", 907_185, "GRM"),
        ("1", "STN", 907_185, "GRM"),
        ("100", "STN", 90_718_474, "GRM"),
        ("-2.5", "KGM", -2500, "GRM"),
        ("1", "LBR", 454, "GRM"),
        ("8111", "TNE", 8_111_000_000, "GRM"),
        ("1", "MTQ", 1000, "LTR"),
        ("2", "NM3", 2000, "LTR"),
        ("1", "BLL", 159, "LTR"),
        ("1", "GV", 1_000_000, "KJO"),
        ("1", "MWH", 3_600_000, "KJO"),
        ("1", "BZ", 1_055_056, "KJO"),
        ("1", "D70", 0, "KJO"),
    ],
)
def test_known_conversions(quantity: str, code: str, amount: int, unit: str) -> None:
    found = to_base(Decimal(quantity), units()[code])
    assert (found.amount, found.unit) == (amount, unit)


def test_factors_that_hang_together_do() -> None:
    factor = {code: unit.factor for code, unit in units().items()}
    assert factor["STN"] == 2000 * factor["LBR"]
    assert factor["LTN"] == 2240 * factor["LBR"]
    assert factor["LBR"] == 16 * factor["ONZ"] == 7000 * factor["GRN"]
    assert factor["CWI"] == 112 * factor["LBR"] == 8 * factor["STI"]
    assert factor["APZ"] == 480 * factor["GRN"]
    assert factor["FTQ"] == 1728 * factor["INQ"]
    assert factor["YDQ"] == 27 * factor["FTQ"]
    assert factor["GLL"] == 231 * factor["INQ"]
    assert factor["BLL"] == 42 * factor["GLL"]
    assert factor["BZ"] == 10**6 * factor["BTU"] == 10 * factor["N72"]
    assert factor["E14"] == 1000 * factor["D70"]
    assert factor["K53"] == 1000 * factor["D35"]
    assert factor["GV"] == Fraction(10, 36) * factor["MWH"]


def test_a_tie_goes_to_the_even_gram() -> None:
    assert [to_base(Decimal(n), units()["MGM"]).amount for n in (500, 1500, 2500, -500)] == [
        0,
        2,
        2,
        0,
    ]


def test_gas_at_other_conditions_is_another_kind() -> None:
    normal = to_base(1000, units()["NM3"])
    with pytest.raises(UnitError, match="no conversion without a stated rule"):
        in_unit(normal, units()["SM3"])
    with pytest.raises(UnitError, match="no conversion without a stated rule"):
        in_unit(normal, units()["MTQ"])
    standard = at_reference(normal, "gas_at_15_c", "ideal_gas")
    assert standard == BaseQuantity(1_054_915, "gas_at_15_c")
    with pytest.raises(UnitError, match="reference temperature"):
        at_reference(to_base(1, units()["MTQ"]), "gas_at_0_c", "ideal_gas")


def test_only_units_of_dry_weight_name_a_basis() -> None:
    assert {code for code, unit in units().items() if unit.basis} == {"MND", "HDW"}
    assert units()["MND"].basis == Basis.DRY


@given(UNITS, st.integers(-(10**6), 10**6), st.integers(1, 1000))
def test_what_is_converted_comes_back_within_half_a_base_unit(
    unit: unit_table.Unit, numerator: int, denominator: int
) -> None:
    quantity = Fraction(numerator, denominator)
    back = in_unit(to_base(quantity, unit), unit)
    assert abs(back - quantity) * unit.factor <= Fraction(1, 2)
    assert to_base(-quantity, unit).amount == -to_base(quantity, unit).amount


@pytest.mark.parametrize("quantity", [Decimal("NaN"), Decimal("Infinity"), 10**30])
def test_what_is_no_quantity_is_refused(quantity: Decimal | int) -> None:
    with pytest.raises(UnitError):
        to_base(quantity, units()["TNE"])


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="not exact"):
        to_base(cast(Any, 0.1), units()["TNE"])
