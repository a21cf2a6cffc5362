"""Reads a file of plants: every row becomes a facility, or is reported with its column and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from producers.errors import CellError, RowError
from producers.facility_cells import EnrolmentTerms, facility_of
from producers.sent_tables import SentTable, read_sent_table
from schemas.events import Facility

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("编号", "设施编号", "facility", "facility_id"),
    "name": ("英文名", "英文名称", "name_en"),
    "name_zh": ("名称", "中文名", "中文名称", "企业名称"),
    "industry": ("行业代码", "行业", "industry_code"),
    "latitude": ("纬度", "lat"),
    "longitude": ("经度", "lon", "lng"),
    "place": ("地点", "所在地", "城市", "city"),
    "park": ("园区",),
    "country": ("国家",),
    "valid_from": ("投产日期",),
    "valid_to": ("停产日期",),
    "permits": ("许可",),
    "blocked": ("不合作",),
    "provenance": ("性质",),
    "capacity": ("产能",),
    "capacity_unit": ("产能单位",),
    "source": ("来源",),
}
"""Every column with its other names."""
NEEDED: Final = ("id", "industry")
TEMPLATE: Final = """\
id,name,name_zh,industry,latitude,longitude,place,park,country,valid_from,valid_to,permits,blocked,provenance,capacity,\
capacity_unit,source
my_power_station,My power station (sample),样例电厂,gbt:4411,32.66,117.02,,,CN,2018-01-01,,,,SAMPLE,600,MW,made up
my_brick_works,My brick works (sample),样例砖厂,gbt:3031,,,Huainan,,CN,,,,,SAMPLE,,,made up
"""
"""What `synergy facilities template` prints: every column, one plant by its position and one by its town."""
_NAMES: Final = {
    name.casefold(): column for column, others in COLUMNS.items() for name in (column, *others)
}


@dataclass(frozen=True, slots=True)
class FacilityFile:
    """The plants of a file in its order, and what is wrong with it."""

    facilities: tuple[Facility, ...]
    errors: tuple[RowError, ...]


def parse_facility_file(content: bytes, terms: EnrolmentTerms) -> FacilityFile:
    """Read a file. Columns may stand in any order; `id` and `industry` are needed, and a place."""
    try:
        table = read_sent_table(content)
    except CellError as error:
        return FacilityFile((), (error.at(1),))
    columns, errors = _columns(table)
    if errors:
        return FacilityFile((), tuple(errors))
    facilities: list[Facility] = []
    rows_of: dict[str, int] = {}
    for number, cells in table.rows:
        row, wrong = _row(columns, cells, table.separator)
        identity = row.get("id", "")
        if identity and identity in rows_of:
            fix = f"row {rows_of[identity]} has this id already: give every plant its own"
            wrong.append(CellError("id", identity, fix))
        rows_of.setdefault(identity, number)
        facility, more = facility_of(row, terms)
        errors += [one.at(number) for one in (*wrong, *more)]
        if facility is not None and not wrong:
            facilities.append(facility)
    if not table.rows:
        errors.append(RowError(2, "file", "", "it has no row below the column names: add a plant"))
    return FacilityFile(tuple(facilities), tuple(errors))


def _columns(table: SentTable) -> tuple[list[str], list[RowError]]:
    """Return the column of each cell, and what is wrong with the heading."""
    found: list[str] = []
    errors: list[RowError] = []
    for name in table.heading:
        column = _NAMES.get(name.casefold(), "")
        if not column:
            errors.append(RowError(1, name, name, f"there is no such column{_nearest(name)}"))
        elif column in found:
            errors.append(RowError(1, name, name, f"{column} is there twice: take one out"))
        found.append(column)
    errors += [
        RowError(1, needed, "", f"add the column {needed}")
        for needed in NEEDED
        if needed not in found
    ]
    if "place" not in found and not {"latitude", "longitude"} <= set(found):
        fix = "add the columns latitude and longitude, or the column place"
        errors.append(RowError(1, "latitude", "", fix))
    return found, errors


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.casefold(), _NAMES, n=1, cutoff=0.75)
    if near:
        return f": write {_NAMES[near[0]]}, or take it out"
    return f": take it out; known are {', '.join(COLUMNS)}"


def _row(
    names: Sequence[str], cells: tuple[str, ...], separator: str
) -> tuple[dict[str, str], list[CellError]]:
    row = dict(zip(names, cells, strict=False))
    extra = separator.join(cells[len(names) :])
    if not extra.strip(separator):
        return row, []
    fix = "there are more cells than columns: put text that has a separator in quotes"
    return row, [CellError(names[-1], extra, fix)]
