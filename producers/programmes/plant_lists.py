"""Plants from public lists around Qinhuangdao and Huainan: who takes part, who is left out and why.

Coal power: WRI Global Power Plant Database, shipped (CC BY 4.0). Cement and steel: Spatial Finance
Initiative asset data, never shipped (licence unclear), read from the shared folder when it is there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from producers.programmes.programme import Exclusion
from synergy.derive.coefficients import Coefficients

# Names that tell a works without a melt shop: it rolls, coats or cokes, so it makes no slag.
NO_MELT_SHOP = ("ROLLING", "TINPLATE", "SHEET", "GALVANIZ", "COKING")
# Names that tell an electric furnace without a blast furnace: steel slag only.
NO_BLAST_FURNACE = ("STAINL", "SPECIAL", "CASTING")
INDUSTRY_BY_TYPE = {
    "coal power plant": "coal_power",
    "cement plant": "cement",
    "steel plant": "steel",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPlant:
    """A row of a plant list that may take part. `industry` is coal_power, cement or steel."""

    name: str
    industry: str
    kind: str
    latitude: float
    longitude: float
    capacity: float
    source: str

    @property
    def blast_furnace(self) -> bool:
        """Whether a steel works makes iron too, judged by its name."""
        return not _has_word(self.name, NO_BLAST_FURNACE)


@dataclass(frozen=True, slots=True)
class PlantList:
    """The plants that take part and the rows that do not."""

    plants: tuple[ListedPlant, ...]
    exclusions: tuple[Exclusion, ...]


def read_plant_list(
    lines: Iterable[str], industries: frozenset[str], coefficients: Coefficients, at: datetime
) -> PlantList:
    """Sort the rows of these industries into plants and exclusions.

    Args:
        lines: A CSV file with the columns of `facilities/qinhuangdao_huainan_150km.csv`.
        industries: Which of coal_power, cement and steel to read.
        coefficients: `plausible_capacity` by industry gives the accepted range.
        at: Programme time for which the range is looked up.
    """
    plants: list[ListedPlant] = []
    exclusions: list[Exclusion] = []
    for row in csv.DictReader(lines):
        industry = INDUSTRY_BY_TYPE[row["facility_type"].partition(" (")[0]]
        if industry not in industries:
            continue
        reason = _reason_against(row, industry, coefficients, at)
        if reason is None:
            plants.append(_plant(row, industry))
        else:
            exclusions.append(_exclusion(row, industry, reason))
    return PlantList(tuple(plants), tuple(exclusions))


def _reason_against(
    row: Mapping[str, str], industry: str, coefficients: Coefficients, at: datetime
) -> str | None:
    if industry == "steel" and _has_word(row["name"], NO_MELT_SHOP):
        return "no_iron_or_steel_made: rolls, coats or cokes, so there is no slag"
    if not row["capacity"]:
        return "capacity_missing: no flow can be scaled"
    plausible = coefficients.find("plausible_capacity", industry, at)
    if plausible is None:
        return "no_plausible_range: add plausible_capacity for this industry"
    capacity = float(row["capacity"])
    if not plausible.low <= capacity <= plausible.high:
        return (
            f"capacity_out_of_range: {capacity:g} is not within "
            f"{plausible.low:g} to {plausible.high:g} {plausible.unit}"
        )
    return None


def _name(row: Mapping[str, str]) -> str:
    name, owner = row["name"].strip(), row["owner"].strip()
    if not name:
        return owner or "unnamed plant"
    return f"{name}, {owner}" if name.endswith(" Plant") and owner else name


def _plant(row: Mapping[str, str], industry: str) -> ListedPlant:
    return ListedPlant(
        name=_name(row),
        industry=industry,
        kind=row["facility_type"],
        latitude=float(row["lat"]),
        longitude=float(row["lon"]),
        capacity=float(row["capacity"]),
        source=row["source"],
    )


def _exclusion(row: Mapping[str, str], industry: str, reason: str) -> Exclusion:
    return Exclusion(
        name=_name(row),
        industry=industry,
        capacity=float(row["capacity"]) if row["capacity"] else None,
        unit=row["capacity_unit"],
        reason=reason,
        source=row["source"],
    )


def _has_word(name: str, words: Iterable[str]) -> bool:
    return any(word in name.upper() for word in words)
