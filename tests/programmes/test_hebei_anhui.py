"""The Hebei-Anhui programme: simulated throughout, honest about what it borrows, complete without data of others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from producers.programmes import Programme, load_programmes, shipped_folder
from producers.programmes.files import read_lines
from producers.programmes.plant_lists import read_plant_list
from producers.reading import Reading
from schemas.events import DataKind, Direction, Provenance, SourceKind
from synergy.derive.coefficients import Coefficients

SPATIAL_FINANCE_IDS = "cn_sfi_"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="session")
def hebei_with_shared(shared: Path) -> Programme:
    return load_programmes(shared)[1]


def first_hours(programme: Programme, hours: float = 2.0) -> list[Reading]:
    start = programme.chapters[0].start
    return list(programme.readings(start, start + hours * HOUR))


def test_every_reading_is_simulated(pilot: list[Reading]) -> None:
    assert len(pilot) > 200_000
    assert {reading.data_kind for reading in pilot} == {DataKind.SIMULATED}


def test_every_reading_is_simulated_with_the_shared_plants_too(
    hebei_with_shared: Programme,
) -> None:
    readings = first_hours(hebei_with_shared)
    assert any(one.facility.startswith(SPATIAL_FINANCE_IDS) for one in readings)
    assert {one.data_kind for one in readings} == {DataKind.SIMULATED}


def test_every_borrowed_reading_names_the_unit_it_borrows_from(pilot: list[Reading]) -> None:
    borrowed = [one for one in pilot if "borrowed_profile" in one.flags]
    assert len(borrowed) > 200_000
    for one in borrowed:
        assert sum(flag.startswith("source_unit:") for flag in one.flags) == 1


def test_a_remark_is_never_without_its_source_unit(pilot: list[Reading]) -> None:
    remarked = [
        one for one in pilot if any(flag.startswith("source_remark:") for flag in one.flags)
    ]
    assert remarked
    assert all(any(flag.startswith("source_unit:") for flag in one.flags) for one in remarked)
    plain = {flag for one in pilot for flag in one.flags if ":" not in flag}
    assert plain == {
        "borrowed_profile",
        "repeated_snapshot",
        "assumed_level",
        "simulated_meter",
        "simulated_document",
    }


def test_a_clone_alone_has_eight_receivers_of_three_industries(
    hebei: Programme, pilot: list[Reading]
) -> None:
    needs = {one.facility for one in pilot if one.direction is Direction.DEMAND}
    industries = {one.industry for one in hebei.facilities if one.id in needs}
    assert len(needs) >= 8
    assert len(industries) >= 3


def test_a_plan_line_of_an_erp_is_revised_later(pilot: list[Reading]) -> None:
    plans = [one for one in pilot if one.source_kind is SourceKind.ERP]
    assert sorted((one.document, one.revision) for one in plans) == [
        ("HN-JH-202407/10", 1),
        ("HN-JH-202407/10", 2),
        ("HN-JH-202407/20", 1),
    ]


def test_mine_methane_engines_are_excluded_by_capacity(hebei: Programme) -> None:
    excluded = {one.name: one for one in hebei.exclusions}
    assert excluded["Pansan Coal Mine Methane"].capacity == 8.0
    assert all(one.reason.startswith("capacity_out_of_range") for one in hebei.exclusions)
    assert all("Methane" not in one.name for one in hebei.facilities)


def test_group_totals_and_rolling_mills_are_excluded_and_listed(
    hebei_with_shared: Programme,
) -> None:
    reasons = {one.source: one.reason.partition(":")[0] for one in hebei_with_shared.exclusions}
    assert reasons["SFI steel dataset v4.1 CHN0032"] == "capacity_out_of_range"  # 24,450 kt
    assert reasons["SFI steel dataset v4.1 CHN0024"] == "capacity_out_of_range"  # 10, in Mt
    assert reasons["SFI steel dataset v4.1 CHN0199"] == "no_iron_or_steel_made"  # tinplate
    assert reasons["SFI steel dataset v4.1 CHN0253"] == "no_iron_or_steel_made"  # rolling
    assert reasons["SFI cement dataset v4.1 CHN0409 (accuracy Exact)"] == "capacity_out_of_range"
    assert reasons["SFI cement dataset v4.1 CHN0884 (accuracy Exact)"] == "capacity_missing"


def test_slag_comes_only_from_works_that_make_iron_or_steel(
    hebei_with_shared: Programme,
) -> None:
    facilities = {one.id: one for one in hebei_with_shared.facilities}
    slags = [one for one in first_hours(hebei_with_shared) if "slag" in one.material]
    assert len({one.facility for one in slags}) >= 4
    for one in slags:
        assert facilities[one.facility].industry == "2410"
    stainless = next(one for one in facilities.values() if "JINAN STAINL" in one.name)
    assert {one.material for one in slags if one.facility == stainless.id} == {"steel_slag"}


def test_samples_step_aside_for_the_listed_plants(
    hebei: Programme, hebei_with_shared: Programme
) -> None:
    alone = {one.id for one in hebei.facilities}
    listed = {one.id for one in hebei_with_shared.facilities}
    assert alone - listed == {
        "cn_asano_cement",
        "sample_grinding_huainan",
        "sample_cement_bengbu",
        "sample_cement_tangshan",
    }
    assert len({one for one in listed if one.startswith(SPATIAL_FINANCE_IDS)}) > 15


def test_a_shared_folder_without_the_list_is_as_good_as_none(
    tmp_path: Path, hebei: Programme
) -> None:
    assert load_programmes(tmp_path)[1].facilities == hebei.facilities


def test_parks_are_given_by_distance(hebei: Programme) -> None:
    parks = {one.park for one in hebei.facilities}
    assert parks == {
        None,
        "Qinhuangdao pilot area",
        "Caofeidian pilot area",
        "Huainan pilot area",
    }
    station = next(one for one in hebei.facilities if one.id == "cn_cpi_pingwei")
    assert station.park == "Huainan pilot area"


def test_chinese_names_are_there_where_they_are_known(hebei: Programme) -> None:
    named = [one for one in hebei.facilities if one.name_zh]
    assert len(named) > 40
    assert next(one for one in named if one.id == "cn_douhe").name_zh == "陡河发电厂"


def test_no_row_of_the_spatial_finance_data_is_shipped() -> None:
    shipped = [path for path in shipped_folder().rglob("*") if path.suffix in {".csv", ".gz"}]
    assert len(shipped) >= 10
    for path in shipped:
        assert not any("SFI " in line for line in read_lines(path)), path


def test_a_plant_list_row_without_a_range_for_its_industry_is_excluded() -> None:
    rows = [
        "hub,facility_type,name,owner,location,lat,lon,accuracy,capacity,capacity_unit,source",
        "H,cement plant (Grinding),A,,,1,2,,3,Mt/yr,list",
    ]
    start = load_programmes(None)[1].chapters[0].start
    listed = read_plant_list(rows, frozenset({"cement"}), Coefficients([]), start)
    assert not listed.plants
    assert listed.exclusions[0].reason.startswith("no_plausible_range")


def test_real_plants_beyond_the_lists_cite_a_public_page(hebei: Programme) -> None:
    real = [
        one
        for one in hebei.facilities
        if one.provenance is Provenance.REAL and one.industry != "3510"
    ]
    assert {one.id for one in real} == {
        "cn_bnbm_huainan",
        "cn_shougang_jingtang",
        "cn_asano_cement",
    }
    assert all(".com" in one.source or ".org" in one.source for one in real)
