"""Turns the plants of a public list into facilities and their needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.errors import ProgrammeFileError
from producers.programmes.plant_lists import ListedPlant
from producers.programmes.settings_file import ProgrammeFile
from producers.programmes.tables import DemandRow
from schemas.events import DataKind, Facility, Provenance
from synergy.derive.coefficients import Coefficient, Coefficients

# ISIC Rev. 4 class, unit of the capacity, and the day from which the list proves the plant.
INDUSTRIES: Mapping[str, tuple[str, str, str]] = {
    "coal_power": ("3510", "MW", "2018-04-11T00:00:00+00:00"),
    "cement": ("2394", "Mt/yr", "2021-07-01T00:00:00+00:00"),
    "steel": ("2410", "kt/yr", "2021-07-01T00:00:00+00:00"),
}
CEMENT_NEEDS = {
    "clinker": "clinker_per_cement",
    "clay": "clay_per_cement",
    "mined_gypsum": "gypsum_per_cement",
}
TONNES_PER_MEGATONNE = 1_000_000
GRINDING = "Grinding"


@dataclass(frozen=True, slots=True)
class Profile:
    """Id and Chinese name of a station, and the unit in Taiwan whose load profile it borrows."""

    id: str
    name_zh: str | None
    source_unit: str


def power_facilities(
    plants: Iterable[ListedPlant], profiles: Mapping[str, Profile], file: ProgrammeFile
) -> dict[ListedPlant, Facility]:
    """Return the facility of every station. Raises ProgrammeFileError when one has no profile."""
    facilities: dict[ListedPlant, Facility] = {}
    for row, plant in enumerate(plants, start=2):
        profile = profiles.get(plant.name)
        if profile is None:
            raise ProgrammeFileError("profiles.csv", row, f"no profile for {plant.name}: add a row")
        facilities[plant] = _facility(plant, profile.id, profile.name_zh, file)
    return facilities


def listed_facility(plant: ListedPlant, file: ProgrammeFile) -> Facility:
    """Return the facility of a cement or steel plant; its id is the code that the list gives it."""
    code = re.search(r"CHN\d+", plant.source)
    if code is None:
        raise ProgrammeFileError("plant list", 0, f"no code in {plant.source!r}")
    return _facility(plant, f"cn_sfi_{plant.industry}_{code[0].lower()}", None, file)


def _facility(
    plant: ListedPlant, facility_id: str, name_zh: str | None, file: ProgrammeFile
) -> Facility:
    industry, unit, since = INDUSTRIES[plant.industry]
    return Facility(
        id=facility_id,
        programme=file.id,
        park=file.park_of(plant.latitude, plant.longitude),
        name=plant.name,
        name_zh=name_zh,
        latitude=plant.latitude,
        longitude=plant.longitude,
        industry=industry,
        valid_from=datetime.fromisoformat(since),
        provenance=Provenance.REAL,
        source=plant.source,
        capacity=plant.capacity,
        capacity_unit=unit,
        country="CN",
    )


def cement_demands(
    facilities: Mapping[ListedPlant, Facility], coefficients: Coefficients, at: datetime
) -> Iterator[DemandRow]:
    """Yield the simulated needs of the cement plants, scaled to their capacity.

    A grinding works has no kiln, so it needs no clay.
    """
    for plant, facility in facilities.items():
        if plant.industry != "cement":
            continue
        for material, name in CEMENT_NEEDS.items():
            ratio = coefficients.find(name, facility.programme, at)
            if ratio is not None and not (material == "clay" and GRINDING in plant.kind):
                use = coefficients.value("utilisation", facility.programme, at)
                days = coefficients.value("days_per_year", facility.programme, at)
                cement = plant.capacity * TONNES_PER_MEGATONNE * use / days
                yield _demand(facility, material, ratio, cement)


def _demand(facility: Facility, material: str, ratio: Coefficient, cement: float) -> DemandRow:
    return DemandRow(
        facility=facility.id,
        material=material,
        per_day=cement * ratio.value,
        low=cement * ratio.low,
        high=cement * ratio.high,
        unit="TNE",
        profile="continuous",
        data_kind=DataKind.SIMULATED,
        source=f"capacity x {ratio.name}: {ratio.source}",
    )
