"""The Hebei-Anhui programme: real plants, borrowed load profiles, everything SIMULATED."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from producers.erp import PlanStream, parse_plan_lines
from producers.programmes.borrowed import BorrowedPlant, BorrowedStream, SteelStream, SteelWorks
from producers.programmes.files import read_lines
from producers.programmes.listed_facilities import (
    Profile,
    cement_demands,
    listed_facility,
    power_facilities,
)
from producers.programmes.plant_lists import PlantList, read_plant_list
from producers.programmes.programme import Programme
from producers.programmes.receivers import DemandStream
from producers.programmes.settings_file import ProgrammeFile, parse_programme_file
from producers.programmes.tables import parse_analyses, parse_demands, parse_facilities
from producers.programmes.taipower import parse_snapshots
from schemas.events import DataKind, Facility
from synergy.derive.coefficients import Coefficients

PLANTS_OF_SHARED = Path("data/facilities/qinhuangdao_huainan_150km.csv")
SPATIAL_FINANCE = "spatial_finance"
NOTHING = PlantList((), ())


def hebei_anhui(folder: Path, coefficients: Coefficients, shared: Path | None) -> Programme:
    """Build the programme from its folder and, when it is there, the shared plant list.

    Args:
        folder: `programmes/hebei_anhui`.
        coefficients: The factors.
        shared: Folder of the reference data; its cement and steel rows are used, never shipped.

    Raises:
        ProgrammeFileError: a data file can't be used.
    """
    file = parse_programme_file((folder / "programme.toml").read_text(encoding="utf-8"))
    start = file.chapters[0].start
    power = read_plant_list(
        read_lines(folder / "wri_coal_power.csv"), frozenset({"coal_power"}), coefficients, start
    )
    listed = _spatial_finance(shared, file, coefficients)
    profiles = _profiles(folder)
    stations = power_facilities(power.plants, profiles, file)
    shipped = _shipped_facilities(folder, file, with_list=listed is not NOTHING)
    from_list = {plant: listed_facility(plant, file) for plant in listed.plants}
    works = [
        *(_works(facility) for facility in shipped if facility.industry == "2410"),
        *(
            SteelWorks(facility.id, plant.capacity, plant.blast_furnace)
            for plant, facility in from_list.items()
            if plant.industry == "steel"
        ),
    ]
    known = {facility.id for facility in shipped}
    demands = [
        *(
            row
            for row in parse_demands(read_lines(folder / "demands.csv"))
            if row.facility in known
        ),
        *cement_demands(from_list, coefficients, start),
    ]
    borrowed = [
        BorrowedPlant(facility.id, plant.capacity, profiles[plant.name].source_unit)
        for plant, facility in stations.items()
    ]
    analyses = parse_analyses(read_lines(folder / "analyses.csv"))
    snapshots = parse_snapshots(read_lines(folder / "taipower_coal_units_2024_07_10min.csv.gz"))
    plans = parse_plan_lines(read_lines(folder / "erp_plan_lines.csv"), DataKind.SIMULATED)
    return Programme(
        id=file.id,
        name=file.name,
        chapters=file.chapters,
        facilities=(*stations.values(), *shipped, *from_list.values()),
        exclusions=(*power.exclusions, *listed.exclusions),
        streams=(
            BorrowedStream(borrowed, snapshots, coefficients, analyses, file.id),
            SteelStream(works, coefficients, analyses, file.id),
            DemandStream(demands, file.zone),
            PlanStream(plans.checked()),
        ),
    )


def _spatial_finance(
    shared: Path | None, file: ProgrammeFile, coefficients: Coefficients
) -> PlantList:
    path = shared / PLANTS_OF_SHARED if shared is not None else None
    if path is None or not path.is_file():
        return NOTHING
    return read_plant_list(
        read_lines(path), frozenset({"cement", "steel"}), coefficients, file.chapters[0].start
    )


def _profiles(folder: Path) -> dict[str, Profile]:
    return {
        row["name"]: Profile(row["id"], row["name_zh"] or None, row["source_unit"])
        for row in csv.DictReader(read_lines(folder / "profiles.csv"))
    }


def _shipped_facilities(folder: Path, file: ProgrammeFile, *, with_list: bool) -> list[Facility]:
    rows = parse_facilities(read_lines(folder / "facilities.csv"), file.id)
    return [
        replace(row.facility, park=file.park_of(row.facility.latitude, row.facility.longitude))
        for row in rows
        if not (with_list and row.stands_in_for == SPATIAL_FINANCE)
    ]


def _works(facility: Facility) -> SteelWorks:
    return SteelWorks(facility.id, facility.capacity or 0.0, blast_furnace=True)
