"""What a person sees of the two programmes: replay, balance and market together, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from producers.programmes import Programme
from schemas.events import DataKind, Match, SourceKind, Verdict
from tests.programmes.pipeline import Pipeline

AMOS_ASH = ("wv_john_e_amos", "fly_ash", "SUPPLY")
MITCHELL_GYPSUM = ("wv_mitchell", "fgd_gypsum", "SUPPLY")
PLANNED_GYPSUM = ("sample_wallboard_moundsville", "mined_gypsum", "DEMAND")


def matches_of(pipeline: Pipeline, giver: str, material: str) -> list[Match]:
    return [
        one for one in pipeline.open_matches() if (one.giver, one.material) == (giver, material)
    ]


@pytest.fixture(scope="module")
def tour(ohio: Programme, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The network tour after 30 seconds."""
    pipeline = Pipeline(ohio, tmp_path_factory.mktemp("tour"))
    pipeline.run(30)
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module")
def pilot(hebei: Programme, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Hebei-Anhui without shared data after 10 seconds."""
    pipeline = Pipeline(hebei, tmp_path_factory.mktemp("pilot"))
    pipeline.run(10)
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module")
def chapters(ohio: Programme, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Two days of the tour, then the jump to the Mitchell chapter."""
    first, second = ohio.chapters
    short = replace(first, end=first.start + timedelta(days=2))
    played = replace(ohio, chapters=(short, second))
    pipeline = Pipeline(played, tmp_path_factory.mktemp("chapters"))
    while pipeline.replay.progress.chapter != second.label:
        pipeline.step()
    yield pipeline
    pipeline.close()


def test_nothing_that_the_programmes_publish_is_refused(tour: Pipeline, pilot: Pipeline) -> None:
    assert len(tour.seen.positions) >= 60
    assert len(pilot.seen.positions) > 100
    assert not tour.seen.refused
    assert not pilot.seen.refused


def test_the_first_match_is_there_within_seconds(
    ohio: Programme, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pipeline = Pipeline(ohio, tmp_path_factory.mktemp("first"))
    pipeline.run(5)
    assert pipeline.open_matches()
    pipeline.close()


def test_ash_with_seven_percent_loi_fails_ready_mix_and_goes_to_brick_or_raw_feed(
    tour: Pipeline,
) -> None:
    uses = {one.use for one in matches_of(tour, "wv_john_e_amos", "fly_ash")}
    assert uses
    assert uses <= {"fly_ash_brick", "fly_ash_raw_feed", "fly_ash_road_base"}
    for one in matches_of(tour, "wv_john_e_amos", "fly_ash"):
        failed = [(r.subject, r.value, r.text) for r in one.reasons if r.code == "limit_failed"]
        assert ("loi", 7.0, "fly_ash_ready_mix") in failed
    (position,) = [tour.seen.positions[AMOS_ASH]]
    assert {(one.name, one.value) for one in position.properties} >= {("loi", 7.0)}


def test_good_ash_meets_and_ash_without_analysis_is_conditional(tour: Pipeline) -> None:
    verdicts = {one.verdict for one in tour.open_matches()}
    assert verdicts == {Verdict.MEETS, Verdict.UNKNOWN}
    for one in tour.open_matches():
        if one.use == "fly_ash_ready_mix" and one.giver not in {"wv_mitchell", "wv_mountaineer"}:
            assert one.verdict is Verdict.UNKNOWN


def test_the_need_of_the_plan_file_is_matched_and_told_apart_from_meters(tour: Pipeline) -> None:
    position = tour.seen.positions[PLANNED_GYPSUM]
    assert position.source_kind is SourceKind.ERP
    assert position.plan_per_day
    assert PLANNED_GYPSUM[0] in {one.receiver for one in tour.open_matches()}
    kinds = {one.source_kind for one in tour.seen.positions.values()}
    assert kinds == {SourceKind.METER, SourceKind.ERP, SourceKind.REPLAY}


def test_the_revised_plan_line_changes_the_need(
    ohio: Programme, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pipeline = Pipeline(ohio, tmp_path_factory.mktemp("revised"))
    pipeline.run(5)
    assert pipeline.seen.positions[PLANNED_GYPSUM].plan_per_day == 900_000_000
    pipeline.run(10)
    assert pipeline.seen.positions[PLANNED_GYPSUM].plan_per_day == 1_100_000_000
    pipeline.close()


def test_low_temperature_heat_fails_and_is_not_proposed(tour: Pipeline) -> None:
    assert not [one for one in tour.open_matches() if one.material == "waste_heat"]


def test_a_clone_alone_has_five_open_matches_and_all_are_simulated(pilot: Pipeline) -> None:
    matches = pilot.open_matches()
    assert len(matches) >= 5
    assert {one.data_kind for one in matches} == {DataKind.SIMULATED}
    assert len({one.receiver for one in matches}) >= 8
    assert {one.data_kind for one in pilot.seen.positions.values()} == {DataKind.SIMULATED}


def test_after_the_jump_silent_plants_have_no_data_and_are_not_stale(
    ohio: Programme, chapters: Pipeline
) -> None:
    chapters.run(5)
    silent = ohio.facilities_without_data(ohio.chapters[1])
    theirs = [one for one in chapters.seen.positions.values() if one.facility in silent]
    assert len(theirs) > 20
    assert not any(one.stale for one in theirs)
    assert all("no_data_in_chapter" in one.flags for one in theirs)
    assert not [one for one in chapters.seen.alerts if one.rule == "supply_stale"]


def test_the_gypsum_of_mitchell_1_appears_within_a_minute_of_its_chapter(
    chapters: Pipeline,
) -> None:
    started = chapters.seconds
    start = datetime.fromisoformat("2007-04-27T00:00:00-05:00")

    def gypsum() -> int:
        position = chapters.seen.positions[MITCHELL_GYPSUM]
        return position.quantity_24h if position.as_of > start else 0

    while not gypsum():
        chapters.step()
        assert chapters.seconds - started < 60
    while not matches_of(chapters, "wv_mitchell", "fgd_gypsum"):
        chapters.step()
        assert chapters.seconds - started < 60


def test_the_flags_of_substitute_hours_reach_the_position(chapters: Pipeline) -> None:
    # Mitchell 1 ran on substitute values until September 2007, and May is not over here.
    assert "substitute" in chapters.seen.positions[MITCHELL_GYPSUM].flags
