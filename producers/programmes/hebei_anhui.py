"""The Hebei-Anhui programme: real plants, borrowed load profiles, everything SIMULATED."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
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
from producers.programmes.plant_lists import read_plant_list
from producers.programmes.programme import Exclusion, Programme
from producers.programmes.receivers import DemandStream
from producers.programmes.settings_file import ProgrammeFile, parse_programme_file
from producers.programmes.tables import (
    DemandRow,
    parse_analyses,
    parse_demands,
    parse_facilities,
)
from producers.programmes.taipower import parse_snapshots
from schemas.events import DataKind, Facility
from synergy.derive.coefficients import Coefficients

PLANTS_OF_SHARED = Path("data/facilities/qinhuangdao_huainan_150km.csv")
SPATIAL_FINANCE = "spatial_finance"
STEEL = "2410"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Participants:
    """Who takes part on one side of the programme, and what makes its flows."""

    facilities: tuple[Facility, ...]
    exclusions: tuple[Exclusion, ...]
    borrowed: tuple[BorrowedPlant, ...] = ()
    works: tuple[SteelWorks, ...] = ()
    demands: tuple[DemandRow, ...] = ()


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
    stations = _stations(folder, file, coefficients)
    listed = _spatial_finance(shared, file, coefficients)
    shipped = _shipped(folder, file, with_list=bool(listed.facilities))
    parties = (stations, shipped, listed)
    analyses = parse_analyses(read_lines(folder / "analyses.csv"))
    snapshots = parse_snapshots(read_lines(folder / "taipower_coal_units_2024_07_10min.csv.gz"))
    plans = parse_plan_lines(read_lines(folder / "erp_plan_lines.csv"), DataKind.SIMULATED)
    works = [works for party in parties for works in party.works]
    demands = [demand for party in parties for demand in party.demands]
    return Programme(
        id=file.id,
        name=file.name,
        chapters=file.chapters,
        facilities=tuple(one for party in parties for one in party.facilities),
        exclusions=tuple(one for party in parties for one in party.exclusions),
        streams=(
            BorrowedStream(stations.borrowed, snapshots, coefficients, analyses, file.id),
            SteelStream(works, coefficients, analyses, file.id),
            DemandStream(demands, file.zone),
            PlanStream(plans.checked()),
        ),
    )


def _stations(folder: Path, file: ProgrammeFile, coefficients: Coefficients) -> _Participants:
    """Return the coal stations with their borrowed profiles."""
    start = file.chapters[0].start
    lines = read_lines(folder / "wri_coal_power.csv")
    power = read_plant_list(lines, frozenset({"coal_power"}), coefficients, start)
    profiles = {
        row["name"]: Profile(row["id"], row["name_zh"] or None, row["source_unit"])
        for row in csv.DictReader(read_lines(folder / "profiles.csv"))
    }
    facilities = power_facilities(power.plants, profiles, file)
    borrowed = (
        BorrowedPlant(facility.id, plant.capacity, profiles[plant.name].source_unit)
        for plant, facility in facilities.items()
    )
    return _Participants(
        facilities=tuple(facilities.values()),
        exclusions=power.exclusions,
        borrowed=tuple(borrowed),
    )


def _spatial_finance(
    shared: Path | None, file: ProgrammeFile, coefficients: Coefficients
) -> _Participants:
    """Return the cement and steel plants of the shared list; nobody without it."""
    path = shared / PLANTS_OF_SHARED if shared is not None else None
    if path is None or not path.is_file():
        return _Participants(facilities=(), exclusions=())
    start = file.chapters[0].start
    industries = frozenset({"cement", "steel"})
    listed = read_plant_list(read_lines(path), industries, coefficients, start)
    facilities = {plant: listed_facility(plant, file) for plant in listed.plants}
    works = (
        SteelWorks(facility.id, plant.capacity, plant.blast_furnace)
        for plant, facility in facilities.items()
        if plant.industry == "steel"
    )
    return _Participants(
        facilities=tuple(facilities.values()),
        exclusions=listed.exclusions,
        works=tuple(works),
        demands=tuple(cement_demands(facilities, coefficients, start)),
    )


def _shipped(folder: Path, file: ProgrammeFile, *, with_list: bool) -> _Participants:
    """Return the plants of the facilities file, without those that the shared list replaces."""
    rows = parse_facilities(read_lines(folder / "facilities.csv"), file.id)
    facilities = tuple(
        replace(row.facility, park=file.park_of(row.facility.latitude, row.facility.longitude))
        for row in rows
        if not (with_list and row.stands_in_for == SPATIAL_FINANCE)
    )
    known = {facility.id for facility in facilities}
    demands = parse_demands(read_lines(folder / "demands.csv"))
    return _Participants(
        facilities=facilities,
        exclusions=(),
        works=tuple(_works(facility) for facility in facilities if facility.industry == STEEL),
        demands=tuple(demand for demand in demands if demand.facility in known),
    )


def _works(facility: Facility) -> SteelWorks:
    return SteelWorks(facility.id, facility.capacity or 0.0, blast_furnace=True)
