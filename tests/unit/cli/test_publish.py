"""Amounts as they are typed, and what a published reading is followed to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cli.amounts import AmountError, amount_of
from cli.publish_follow import Became, Followed, Outcome, Seen, follow, lines_of
from runtime.clock import FakeClock
from schemas.unit_table import UnitError

OURS = Followed(
    material="fly_ash",
    direction="SUPPLY",
    source="rest/demo",
    sequence=7,
    period_end="2024-07-15T00:00:00Z",
)


@pytest.mark.parametrize(
    ("typed", "quantity", "unit", "per"),
    [
        ("12 t/h", "12", "TNE", "h"),
        ("12t/h", "12", "TNE", "h"),
        ("300 t/day", "300", "TNE", "d"),
        ("288 吨", "288", "TNE", None),
        ("0.5 short ton/天", "0.5", "STN", "d"),
        ("1 TNE / hour", "1", "TNE", "h"),
        ("40 GJ/h", "40", "GV", "h"),
    ],
)
def test_an_amount_is_a_quantity_or_a_rate(
    typed: str, quantity: str, unit: str, per: str | None
) -> None:
    found = amount_of(typed)
    assert (found.quantity, found.unit.code, found.per) == (quantity, unit, per)


@pytest.mark.parametrize("typed", ["12", "t/h", "-12 t/h", "12 t/week", "1,5 t/h", ""])
def test_what_is_no_amount_is_told_how_to_write_one(typed: str) -> None:
    with pytest.raises(AmountError, match="t/h"):
        amount_of(typed)


def test_an_ambiguous_ton_is_refused_with_what_it_could_be() -> None:
    with pytest.raises(UnitError, match="TNE, STN, LTN"):
        amount_of("12 ton/h")


def position(sequence: int) -> dict[str, Any]:
    return {
        "material": "fly_ash",
        "direction": "SUPPLY",
        "latest_source": "rest/demo",
        "latest_sequence": sequence,
        "as_of": "2024-07-14T00:00:00Z",
    }


def found(
    *,
    at: int | None = None,
    matches: tuple[int, ...] = (),
    why: str | None = None,
    rejects: int = 0,
) -> dict[str, Any]:
    """A facility's document; `matches` are the revisions of the one match."""
    words = {"fix": "convert", "fix_zh": "换算"}
    unmatched = {"material": "fly_ash", "direction": "SUPPLY", "why": [why], "why_zh": [why]}
    reject = {"code": "wrong_unit", "count": rejects, "message": "no", "words": words}
    return {
        "positions": [] if at is None else [position(at)],
        "matches": [
            {"id": "m1", "revision": revision, "role": "giver", "material_id": "fly_ash"}
            for revision in matches
        ],
        "unmatched": [] if why is None else [unmatched],
        "data_health": {"rejects": [reject] if rejects else []},
    }


def followed(before: dict[str, Any], *then: dict[str, Any], wait_s: float = 5.0) -> Outcome:
    """Follow through documents; the last one stays."""
    documents: Iterator[dict[str, Any]] = iter(then)
    last = [before]

    def look() -> dict[str, Any]:
        last.append(next(documents, last[-1]))
        return last[-1]

    return follow(look, Seen.of(before, OURS), OURS, FakeClock(), wait_s)


def test_a_match_that_comes_after_the_position_is_the_outcome() -> None:
    outcome = followed(found(), found(), found(at=7), found(at=7, matches=(1,)))
    assert outcome.became is Became.MATCHED
    assert outcome.matches[0]["id"] == "m1"


def test_a_match_of_before_is_not_taken_for_the_answer_until_nothing_new_is_said() -> None:
    revised = followed(
        found(at=6, matches=(1,)), found(at=7, matches=(1,)), found(at=7, matches=(2,))
    )
    assert (revised.matches[0]["revision"], revised.seconds < 1.0) == (2, True)
    same = followed(found(at=6, matches=(1,)), found(at=7, matches=(1,)))
    assert (same.became, same.seconds > 2.0) == (Became.MATCHED, True)


def test_why_there_is_no_match_is_the_outcome() -> None:
    outcome = followed(found(), found(at=7, why="Nobody needs it."))
    assert (outcome.became, list(outcome.why)) == (Became.UNMATCHED, ["Nobody needs it."])


def test_a_rejection_is_told_with_its_fix_and_an_older_one_is_not() -> None:
    outcome = followed(found(rejects=1), found(rejects=1), found(rejects=2))
    assert outcome.became is Became.REJECTED
    assert "convert" in "\n".join(lines_of(outcome))


def test_nothing_within_the_time_is_said_so() -> None:
    outcome = followed(found(), found(), wait_s=3.0)
    assert (outcome.became, outcome.seconds) == (Became.UNKNOWN, 3.0)
    assert "synergy status" in "\n".join(lines_of(outcome))
