"""The Ohio Valley programme: real stack data of West Virginia's coal stations in 2007."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from producers.erp import PlanStream, parse_plan_lines
from producers.programmes.epa import StackHour, StackStream, parse_stack_hours
from producers.programmes.files import read_lines
from producers.programmes.programme import Chapter, Programme
from producers.programmes.receivers import DemandStream
from producers.programmes.settings_file import parse_programme_file
from producers.programmes.tables import parse_analyses, parse_demands, parse_facilities
from schemas.events import DataKind
from synergy.derive.coefficients import Coefficients

NETWORK_HOURS = "epa_hourly_2007_03.csv.gz"
UNIT_YEARS = ("epa_hourly_2007_mitchell_1.csv.gz", "epa_hourly_2007_mountaineer_1.csv.gz")


def ohio_valley(folder: Path, coefficients: Coefficients) -> Programme:
    """Build the programme from its folder. Raises ProgrammeFileError."""
    file = parse_programme_file((folder / "programme.toml").read_text(encoding="utf-8"))
    rows = parse_facilities(read_lines(folder / "facilities.csv"), file.id)
    stations = {row.source_code: row.facility.id for row in rows if row.source_code}
    analyses = parse_analyses(read_lines(folder / "analyses.csv"))
    demands = parse_demands(read_lines(folder / "demands.csv"))
    plans = parse_plan_lines(read_lines(folder / "erp_plan_lines.csv"), DataKind.ASSUMED)
    hours = played_hours(folder, file.chapters)
    return Programme(
        id=file.id,
        name=file.name,
        chapters=file.chapters,
        facilities=tuple(row.facility for row in rows),
        exclusions=(),
        streams=(
            StackStream(hours, stations, coefficients, analyses),
            DemandStream(demands, file.zone),
            PlanStream(plans.checked()),
        ),
    )


def played_hours(folder: Path, chapters: tuple[Chapter, ...]) -> Iterator[StackHour]:
    """Yield the hours of the tour from the network file, those after it from the files of single units.

    Both files hold Mitchell 1 and Mountaineer 1 in March: an hour is taken from one of them only.
    """
    tour, later = chapters[0], chapters[1:]
    yield from _between(parse_stack_hours(read_lines(folder / NETWORK_HOURS)), tour)
    for name in UNIT_YEARS:
        unit_hours = list(parse_stack_hours(read_lines(folder / name)))
        for chapter in later:
            yield from _between(unit_hours, chapter)


def _between(hours: Iterable[StackHour], chapter: Chapter) -> Iterator[StackHour]:
    return (hour for hour in hours if chapter.start <= hour.start < chapter.end)
