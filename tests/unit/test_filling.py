"""Events filled a field at a time are those that the constructor makes; what does not fit is refused."""

from __future__ import annotations

import pytest

from schemas.events import Coordinates
from schemas.filling import filled

COLUMNS: dict[str, list[object]] = {"topic": ["a", "b"], "partition": [0, 1], "offset": [7, 8]}


def test_they_are_what_the_constructor_makes() -> None:
    made = filled(Coordinates, COLUMNS, 2)
    assert made == [
        Coordinates(topic="a", partition=0, offset=7),
        Coordinates(topic="b", partition=1, offset=8),
    ]
    assert {type(one) for one in made} == {Coordinates}


@pytest.mark.parametrize(
    "columns",
    [
        {"topic": ["a", "b"], "partition": [0, 1]},
        {**COLUMNS, "more": [1, 2]},
        {**COLUMNS, "offset": [7]},
        {**COLUMNS, "offset": [7, 8, 9]},
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, list[object]]) -> None:
    with pytest.raises(TypeError, match="Coordinates"):
        filled(Coordinates, columns, 2)


def test_a_class_without_slots_is_refused() -> None:
    class Open:
        topic = "a"

    with pytest.raises(TypeError, match="Open"):
        filled(Open, {"topic": ["a"]}, 1)
