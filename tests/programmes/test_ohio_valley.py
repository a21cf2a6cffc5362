"""The Ohio Valley programme: who takes part, when, and what may be said about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from producers.programmes import Programme
from producers.programmes.programme import in_operation
from producers.reading import Reading
from schemas.events import DataKind, Direction, Form, Provenance, SourceKind

NOT_YET_OPEN = "wv_bpb_certainteed_moundsville"


def test_the_13_stations_and_33_units_of_the_state_take_part(tour: list[Reading]) -> None:
    supplies = [reading for reading in tour if reading.direction is Direction.SUPPLY]
    assert len({reading.facility for reading in supplies}) == 13
    assert len({reading.source for reading in supplies}) == 33


def test_no_plant_takes_part_outside_its_years_of_operation(
    ohio: Programme, tour: list[Reading], mitchell_chapter: list[Reading]
) -> None:
    facilities = {facility.id: facility for facility in ohio.facilities}
    readings = tour + mitchell_chapter
    assert len(readings) > 200_000
    assert all(in_operation(facilities[reading.facility], reading) for reading in readings)


def test_the_wallboard_works_beside_mitchell_is_not_open_yet(
    ohio: Programme, tour: list[Reading], mitchell_chapter: list[Reading]
) -> None:
    works = next(one for one in ohio.facilities if one.id == NOT_YET_OPEN)
    assert works.valid_from.year == 2008
    assert NOT_YET_OPEN not in {reading.facility for reading in tour + mitchell_chapter}


def test_only_its_opening_date_keeps_the_wallboard_works_out(ohio: Programme) -> None:
    earlier = datetime.fromisoformat("2000-01-01T00:00:00-05:00")
    facilities = tuple(
        replace(one, valid_from=earlier) if one.id == NOT_YET_OPEN else one
        for one in ohio.facilities
    )
    start = ohio.chapters[0].start
    readings = replace(ohio, facilities=facilities).readings(start, start + timedelta(hours=2))
    assert NOT_YET_OPEN in {reading.facility for reading in readings}


def test_every_facility_has_a_source_and_every_sample_says_that_it_is_one(
    ohio: Programme, hebei: Programme
) -> None:
    facilities = ohio.facilities + hebei.facilities
    assert all(facility.source for facility in facilities)
    for facility in facilities:
        sample = facility.provenance is Provenance.SAMPLE
        assert sample == ("(sample)" in facility.name)
        assert sample == facility.id.startswith("sample_")


def test_needs_are_assumed_and_metered_or_planned(tour: list[Reading]) -> None:
    needs = [reading for reading in tour if reading.direction is Direction.DEMAND]
    kinds = {(reading.source_kind, reading.form) for reading in needs}
    assert kinds == {(SourceKind.METER, Form.FLOW), (SourceKind.ERP, Form.PLAN)}
    assert {reading.data_kind for reading in needs} == {DataKind.ASSUMED}


def test_nothing_is_shown_as_measured(tour: list[Reading], mitchell_chapter: list[Reading]) -> None:
    assert DataKind.MEASURED not in {one.data_kind for one in tour + mitchell_chapter}


def test_a_plan_line_is_revised_later(tour: list[Reading]) -> None:
    plans = [reading for reading in tour if reading.form is Form.PLAN]
    revised = [one for one in plans if one.revision == 2]
    assert [one.document for one in revised] == ["WB-2007-03/10"]
    first = next(one for one in plans if one.document == revised[0].document)
    assert first.revision == 1
    assert first.observed_at < revised[0].observed_at
    assert first.quantity != revised[0].quantity


def test_made_up_plan_lines_are_of_made_up_plants_only(
    ohio: Programme, tour: list[Reading], mitchell_chapter: list[Reading]
) -> None:
    samples = {one.id for one in ohio.facilities if one.provenance is Provenance.SAMPLE}
    plans = [one for one in tour + mitchell_chapter if one.form is Form.PLAN]
    assert len(plans) == 8
    assert {one.facility for one in plans} <= samples
    assert {one.flags for one in plans} == {("sample_document",)}


def test_the_mitchell_chapter_hears_two_units_and_says_who_is_silent(
    ohio: Programme, mitchell_chapter: list[Reading]
) -> None:
    units = {one.source for one in mitchell_chapter if one.source.startswith("epa/")}
    assert units == {"epa/3948/1", "epa/6264/1"}
    silent = ohio.facilities_without_data(ohio.chapters[1])
    assert len(silent & {one.id for one in ohio.facilities if one.industry == "3510"}) == 11
    assert "wv_mitchell" not in silent


def test_chapters_are_labelled_and_the_first_gypsum_is_within_a_minute(
    ohio: Programme, mitchell_chapter: list[Reading]
) -> None:
    chapter = ohio.chapters[1]
    assert chapter.start.isoformat() == "2007-04-20T00:00:00-05:00"
    first = next(
        one
        for one in mitchell_chapter
        if one.source == "epa/3948/1" and one.material == "fgd_gypsum" and one.quantity
    )
    assert (first.observed_at - chapter.start).total_seconds() / chapter.speed < 45


def test_the_tour_lasts_two_to_three_minutes(ohio: Programme) -> None:
    tour = ohio.chapters[0]
    assert 120 <= (tour.end - tour.start).total_seconds() / tour.speed <= 180


def test_ash_above_six_percent_loi_is_there_and_ash_below_and_ash_without_analysis(
    tour: list[Reading],
) -> None:
    loi: dict[str, float | None] = {}
    for reading in tour:
        if reading.material == "fly_ash" and reading.period_start.hour == 0:
            values = [one.value for one in reading.properties if one.name == "loi"]
            loi[reading.facility] = values[0] if values else None
    assert loi["wv_john_e_amos"] == 7.0
    assert loi["wv_mountaineer"] == 4.0
    assert Counter(value is None for value in loi.values())[True] >= 5


def test_readings_come_in_order_of_time(tour: list[Reading]) -> None:
    times = [reading.observed_at for reading in tour]
    assert times == sorted(times)


def test_readings_from_the_middle_are_the_tail_of_all(ohio: Programme, tour: list[Reading]) -> None:
    chapter = ohio.chapters[0]
    middle = chapter.start + timedelta(days=20, minutes=30)
    tail = list(ohio.readings(middle, chapter.end))
    assert tail == [reading for reading in tour if reading.observed_at > middle]
    assert tail
