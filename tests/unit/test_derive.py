"""Formulas and coefficients: check values, ranges, validity."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.programmes import shipped_folder
from producers.programmes.files import read_lines
from synergy.derive import formulas
from synergy.derive.coefficients import (
    COLUMNS,
    CoefficientKind,
    Coefficients,
    parse_coefficients,
)
from synergy.derive.errors import CoefficientMissingError, CoefficientRowError

HEADER = ",".join(COLUMNS)
AT = datetime(2007, 6, 1, tzinfo=UTC)


def shipped() -> Coefficients:
    return parse_coefficients(read_lines(shipped_folder() / "coefficients.csv"))


def test_a_tonne_of_removed_so2_makes_2_69_tonnes_of_gypsum() -> None:
    pounds = 1000 / 0.45359237
    gypsum = formulas.fgd_gypsum_from_so2(
        pounds, 0.0, uncontrolled=1.0, kilogram_per_pound=0.45359237, gypsum_per_so2=172.17 / 64.07
    )
    assert gypsum == pytest.approx(2.6872, abs=1e-4)


def test_gypsum_is_negative_when_more_so2_leaves_than_the_coal_is_assumed_to_hold() -> None:
    gypsum = formulas.fgd_gypsum_from_so2(
        12000.0, 54120.2, uncontrolled=1.368, kilogram_per_pound=0.45359237, gypsum_per_so2=2.6872
    )
    assert gypsum == pytest.approx(-45.96, abs=0.1)


def test_waste_heat_is_an_energy_balance() -> None:
    heat = formulas.waste_heat(6856.0, 791.0, megawatt_hour_per_mmbtu=0.293071)
    assert heat == pytest.approx(1218.3, abs=0.1)


@given(heat=st.floats(0, 20000), ash=st.floats(0.05, 0.4), fly=st.floats(0, 1))
def test_fly_and_bottom_ash_are_all_the_ash_of_the_coal(
    heat: float, ash: float, fly: float
) -> None:
    arguments = {
        "gigajoule_per_mmbtu": 1.055056,
        "heating_value": 28.0,
        "ash_share": ash,
        "fly_share": fly,
    }
    coal = formulas.coal_from_heat_input(heat, gigajoule_per_mmbtu=1.055056, heating_value=28.0)
    both = formulas.fly_ash_from_heat_input(heat, **arguments)
    both += formulas.bottom_ash_from_heat_input(heat, **arguments)
    assert both == pytest.approx(coal * ash)


def test_every_shipped_coefficient_has_a_source_and_lies_in_its_range() -> None:
    rows = shipped().rows
    assert len(rows) > 20
    assert {row.kind for row in rows} == set(CoefficientKind)
    assert all(row.low <= row.value <= row.high and row.source for row in rows)


def test_the_exact_molar_ratio_is_exact() -> None:
    assert shipped().value("gypsum_per_so2", "*", AT) == pytest.approx(172.17 / 64.07, abs=1e-9)


def test_the_narrowest_scope_wins_and_validity_is_half_open() -> None:
    rows = [
        HEADER,
        "s,*,0.8,0.5,0.9,t/t,assumed,handbook,,",
        "s,3947,0.3,0.2,0.4,t/t,assumed,cyclone,,2007-06-01T00:00:00+00:00",
        "s,3947/2,0.4,0.2,0.4,t/t,assumed,cyclone,2007-06-01T00:00:00+00:00,",
    ]
    table = parse_coefficients(rows)
    before = datetime(2007, 5, 31, 23, 59, tzinfo=UTC)
    assert table.value("s", "3948/1", AT) == 0.8
    assert table.value("s", "3947/2", before) == 0.3
    assert table.value("s", "3947/2", AT) == 0.4
    assert table.value("s", "3947/1", AT) == 0.8


def test_a_missing_coefficient_is_an_error_not_a_zero() -> None:
    with pytest.raises(CoefficientMissingError) as caught:
        shipped().value("so2_uncontrolled", "3948/1", datetime(2007, 4, 1, tzinfo=UTC))
    assert (caught.value.name, caught.value.scope) == ("so2_uncontrolled", "3948/1")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("a,*,x,0,1,t,exact,s,,", "value"),
        ("a,*,2,0,1,t,assumed,s,,", "value"),
        ("a,*,1,1,1,t,guess,s,,", "kind"),
        ("a,*,1,0,2,t,exact,s,,", "low"),
        ("a,*,1,1,1,t,exact,,,", "source"),
        ("a,*,1,1,1,t,exact,s,2007-01-01T00:00:00,", "valid_from"),
        ("a,*,1,1,1,t,exact,s,,soon", "valid_to"),
    ],
)
def test_a_bad_row_is_named_by_number_and_column(row: str, column: str) -> None:
    with pytest.raises(CoefficientRowError) as caught:
        parse_coefficients([HEADER, row])
    assert (caught.value.row, caught.value.column) == (2, column)
