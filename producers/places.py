"""Towns of the pilot regions by name, for plants whose position is not known better.

Positions are town centres, written from general knowledge: right to about 5 km, and said so in the facility's source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A town: WGS 84 in degrees, country as ISO 3166-1 alpha-2."""

    name_en: str
    name_zh: str
    country: str
    latitude: float
    longitude: float


@cache
def places() -> Mapping[str, Place]:
    """Return the towns by each of their names, in lower case."""
    text = (files("producers") / "places.csv").read_text(encoding="utf-8")
    found: dict[str, Place] = {}
    for row in csv.DictReader(io.StringIO(text)):
        place = Place(
            name_en=row["name_en"],
            name_zh=row["name_zh"],
            country=row["country"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
        )
        for name in (place.name_en, place.name_zh, f"{place.name_zh}市"):
            if name.strip("市"):
                found[name.casefold()] = place
    return MappingProxyType(found)
