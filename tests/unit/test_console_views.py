"""Views hold what exists and a bounded past."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import cast
from uuid import UUID

from console.views import Views
from schemas.events import Match, MatchState
from schemas.json_form import from_json

TEXT = (files("schemas") / "examples" / "match.v1.json").read_text("utf-8")
MATCH = cast("Match", from_json("Match", json.loads(TEXT)))


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
