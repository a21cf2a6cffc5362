from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.results import Bar, Condition, Figure, forget, read, record

SAID: dict[str, Condition] = {
    "at": "2026-01-01T00:00:00Z",
    "cores": 2,
    "load_average": 0.5,
    "python": "3.13.1",
}


def figure(name: str, value: float, bar: Bar | None) -> Figure:
    return Figure(name=name, value=value, unit="us", bar=bar, conditions={**SAID, "readings": 2000})


def test_a_figure_is_written_with_bar_verdict_and_conditions(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "results.json"
    record([figure("cost", 5.25, Bar("<=", 5.0))], file)
    assert json.loads(file.read_text()) == [
        {
            "name": "cost",
            "value": 5.25,
            "unit": "us",
            "bar": "<= 5",
            "holds": False,
            "conditions": {**SAID, "readings": 2000},
        }
    ]


def test_a_figure_measured_again_takes_its_former_place_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    record([figure("first", 1.0, None), figure("second", 2.0, None)], file)
    record([figure("first", 3.0, None)], file)
    assert [(one["name"], one["value"]) for one in read(file)] == [("first", 3.0), ("second", 2.0)]


@pytest.mark.parametrize(
    ("bar", "keeps", "misses"),
    [
        (Bar("<=", 5.0), 5.0, 5.1),
        (Bar("<", 5.0), 4.9, 5.0),
        (Bar(">=", 5.0), 5.0, 4.9),
        (Bar("==", 0.0), 0.0, 1.0),
    ],
)
def test_a_bar_holds_up_to_its_limit_and_no_further(bar: Bar, keeps: float, misses: float) -> None:
    assert bar.holds(keeps)
    assert not bar.holds(misses)


def test_a_value_just_beyond_a_bar_is_not_rounded_into_it(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    record([figure("cost", 5.0001, Bar("<=", 5.0))], file)
    assert read(file)[0]["holds"] is False


def test_a_figure_that_can_no_longer_be_measured_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    record([figure("kept", 1.0, None), figure("gone", 2.0, None)], file)
    forget(["gone", "never there"], file)
    assert [one["name"] for one in read(file)] == ["kept"]
