"""The small tables of a programme: facilities, demands, analyses. Each row names its source."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.errors import ProgrammeFileError
from schemas.events import DataKind, Facility, Property, Provenance

EVERY_FACILITY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityRow:
    """A facility and what the file says about it beyond the event."""

    facility: Facility
    source_code: str
    stands_in_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandRow:
    """What a receiver needs of a material per day, in `unit` (Rec 20), with its range."""

    facility: str
    material: str
    per_day: float
    low: float
    high: float
    unit: str
    profile: str
    data_kind: DataKind
    source: str


class Analyses:
    """Assumed properties by facility and material; `*` holds for every facility."""

    def __init__(self, properties: Mapping[tuple[str, str], tuple[Property, ...]]) -> None:
        """Take the properties by facility (or `*`) and material."""
        self._properties = properties

    def of(self, facility: str, material: str) -> tuple[Property, ...]:
        """Return the properties of a facility's material; empty means not known."""
        named = self._properties.get((facility, material), ())
        return named or self._properties.get((EVERY_FACILITY, material), ())


def parse_facilities(lines: Iterable[str], programme: str) -> tuple[FacilityRow, ...]:
    """Read a facilities file. Raises ProgrammeFileError for a row that can't be used."""
    rows: list[FacilityRow] = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            rows.append(_facility_row(row, programme))
        except (KeyError, ValueError) as error:
            raise ProgrammeFileError("facilities.csv", number, str(error)) from error
    return tuple(rows)


def _facility_row(row: Mapping[str, str], programme: str) -> FacilityRow:
    provenance = Provenance(row["provenance"])
    if provenance is Provenance.SAMPLE and "(sample)" not in row["name"]:
        msg = f"{row['name']!r} is a sample: its name has to say so"
        raise ValueError(msg)
    facility = Facility(
        id=row["id"],
        programme=programme,
        park=row["park"] or None,
        name=row["name"],
        name_zh=row["name_zh"] or None,
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        industry=row["industry"],
        valid_from=_time(row["valid_from"]),
        valid_to=_time(row["valid_to"]) if row["valid_to"] else None,
        provenance=provenance,
        source=f"{row['source']}; location: {row['location_source']}",
        capacity=float(row["capacity"]) if row["capacity"] else None,
        capacity_unit=row["capacity_unit"] or None,
        country=row["country"],
    )
    return FacilityRow(
        facility=facility, source_code=row["source_code"], stands_in_for=row["stands_in_for"]
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        msg = f"{text!r} has no UTC offset"
        raise ValueError(msg)
    return time


def parse_demands(lines: Iterable[str]) -> tuple[DemandRow, ...]:
    """Read a demands file. Raises ProgrammeFileError for a row that can't be used."""
    rows: list[DemandRow] = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            demand = DemandRow(
                facility=row["facility"],
                material=row["material"],
                per_day=float(row["per_day"]),
                low=float(row["low"]),
                high=float(row["high"]),
                unit=row["unit"],
                profile=row["profile"],
                data_kind=DataKind(row["kind"]),
                source=row["source"],
            )
        except (KeyError, ValueError) as error:
            raise ProgrammeFileError("demands.csv", number, str(error)) from error
        if not demand.low <= demand.per_day <= demand.high or not demand.source:
            raise ProgrammeFileError("demands.csv", number, "value outside its range or no source")
        rows.append(demand)
    return tuple(rows)


def parse_analyses(lines: Iterable[str]) -> Analyses:
    """Read an analyses file. Raises ProgrammeFileError for a row that can't be used."""
    properties: dict[tuple[str, str], tuple[Property, ...]] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            kind = DataKind(row["kind"])
            value = Property(
                name=row["property"],
                value=float(row["value"]),
                unit=row["unit"],
                method=f"{kind.lower()}: {row['source']}",
            )
        except (KeyError, ValueError) as error:
            raise ProgrammeFileError("analyses.csv", number, str(error)) from error
        key = (row["facility"], row["material"])
        properties[key] = (*properties.get(key, ()), value)
    return Analyses(properties)
