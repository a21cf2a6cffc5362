"""The `programme.toml` of a programme: its name, chapters and parks."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from producers.errors import ProgrammeFileError
from producers.programmes.programme import Chapter

KILOMETRES_PER_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class Park:
    """A pilot area: a centre and a radius. Belonging is by distance, which is an assumption."""

    name: str
    latitude: float
    longitude: float
    radius_km: float

    def distance_km(self, latitude: float, longitude: float) -> float:
        """Return the distance to the centre in km, on a flat map: good enough within a park."""
        north = (latitude - self.latitude) * KILOMETRES_PER_DEGREE
        scale = KILOMETRES_PER_DEGREE * math.cos(math.radians(self.latitude))
        return math.hypot(north, (longitude - self.longitude) * scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeFile:
    """What `programme.toml` says."""

    id: str
    name: str
    zone: timezone
    chapters: tuple[Chapter, ...]
    parks: tuple[Park, ...]

    def park_of(self, latitude: float, longitude: float) -> str | None:
        """Return the nearest park within whose radius the place lies, or None."""
        near = [
            (park.distance_km(latitude, longitude), park.name)
            for park in self.parks
            if park.distance_km(latitude, longitude) <= park.radius_km
        ]
        return min(near)[1] if near else None


def parse_programme_file(text: str) -> ProgrammeFile:
    """Read a `programme.toml`.

    Raises:
        ProgrammeFileError: a key is missing, a time has no offset, or the chapters are not in order.
    """
    try:
        content = tomllib.loads(text)
        chapters = tuple(_chapter(table) for table in content["chapters"])
        parks = tuple(Park(**table) for table in content.get("parks", ()))
        zone = timezone(timedelta(hours=content["profile_utc_offset_hours"]))
        file = ProgrammeFile(
            id=content["id"], name=content["name"], zone=zone, chapters=chapters, parks=parks
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProgrammeFileError("programme.toml", 0, f"{type(error).__name__}: {error}") from error
    _check_order(file.chapters)
    return file


def _chapter(table: dict[str, Any]) -> Chapter:
    start, end = table["start"], table["end"]
    for time in (start, end):
        if not isinstance(time, datetime) or time.tzinfo is None:
            msg = f"{time} is not a time with an offset"
            raise ValueError(msg)
    return Chapter(label=table["label"], start=start, end=end, speed=float(table["speed"]))


def _check_order(chapters: Iterable[Chapter]) -> None:
    previous: Chapter | None = None
    for chapter in chapters:
        if chapter.end <= chapter.start or chapter.speed <= 0:
            raise ProgrammeFileError("programme.toml", 0, f"{chapter.label} is empty or stands")
        if previous is not None and chapter.start < previous.end:
            raise ProgrammeFileError("programme.toml", 0, f"{chapter.label} starts too early")
        previous = chapter
