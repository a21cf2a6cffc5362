"""A position that does not follow from its readings is found, field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from schemas.events import Coordinates, DataKind, Position, PropertyMean
from synergy.balance import PartitionBalances
from synergy.balance.verification import Evidence, Moments, Stated, Taken, verify
from tests.property.balance_input import NOW_2024, RULES, facility, frame, reading

TOPIC = "synergy.availability.v1"
READINGS = [reading(sequence=number, quantity=number * 1_000) for number in range(1, 5)]
TAKEN = [Taken(offset, NOW_2024, one) for offset, one in enumerate(READINGS)]


@pytest.fixture
def position() -> Position:
    """The position of the four readings, as the stage publishes it."""
    balances = PartitionBalances.restore(TOPIC, 0, RULES, {}, lambda _: 0)
    balances.put_facility(facility("a", "live"), 0)
    count = len(READINGS)
    balances.clock(NOW_2024)
    balances.apply_readings(frame(READINGS), np.arange(count), np.full(count, NOW_2024))
    [found] = [one for one in balances.take_events(4) if isinstance(one, Position)]
    return found


def fields(position: Position, taken: list[Taken]) -> list[str]:
    found = verify(Stated(position, NOW_2024), Evidence(taken, RULES), Moments(position.programme))
    return [one.field for one in found]


def test_what_was_published_follows_from_its_readings(position: Position) -> None:
    assert fields(position, TAKEN) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity_24h", 10_001),
        ("firm_per_day", 1),
        ("stock", 5),
        ("stale", True),
        ("late", 1),
        ("data_kind", DataKind.SIMULATED),
        ("flags", ("substitute",)),
    ],
)
def test_a_changed_field_is_named(position: Position, field: str, value: object) -> None:
    change: dict[str, Any] = {field: value}
    assert fields(replace(position, **change), TAKEN) == [field]


def test_a_position_from_before_means_were_told_says_nothing_of_them(position: Position) -> None:
    unlike = replace(position, means=(PropertyMean(name="loi", value=1.0, unit="%", quantity=1),))
    assert fields(unlike, TAKEN) == ["means"]
    former = Stated(unlike, NOW_2024, has_means=False)
    assert verify(former, Evidence(TAKEN, RULES), Moments(position.programme)) == ()


def test_a_reading_that_is_missing_in_the_ledger_shows_in_the_sum(position: Position) -> None:
    assert "quantity_24h" in fields(position, TAKEN[1:])


def test_a_doubled_reading_of_the_ledger_counts_once(position: Position) -> None:
    assert (
        fields(position, sorted([*TAKEN, replace(TAKEN[1], offset=3)], key=lambda t: t.offset))
        == []
    )


def test_what_came_later_is_not_held_against_it(position: Position) -> None:
    later = Taken(4, NOW_2024, reading(sequence=5, quantity=7))
    assert fields(position, [*TAKEN, later]) == []


def test_a_position_of_nothing_is_found(position: Position) -> None:
    empty = replace(position, applied=Coordinates(topic=TOPIC, partition=0, offset=0))
    assert fields(empty, TAKEN) == ["position"]


def test_a_material_that_has_left_the_catalogue_is_named(position: Position) -> None:
    rules = {name: rule for name, rule in RULES.items() if name != position.material}
    evidence = Evidence(TAKEN, rules)
    found = verify(Stated(position, NOW_2024), evidence, Moments(position.programme))
    assert [one.field for one in found] == ["material"]
