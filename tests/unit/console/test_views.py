"""The fold of the topics into what is known now."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest

from console.views import OPEN_STATES, Views
from schemas.events import (
    Alert,
    Availability,
    Event,
    FacilityFacts,
    Match,
    MatchState,
    Outcome,
    Position,
    Rejected,
    ReplayState,
    Tick,
    Unmatched,
)
from tests.unit.console.examples import example

OLD, NEW = "old-programme", "new-programme"


def views_of(*events: Event) -> Views:
    views = Views()
    for event in events:
        views.take(event)
    return views


def facts(programme: str, *, removed: bool = False) -> FacilityFacts:
    return example(
        FacilityFacts, facility="mill", programme=programme, name=programme, removed=removed
    )


def position(programme: str, **changes: object) -> Position:
    return example(Position, facility="mill", programme=programme, **changes)


def shown_positions(views: Views) -> set[tuple[str, int]]:
    return {(one.programme, one.quantity_24h) for one in views.positions.values()}


def test_the_latest_position_of_a_series_is_kept() -> None:
    views = views_of(*(position(OLD, quantity_24h=number) for number in (3, 1, 2)))
    assert shown_positions(views) == {(OLD, 2)}


def test_series_are_told_apart_by_facility_material_and_direction() -> None:
    one = position(OLD)
    others = (
        position(OLD, material="slag"),
        position(OLD, direction=next(d for d in type(one.direction) if d is not one.direction)),
        example(Position, facility="kiln", programme=OLD),
    )
    assert len(views_of(one, *others).positions) == 4


def test_what_no_screen_shows_changes_nothing_but_the_version() -> None:
    views = views_of(example(Availability))
    assert views.version == 1
    assert views == Views(version=1)


def test_a_facility_that_left_takes_its_positions_and_explanations_along() -> None:
    unmatched = example(Unmatched, facility="mill", programme=OLD, resolved=False)
    neighbour = example(Position, facility="kiln", programme=OLD, quantity_24h=9)
    views = views_of(facts(OLD), position(OLD), unmatched, neighbour, facts(OLD, removed=True))
    assert views.facilities == {}
    assert views.unmatched == {}
    assert shown_positions(views) == {(OLD, 9)}


def test_a_facility_that_came_back_is_shown_again() -> None:
    views = views_of(
        facts(OLD), facts(OLD, removed=True), facts(OLD), position(OLD, quantity_24h=5)
    )
    assert views.facilities["mill"].programme == OLD
    assert shown_positions(views) == {(OLD, 5)}


OLD_PARTITION: tuple[Event, ...] = (
    facts(OLD),
    position(OLD, quantity_24h=1),
    facts(OLD, removed=True),
)
NEW_PARTITION: tuple[Event, ...] = (facts(NEW), position(NEW, quantity_24h=2))


@pytest.mark.parametrize(
    "sides", sorted(set(permutations("ooonn"))), ids=lambda sides: "".join(sides)
)
def test_a_move_to_another_programme_ends_the_same_however_the_two_partitions_arrive(
    sides: tuple[str, ...],
) -> None:
    """
    old programme's partition:  facts ── position ── removed
    new programme's partition:  facts ── position            (in any order to those above)
    """
    parts = {"o": iter(OLD_PARTITION), "n": iter(NEW_PARTITION)}
    views = views_of(*(next(parts[side]) for side in sides))
    assert views.facilities == {"mill": facts(NEW)}
    assert shown_positions(views) == {(NEW, 2)}


def test_an_old_position_read_behind_the_removal_stays_away() -> None:
    """A start from the ledger gives all facts first, then the last position of every series."""
    views = views_of(
        facts(OLD, removed=True), facts(NEW), position(OLD), position(NEW, quantity_24h=2)
    )
    assert shown_positions(views) == {(NEW, 2)}


def test_an_explanation_goes_once_it_is_resolved() -> None:
    told = example(Unmatched, resolved=False)
    assert len(views_of(told).unmatched) == 1
    assert views_of(told, example(Unmatched, resolved=True)).unmatched == {}


def match(number: int, gain: int, state: MatchState = MatchState.PROPOSED) -> Match:
    return example(
        Match,
        id=UUID(int=number),
        gain_giver=Decimal(gain),
        gain_receiver=Decimal(1),
        state=state,
    )


def test_open_matches_are_listed_best_first_and_the_rest_not_at_all() -> None:
    views = views_of(match(1, 10), match(3, 30), match(2, 30), match(4, 99, MatchState.WITHDRAWN))
    assert [one.id.int for one in views.open_matches()] == [2, 3, 1]


@pytest.mark.parametrize("state", MatchState)
def test_a_match_is_open_while_somebody_can_act_on_it(state: MatchState) -> None:
    views = views_of(match(1, 10), match(1, 10, state))
    assert bool(views.open_matches()) == (state in OPEN_STATES)
    assert len(views.matches) == 1


def test_a_programme_s_time_goes_forward_within_a_chapter_and_jumps_to_the_next() -> None:
    early = example(Tick, programme="ohio", chapter="tour", state=ReplayState.RUNNING)
    late = example(Tick, programme="ohio", chapter="tour", time=early.time + timedelta(hours=1))
    assert views_of(late, early).programmes["ohio"] == late  # partitions are not in step
    jump = example(Tick, programme="ohio", chapter="next", time=early.time - timedelta(days=1))
    assert views_of(late, jump).programmes["ohio"] == jump


def test_outcomes_rejections_and_alerts_are_kept_within_bounds() -> None:
    views = Views()
    for number in range(10_050):
        views.take(example(Outcome, command=UUID(int=number)))
    assert len(views.outcomes) == 10_000
    assert UUID(int=49) not in views.outcomes
    assert UUID(int=50) in views.outcomes
    rejection = example(Rejected)
    for _ in range(1_010):
        views.take(rejection)
    assert (len(views.rejected), views.rejections) == (1_000, 1_010)
    alert = example(Alert)
    assert views_of(alert, alert).alerts == {alert.id: alert}
