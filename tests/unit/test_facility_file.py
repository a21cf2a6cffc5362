"""A file of plants: every row becomes a facility, or says which cell to mend."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from producers.enrolment import compare
from producers.facility_cells import EnrolmentTerms
from producers.facility_file import TEMPLATE, FacilityFile, parse_facility_file
from producers.programmes.settings_file import Park
from schemas.events import Facility, Provenance
from synergy.balance.enrolment import flaw_of

HUAINAN = Park("Huainan pilot area", 32.65, 117.0, 60.0)
TERMS = EnrolmentTerms(
    programme="hebei_anhui", park=None, country="CN", parks=(HUAINAN,), source="imported from x"
)
PLAIN = "id,name,industry,latitude,longitude\nmill,Mill,gbt:3011,32.7,117.1\n"
CHINESE = "编号,名称,行业代码,纬度,经度\nmill,淮南水泥厂,gbt:3011,32.7,117.1\n"


def read(text: str | bytes, terms: EnrolmentTerms = TERMS) -> FacilityFile:
    return parse_facility_file(text if isinstance(text, bytes) else text.encode(), terms)


def only(text: str | bytes) -> Facility:
    found = read(text)
    assert found.errors == ()
    (facility,) = found.facilities
    return facility


def wrong(text: str | bytes) -> list[tuple[int, str]]:
    """Return row and column of each error; every error says what to write."""
    found = read(text)
    assert all(one.fix for one in found.errors)
    return [(one.row, one.column) for one in found.errors]


def test_a_plant_gets_programme_park_and_country_from_where_it_is_enrolled() -> None:
    mill = only(PLAIN)
    assert (mill.programme, mill.park, mill.country) == ("hebei_anhui", HUAINAN.name, "CN")
    assert (mill.industry, mill.latitude, mill.longitude) == ("2394", 32.7, 117.1)
    assert mill.valid_from == datetime(1970, 1, 1, tzinfo=UTC)
    assert mill.source == "imported from x; location: as given"
    assert mill.provenance is Provenance.REAL
    assert flaw_of(mill, b"mill") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_chinese_file_is_understood_however_it_was_saved(encoding: str) -> None:
    mill = only(CHINESE.encode(encoding))
    assert (mill.name, mill.name_zh, mill.industry) == ("mill", "淮南水泥厂", "2394")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_understood_and_degrees_may_have_a_decimal_comma(
    separator: str,
) -> None:
    text = PLAIN.replace(",", separator).replace("32.7", "32,7")
    assert only(text) == only(PLAIN)


def test_a_town_or_a_park_stands_for_a_position_and_says_how_well_it_is_known() -> None:
    for place, name in (("淮南", "Huainan"), ("huainan", "Huainan"), ("淮南市", "Huainan")):
        mill = only(f"id,name,industry,place\nmill,Mill,2392,{place}\n")
        assert (mill.latitude, mill.longitude) == (32.65, 117.0)
        assert mill.source.endswith(f"location: town centre of {name}, about 5 km")
    park = only("id,name,industry,place\nmill,Mill,2392,Huainan pilot area\n")
    assert park.source.endswith("location: centre of Huainan pilot area, about 60 km")


def test_the_template_can_be_imported_as_it_is() -> None:
    found = read(TEMPLATE)
    assert found.errors == ()
    assert [one.provenance for one in found.facilities] == [Provenance.SAMPLE] * 2
    assert [one.industry for one in found.facilities] == ["3510", "2392"]


HEAD = "id,name,industry,latitude,longitude,place,country,capacity,valid_from,valid_to,provenance"
CASES: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "an unknown column": (
        "id,name,industry,latitude,longitude,colour\nmill,Mill,2394,32,117,red\n",
        [(1, "colour")],
    ),
    "a column twice": ("id,id,name,industry,place\na,b,Mill,2394,Huainan\n", [(1, "id")]),
    "no place at all": ("id,name,industry\nmill,Mill,2394\n", [(1, "latitude")]),
    "no industry column": ("id,name,place\nmill,Mill,Huainan\n", [(1, "industry")]),
    "nothing": ("", [(1, "file")]),
    "no rows": (f"{HEAD}\n", [(2, "file")]),
    "a wrong industry": (f"{HEAD}\nmill,Mill,cement,32,117\n", [(2, "industry")]),
    "a doubtful industry": (f"{HEAD}\nmill,Mill,3011,32,117\n", [(2, "industry")]),
    "a missing place": (f"{HEAD}\nmill,Mill,2394\n", [(2, "latitude")]),
    "half a place": (f"{HEAD}\nmill,Mill,2394,32\n", [(2, "longitude")]),
    "an unknown town": (f"{HEAD}\nmill,Mill,2394,,,Atlantis\n", [(2, "place")]),
    "degrees the wrong way round": (f"{HEAD}\nmill,Mill,2394,117,32\n", [(2, "latitude")]),
    "no number": (f"{HEAD}\nmill,Mill,2394,32N,117\n", [(2, "latitude")]),
    "not a number": (f"{HEAD}\nmill,Mill,2394,nan,117\n", [(2, "latitude")]),
    "thousands": (f'{HEAD}\nmill,Mill,2394,32,117,,,"1,200"\n', [(2, "capacity")]),
    "a duplicate": (f"{HEAD}\nmill,Mill,2394,32,117\n\nmill,Kiln,2394,32,117\n", [(4, "id")]),
    "a strange id": (f"{HEAD}\nmy mill!,Mill,2394,32,117\n", [(2, "id")]),
    "no name": (f"{HEAD}\nmill,,2394,32,117\n", [(2, "name")]),
    "a strange country": (f"{HEAD}\nmill,Mill,2394,32,117,,Narnia\n", [(2, "country")]),
    "a strange day": (f"{HEAD}\nmill,Mill,2394,32,117,,,,01.04.2018\n", [(2, "valid_from")]),
    "an end before the start": (
        f"{HEAD}\nmill,Mill,2394,32,117,,,,2018-04-01,2017-04-01\n",
        [(2, "valid_to")],
    ),
    "an unmarked sample": (f"{HEAD}\nmill,Mill,2394,32,117,,,,,,SAMPLE\n", [(2, "name")]),
    "too many cells": (f"{HEAD}\nmill,Mill,2394,32,117,,,,,,,,x\n", [(2, "provenance")]),
    "all that is wrong in every row": (
        f"{HEAD}\nmy mill,Mill,x,999,117\nkiln,,2394,32,117\n",
        [(2, "id"), (2, "latitude"), (2, "industry"), (3, "name")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_row_that_is_wrong_names_row_and_column(case: str) -> None:
    text, expected = CASES[case]
    assert wrong(text) == expected


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xfe\x00", b"\x00" * 9])
def test_what_is_no_text_is_said_so(content: bytes) -> None:
    assert wrong(content) == [(1, "file")]


def test_the_same_file_again_changes_nothing_and_another_programme_s_plant_is_not_taken() -> None:
    known = {one.id: one for one in read(TEMPLATE).facilities}
    again = compare(known, read(TEMPLATE).facilities)
    assert (again.summary, again.differences) == ("0 new, 0 changed, 2 unchanged", ())
    moved = read(TEMPLATE.replace("32.66", "32.67").replace("my_brick_works", "other"))
    compared = compare(known, moved.facilities)
    assert compared.summary == "1 new, 1 changed, 0 unchanged"
    assert compared.differences[0].columns == ("latitude",)
    assert compared.differences[1].is_new
    stranger = EnrolmentTerms(programme="x", park=None, country="CN", parks=(), source="y")
    there = compare(known, read(TEMPLATE, stranger).facilities)
    assert [programme for _, programme in there.elsewhere] == ["hebei_anhui"] * 2
