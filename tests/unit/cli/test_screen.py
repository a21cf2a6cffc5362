"""What a person sees, rendered without a terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from cli.match_table import shares
from cli.screen import Shown, plain_line, screen
from cli.supervisor import ChildState
from cli.view import View, view_of
from runtime.setting_types import Settings

STATUS: dict[str, Any] = {
    "events_per_second": 1234.5,
    "positions": 197,
    "open_matches": 62,
    "rejected": 3,
    "lag": {"balance": 10, "market": 2},
    "ledger_rows": {"availability": 51_256, "matches": 1_249},
    "programmes": [
        {
            "programme": "hebei_anhui",
            "time": "2024-07-14T04:01:17Z",
            "speed": 3600.0,
            "chapter": "Pilot, July 2024 (simulated from borrowed load profiles, scaled to capacity)",
            "data_kind": "SIMULATED",
            "note": "",
        },
        {
            "programme": "ohio_valley",
            "time": "2007-03-31T00:00:00Z",
            "speed": None,
            "chapter": "Network tour",
            "data_kind": "ESTIMATED",
            "note": "replay ended",
        },
    ],
}
MATCH: dict[str, Any] = {
    "programme": "hebei_anhui",
    "giver": "Suizhong power station with a very long name that no terminal has room for",
    "receiver": "Sample wallboard plant Qinhuangdao",
    "material": "FGD gypsum",
    "quantity_per_day": 125.7,
    "unit": "t",
    "giver_gain": 1520.0,
    "receiver_gain": 880.5,
    "currency": "CNY",
    "distance_km": 38.2,
    "verdict": "unknown",
    "data_kind": "SIMULATED",
}
UP = (ChildState("balance", "running", 7, 0, None), ChildState("market", "waiting", None, 2, -9))


def shown(matches: int = 1) -> Shown:
    view = view_of(STATUS, {"hebei_anhui": {"matches": [MATCH] * matches, "total": matches}})
    return Shown(view, UP, Settings(), 42.0)


def rendered(moment: Shown, width: int = 80, height: int = 40) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=height, no_color=True, force_terminal=False)
    console.print(screen(moment, width, height))
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in rendered(shown(), width).splitlines()) <= width


@pytest.mark.parametrize("height", [24, 40, 60])
def test_the_screen_fits_the_height_however_many_matches_there_are(height: int) -> None:
    assert len(rendered(shown(matches=80), height=height).splitlines()) <= height - 4


def test_what_counts_is_on_the_screen() -> None:
    text = rendered(shown(), width=160)
    for word in (
        "1,234",
        "197",
        "62",
        "12",
        "52,505",
        "FGD gypsum",
        "126 t",
        "880",
        "38",
        "unknown",
    ):  # fmt: skip
        assert word in text, word


@pytest.mark.parametrize("width", [80, 160])
def test_simulated_data_say_so_without_colour_at_any_width(width: int) -> None:
    lines = rendered(shown(), width).splitlines()
    (programme,) = (line for line in lines if "hebei_anhui" in line and "2024-07-14" in line)
    assert "SIMULATED" in programme
    (match,) = (line for line in lines if "Sample" in line)
    assert "SIM" in match


def test_a_replay_that_has_ended_says_so() -> None:
    assert "replay ended" in rendered(shown(), width=80)


def test_every_programme_has_its_share_of_the_rows() -> None:
    few = {"matches": [{**MATCH, "programme": "ohio_valley", "currency": "USD"}] * 3, "total": 3}
    many = {"matches": [MATCH] * 40, "total": 62}
    view = view_of(STATUS, {"hebei_anhui": many, "ohio_valley": few})
    shown_rows = {name: len(rows) for name, rows in shares(view.matches, room=20)}
    assert shown_rows == {"hebei_anhui": 15, "ohio_valley": 3}
    text = rendered(Shown(view, UP, Settings(), 1.0))
    assert "best " in text
    assert "of 62" in text
    assert "USD a day" in text
    assert "CNY a day" in text


def test_a_process_that_keeps_failing_is_named_with_its_reason() -> None:
    text = rendered(shown())
    assert "market RESTARTING after signal 9" in text
    assert "2 restarts" in text
    assert "market RESTARTING after signal 9" in plain_line(shown())


def test_what_is_not_known_is_a_dash_and_never_zero() -> None:
    line = plain_line(Shown(View(), (), Settings(), 0.0))
    assert "- events/s" in line
    assert "- open matches" in line
    assert " 0 " not in line.partition("|")[2]


def test_the_plain_line_has_no_control_characters() -> None:
    line = plain_line(shown())
    assert "\x1b" not in line
    assert line.isprintable()
    assert "62 open matches" in line


def test_an_answer_of_an_older_store_is_shown_as_far_as_it_goes() -> None:
    view = view_of({"positions": 5, "lag": 7, "programmes": None}, {})
    assert (view.positions, view.lag, view.events_per_second, view.matches) == (5, 7, None, ())
