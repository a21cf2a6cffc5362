"""From the cells of one row to a facility. What a plant leaves out is filled in from its programme, and said so."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from producers.errors import CellError
from producers.places import places
from producers.programmes.settings_file import Park
from schemas.events import Facility, Provenance
from synergy.industries import IndustryError, find_industry

SINCE_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Valid from, when nothing is said: it has always operated."""
COUNTRIES: Final[Mapping[str, str]] = {"中国": "CN", "china": "CN", "美国": "US", "usa": "US"}
SAMPLE_MARKS: Final = ("(sample)", "样例", "示例")
MOST_NAME: Final = 200
Read = TypeVar("Read")
_NO_NAMES: Final[tuple[str, str | None]] = ("", None)
_ALWAYS: Final[tuple[datetime, datetime | None]] = (SINCE_EVER, None)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentTerms:
    """What holds for all plants of a file. `country` is empty where the programme has none or several."""

    programme: str
    park: str | None
    country: str
    parks: tuple[Park, ...]
    source: str


@dataclass(frozen=True, slots=True)
class _Spot:
    latitude: float
    longitude: float
    country: str
    source: str


class _Cells:
    """Reads the cells of a row and keeps what is wrong with each."""

    def __init__(self) -> None:
        self.errors: list[CellError] = []

    def read(self, cell: Callable[[], Read], otherwise: Read) -> Read:
        """Return what a cell says, or the other value when it can't be used."""
        try:
            return cell()
        except CellError as error:
            self.errors.append(error)
            return otherwise


def facility_of(
    row: Mapping[str, str], terms: EnrolmentTerms
) -> tuple[Facility | None, tuple[CellError, ...]]:
    """Return the facility of a row, or None and every cell that can't be used."""
    cells = _Cells()
    identity = cells.read(lambda: _identity(row), "")
    name, name_zh = cells.read(lambda: _names(row, identity), _NO_NAMES)
    spot = cells.read(lambda: _spot(row, terms), _Spot(0.0, 0.0, terms.country or "XX", ""))
    country = cells.read(lambda: _country(row, spot, terms), "")
    start, end = cells.read(lambda: _validity(row), _ALWAYS)
    facility = Facility(
        id=identity,
        programme=terms.programme,
        park=cells.read(lambda: _text(row, "park"), None) or terms.park or _park_at(spot, terms),
        name=name,
        name_zh=name_zh,
        latitude=spot.latitude,
        longitude=spot.longitude,
        industry=cells.read(lambda: _industry(row, country), ""),
        permits=_listed(row, "permits"),
        blocked=_listed(row, "blocked"),
        valid_from=start,
        valid_to=end,
        provenance=cells.read(lambda: _provenance(row, f"{name} {name_zh}"), Provenance.REAL),
        source=f"{cells.read(lambda: _text(row, 'source'), None) or terms.source}; "
        f"location: {spot.source}",
        capacity=cells.read(lambda: _capacity(row), None),
        capacity_unit=cells.read(lambda: _text(row, "capacity_unit"), None),
        country=country,
    )
    return (None if cells.errors else facility), tuple(cells.errors)


def _identity(row: Mapping[str, str]) -> str:
    identity = row.get("id", "")
    if not _ID.fullmatch(identity):
        fix = "write 1 to 80 letters, digits, points, hyphens or underscores, such as my_mill"
        raise CellError("id", identity, fix)
    return identity


def _validity(row: Mapping[str, str]) -> tuple[datetime, datetime | None]:
    start, end = _time(row, "valid_from") or SINCE_EVER, _time(row, "valid_to")
    if end is not None and end <= start:
        raise CellError("valid_to", row["valid_to"], "write a day after valid_from")
    return start, end


def _capacity(row: Mapping[str, str]) -> float | None:
    capacity = _number(row, "capacity", ",")
    if capacity is not None and capacity < 0:
        raise CellError("capacity", row["capacity"], "write a number that is not negative")
    return capacity


def _text(row: Mapping[str, str], column: str) -> str | None:
    value = row.get(column, "")
    if len(value) > MOST_NAME:
        raise CellError(column, f"{value[:20]}...", f"write at most {MOST_NAME} characters")
    return value or None


def _names(row: Mapping[str, str], identity: str) -> tuple[str, str | None]:
    """Return the name in Latin script, for which the id stands in where only a Chinese one is given."""
    name, name_zh = _text(row, "name"), _text(row, "name_zh")
    if name is None and name_zh is None:
        raise CellError("name", "", "give the plant a name, in the column name or name_zh")
    return name or identity, name_zh


def _spot(row: Mapping[str, str], terms: EnrolmentTerms) -> _Spot:
    latitude, longitude = _number(row, "latitude", "."), _number(row, "longitude", ".")
    if latitude is None and longitude is None:
        return _named_place(row, terms)
    for column, degrees, most in (("latitude", latitude, 90.0), ("longitude", longitude, 180.0)):
        if degrees is None:
            raise CellError(column, "", "give both latitude and longitude, or neither and a place")
        if abs(degrees) > most:
            swapped = ": are they the wrong way round?" if most < abs(degrees) <= 180.0 else ""
            fix = f"write decimal degrees from -{most:.0f} to {most:.0f}{swapped}"
            raise CellError(column, row[column], fix)
    assert latitude is not None
    assert longitude is not None
    return _Spot(latitude, longitude, "", "as given")


def _named_place(row: Mapping[str, str], terms: EnrolmentTerms) -> _Spot:
    name = row.get("place", "")
    if not name:
        raise CellError("latitude", "", "write latitude and longitude, or a town in column place")
    for park in terms.parks:
        if park.name.casefold() == name.casefold():
            said = f"centre of {park.name}, about {park.radius_km:.0f} km"
            return _Spot(park.latitude, park.longitude, terms.country, said)
    place = places().get(name.casefold())
    if place is None:
        near = difflib.get_close_matches(name.casefold(), places(), n=3)
        like = " or ".join(dict.fromkeys(places()[one].name_en for one in near))
        hint = f" (did you mean {like}?)" if like else ""
        fix = f"it is not known{hint}: write latitude and longitude in degrees"
        raise CellError("place", name, fix)
    said = f"town centre of {place.name_en}, about 5 km"
    return _Spot(place.latitude, place.longitude, place.country, said)


def _park_at(spot: _Spot, terms: EnrolmentTerms) -> str | None:
    near = [
        (distance, park.name)
        for park in terms.parks
        if (distance := park.distance_km(spot.latitude, spot.longitude)) <= park.radius_km
    ]
    return min(near)[1] if near else None


def _country(row: Mapping[str, str], spot: _Spot, terms: EnrolmentTerms) -> str:
    written = row.get("country", "")
    country = COUNTRIES.get(written.casefold(), written.upper()) or spot.country or terms.country
    if not re.fullmatch(r"[A-Z]{2}", country):
        fix = "write the two letters of ISO 3166, such as CN: prices and limits depend on it"
        raise CellError("country", written, fix)
    return country


def _industry(row: Mapping[str, str], country: str) -> str:
    code = row.get("industry", "")
    try:
        return find_industry(code, country)
    except IndustryError as error:
        raise CellError("industry", code, f"{error.problem}: {error.fix}") from error


def _provenance(row: Mapping[str, str], names: str) -> Provenance:
    written = row.get("provenance", "").upper()
    marked = any(mark in names for mark in SAMPLE_MARKS)
    if not written:
        return Provenance.SAMPLE if marked else Provenance.REAL
    if written not in set(Provenance):
        raise CellError("provenance", row["provenance"], "write REAL or SAMPLE")
    if Provenance(written) is Provenance.SAMPLE and not marked:
        fix = "a made-up plant says so in its name: write '(sample)' behind it"
        raise CellError("name", row.get("name", ""), fix)
    return Provenance(written)


def _number(row: Mapping[str, str], column: str, comma_means: str) -> float | None:
    """Return a number. A comma is a decimal comma in degrees; elsewhere it could be either, and is refused."""
    written = row.get(column, "")
    if not written:
        return None
    text = written.replace(",", comma_means)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        fix = "write a number with a decimal point, without unit and thousands separator"
        raise CellError(column, written, fix)
    return value


def _time(row: Mapping[str, str], column: str) -> datetime | None:
    written = row.get(column, "").replace("/", "-")
    if not written:
        return None
    try:
        time = datetime.fromisoformat(written)
    except ValueError as error:
        fix = "write a day such as 2018-04-01, or a time with its offset from UTC"
        raise CellError(column, row[column], fix) from error
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _listed(row: Mapping[str, str], column: str) -> tuple[str, ...]:
    parts = re.split(r"[|;\uff1b]", row.get(column, ""))
    return tuple(part.strip() for part in parts if part.strip())
