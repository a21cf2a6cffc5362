"""Views hold what exists and a bounded past."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import cast
from uuid import UUID

from console.views import Views
from schemas.events import Alert, AlertState, Match, MatchState
from schemas.json_form import from_json

TEXT = (files("schemas") / "examples" / "match.v1.json").read_text("utf-8")
MATCH = cast("Match", from_json("Match", json.loads(TEXT)))
ALERT_TEXT = (files("schemas") / "examples" / "alert.v1.json").read_text("utf-8")
ALERT = cast("Alert", from_json("Alert", json.loads(ALERT_TEXT)))


def test_closed_matches_are_forgotten_oldest_first_and_open_ones_never() -> None:
    views = Views()
    views.take(replace(MATCH, id=UUID(int=1), state=MatchState.PROPOSED))
    for number in range(2, 5_010):
        views.take(replace(MATCH, id=UUID(int=number), state=MatchState.WITHDRAWN))
    assert len(views.matches) == 5_001
    assert [match.id for match in views.open_matches()] == [UUID(int=1)]
    assert UUID(int=9) not in views.matches
    assert UUID(int=10) in views.matches


def test_a_match_that_opens_again_is_kept() -> None:
    views = Views()
    views.take(replace(MATCH, id=UUID(int=1), state=MatchState.WITHDRAWN))
    views.take(replace(MATCH, id=UUID(int=1), state=MatchState.PROPOSED))
    for number in range(2, 5_010):
        views.take(replace(MATCH, id=UUID(int=number), state=MatchState.WITHDRAWN))
    assert UUID(int=1) in views.matches


def test_of_the_alerts_that_are_over_only_the_latest_are_kept() -> None:
    views = Views()
    stands, first = _alert(0), _alert(1)
    views.take(stands)
    views.take(first)
    for number in range(1, 5_002):
        views.take(replace(_alert(number), state=AlertState.CLEARED))
    assert stands.id in views.alerts
    assert first.id not in views.alerts
    assert len(views.alerts) == 1 + 5_000


def _alert(number: int) -> Alert:
    return replace(ALERT, id=UUID(int=number), state=AlertState.RAISED)
