"""The shipped catalogue is valid, complete and cut into markets that share nothing."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from schemas.events import DataKind
from synergy.catalogue import Catalogue, CoefficientKind, InvalidRow, load_catalogue

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "codes"
PRICED = (("US", date(2007, 5, 1)), ("US", date(2024, 5, 1)), ("CN", date(2024, 7, 25)))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped files that a test may damage."""
    with as_file(files("synergy.catalogue") / "data") as shipped:
        shutil.copytree(shipped, tmp_path / "data")
    return tmp_path / "data"


def damage(folder: Path, file: str, old: str, new: str) -> InvalidRow:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidRow) as caught:
        load_catalogue(folder)
    return caught.value


@pytest.mark.parametrize(
    ("file", "old", "new", "field"),
    [
        ("materials.csv", "fly_ash,Coal", "Fly Ash,Coal", "id"),
        ("materials.csv", ",GRM,byproduct", ",TNE,byproduct", "base_unit"),
        ("materials.csv", "100102,,262190", "10 01 02,,262190", "ewc"),
        ("materials.csv", "100102,,262190", "100102,SW02,262190", "china_code"),
        ("materials.csv", "truck_tanker,loi|moisture", "truck_tanker,loi|dampness", "properties"),
        ("materials.csv", "PFA|飞灰", "PFA|炉渣", "aliases"),
        ("materials.csv", "properties\n", "property\n", "header"),
        ("materials.csv", "100207,,262019", ",,262019", "ewc"),
        ("uses.csv", ",portland_cement,2395", ",cement_powder,2395", "substitutes"),
        ("uses.csv", ",portland_cement,2395", ",boiler_heat,2395", "substitutes"),
        ("uses.csv", ",portland_cement,2395", ",bottom_ash,2395", "substitutes"),
        ("uses.csv", "0.9,0.25,concrete", "0.9,1.25,concrete", "share_cap"),
        ("uses.csv", "concrete_binder,10000000", "kiln_clay,10000000", "blend"),
        ("uses.csv", "carbon_separation,when_failing", "carbon_separation,", "treatment_when"),
        ("uses.csv", "2395,3510,0.9", "9999,3510,0.9", "receivers"),
        ("limits.csv", "loi,at_most,6,%", "loi,at_most,6,MJ/kg", "unit"),
        ("limits.csv", "fly_ash_ready_mix,loi", "fly_ash_ready_mix,glass", "property"),
        ("limits.csv", "at_most", "below", "relation"),
        ("limits.csv", "fly_ash_ready_mix,loi", "fly_ash_mix,loi", "use"),
        ("treatments.csv", "moisture=3", "moisture:3", "changes"),
        ("blends.csv", "concrete_binder,portland_cement", "spare,portland_cement", "blend"),
        ("coefficients.csv", "US,10,3,25", "US,30,3,25", "value"),
        ("coefficients.csv", "US,10,3,25", "US,10,10,10", "low"),
        ("coefficients.csv", "US,10,3,25", "US,ten,3,25", "value"),
        ("coefficients.csv", "USD/t,USD,2007", "CNY/t,USD,2007", "unit"),
        ("coefficients.csv", "2007,assumed,2000-01-01,2015-01-01", "2007,assumed,,", "valid_from"),
        ("coefficients.csv", "purchase.clay", "purchase.mud", "key"),
        ("coefficients.csv", "purchase.clay", "price.clay", "key"),
    ],
)
def test_a_damaged_file_is_refused_with_file_row_and_field(
    folder: Path, file: str, old: str, new: str, field: str
) -> None:
    error = damage(folder, file, old, new)
    assert error.file == ("uses.csv" if old.startswith("concrete_binder,portland") else file)
    assert error.row >= 1
    assert error.field == field
    assert f"{error.file}, row {error.row}, field {field}" in str(error)


def test_the_row_in_the_error_is_the_line_in_the_file(folder: Path) -> None:
    error = damage(folder, "uses.csv", "fly_ash_brick,Fired brick", "Fly ash brick,Fired brick")
    line = (folder / "uses.csv").read_text(encoding="utf-8").splitlines()[error.row - 1]
    assert line.startswith("Fly ash brick")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "limits.csv").unlink()
    with pytest.raises(InvalidRow, match=r"limits\.csv"):
        load_catalogue(folder)


def test_nothing_is_shared_by_two_markets(catalogue: Catalogue) -> None:
    market_of = {m: market.id for market in catalogue.markets for m in market.materials}
    assert set(market_of) == set(catalogue.materials)
    assert sum(len(market.materials) for market in catalogue.markets) == len(market_of)
    owners: dict[tuple[str, str], set[str]] = {}
    for use in catalogue.uses.values():
        shared = [("material", use.material), ("need", use.substitutes)]
        if use.blend is not None:
            shared += [("blend", use.blend), ("need", catalogue.blends[use.blend].need)]
        if use.treatment is not None:
            shared.append(("treatment", use.treatment))
        for thing in shared:
            owners.setdefault(thing, set()).update(
                {market_of[use.material], market_of[use.substitutes]}
            )
    assert all(len(markets) == 1 for markets in owners.values())
    assert len(catalogue.markets) > 5


def test_ash_and_gypsum_and_heat_are_three_markets(catalogue: Catalogue) -> None:
    found = {catalogue.market_of(name) for name in ("fly_ash", "fgd_gypsum", "waste_heat")}
    assert found == {"fly_ash", "fgd_gypsum", "waste_heat"}
    assert catalogue.market_of("steel_slag") == "fly_ash"
    assert catalogue.market_of("moon_dust") == "moon_dust"


def test_the_version_follows_the_content(folder: Path, catalogue: Catalogue) -> None:
    assert load_catalogue(folder).version == catalogue.version
    path = folder / "coefficients.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("US,10,3,25", "US,11,3,25"), "utf-8")
    assert load_catalogue(folder).version != catalogue.version


@pytest.mark.parametrize(("country", "day"), PRICED)
def test_every_use_can_be_valued_wherever_the_programmes_run(
    catalogue: Catalogue, country: str, day: date
) -> None:
    for use in catalogue.uses.values():
        mode = catalogue.materials[use.material].haul_mode
        keys = [
            *(f"purchase.{use.substitutes}", f"co2_avoided.{use.substitutes}", "circuity"),
            *(f"haul.{mode}", f"loading.{mode}", f"co2_haul.{mode}"),
        ]
        if use.treatment is not None:
            keys += [f"treatment.{use.treatment}", f"co2_treatment.{use.treatment}"]
        missing = [key for key in keys if catalogue.coefficient(key, country, day) is None]
        assert not missing, f"{use.id}: {missing}"


@pytest.mark.parametrize(("country", "day"), PRICED)
def test_one_country_has_one_currency_and_one_price_year_at_a_time(
    catalogue: Catalogue, country: str, day: date
) -> None:
    rows = [
        row
        for row in catalogue.coefficients
        if row.country == country and row.currency and row.validity.holds(day)
    ]
    assert len({(row.currency, row.price_year) for row in rows}) == 1


def test_the_environmental_protection_tax_has_its_statutory_classes(catalogue: Catalogue) -> None:
    day = date(2024, 7, 1)
    expected = {"coal_gangue": 5, "iron_tailings": 15, "eaf_dust": 1000, "fly_ash": 25}
    for material, rate in expected.items():
        waste_class = catalogue.materials[material].disposal_class
        row = catalogue.coefficient(f"disposal_tax.{waste_class}", "CN", day)
        assert row is not None
        assert row.value == Decimal(rate)
        assert row.kind is CoefficientKind.EXACT
        assert row.data_kind is DataKind.MEASURED


def test_a_price_is_never_an_anachronism(catalogue: Catalogue) -> None:
    early = catalogue.coefficient("purchase.portland_cement", "US", date(2007, 3, 1))
    late = catalogue.coefficient("purchase.portland_cement", "US", date(2024, 3, 1))
    assert early is not None
    assert late is not None
    assert (early.price_year, late.price_year) == (2007, 2020)
    assert catalogue.coefficient("co2_price", "CN", date(2021, 7, 15)) is None
    assert catalogue.coefficient("disposal_tax.gangue", "CN", date(2017, 12, 31)) is None


def test_names_and_aliases_in_both_languages_lead_to_the_material(catalogue: Catalogue) -> None:
    for name in ("fly_ash", "Coal Fly Ash", "粉煤灰", "pfa"):
        found = catalogue.resolve(name)
        assert found is not None
        assert found.id == "fly_ash"
    assert catalogue.resolve("ash") is None


def test_suggestions_follow_the_industry_and_its_nace_alias(catalogue: Catalogue) -> None:
    power = catalogue.suggestions_for("3511")
    assert power.industry == "3510"
    assert {"fly_ash_ready_mix", "fgd_gypsum_wallboard"} <= {use.id for use in power.gives}
    assert "gangue_fuel" in {use.id for use in power.takes}
    assert catalogue.suggestions_for("2351") == catalogue.suggestions_for("2394")


@pytest.mark.skipif(not REFERENCE.exists(), reason="the code lists are not in this checkout")
@pytest.mark.parametrize(
    ("file", "column", "codes"),
    [
        ("hs.csv", "hscode", "hs"),
        ("ewc_low_uk_defra.csv", None, "ewc"),
        ("isic_rev4.csv", "Code", "isic"),
    ],
)
def test_every_code_is_in_the_official_list(
    catalogue: Catalogue, file: str, column: str | None, codes: str
) -> None:
    with (REFERENCE / file).open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    name = column if column is not None else next(iter(rows[0]))
    listed = {row[name].replace(" ", "") for row in rows}
    used = {
        "hs": {code for material in catalogue.materials.values() for code in material.hs},
        "ewc": {code for material in catalogue.materials.values() for code in material.ewc},
        "isic": set(catalogue.industries),
    }[codes]
    assert len(used) > 10
    assert used <= listed
