"""A facility that would be wrong for everybody is refused, with the field and how to mend it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from synergy.balance.enrolment import flaw_of
from tests.property.balance_input import facility

GOOD = facility("plant", "live")
FLAWS: dict[str, tuple[dict[str, Any], str]] = {
    "latitude": ({"latitude": 90.1}, "from -90 to 90"),
    "longitude": ({"longitude": float("nan")}, "from -180 to 180"),
    "capacity": ({"capacity": float("inf")}, "no amount"),
    "programme": ({"programme": " "}, "empty"),
    "valid_to": ({"valid_to": GOOD.valid_from}, "not after valid_from"),
}


@pytest.mark.parametrize("field", FLAWS)
def test_a_flaw_is_named_with_its_field(field: str) -> None:
    changes, words = FLAWS[field]
    flaw = flaw_of(replace(GOOD, **changes), b"plant")
    assert flaw is not None
    assert flaw.field == field
    assert words in flaw.message


@pytest.mark.parametrize("key", [None, b"", b"other", b"\xff"])
def test_a_facility_is_published_under_its_id(key: bytes | None) -> None:
    flaw = flaw_of(GOOD, key)
    assert flaw is not None
    assert flaw.field == "id"
    assert "compaction" in flaw.message


def test_the_ends_of_the_earth_are_places() -> None:
    for latitude, longitude in ((90.0, 180.0), (-90.0, -180.0)):
        at = replace(GOOD, latitude=latitude, longitude=longitude)
        assert flaw_of(at, b"plant") is None


def test_a_facility_may_end() -> None:
    ending = replace(GOOD, valid_to=GOOD.valid_from + timedelta(microseconds=1), capacity=0.0)
    assert flaw_of(ending, b"plant") is None
