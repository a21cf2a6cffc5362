"""The document of a facility as lines for people."""

from __future__ import annotations

import pytest

from cli.facility_show import positions


@pytest.mark.parametrize(("kind", "shown"), [("METER", " meter "), ("ERP", " erp ")])
def test_a_position_says_whether_a_meter_or_a_plan_told_it(kind: str, shown: str) -> None:
    position = {
        "material": "Gypsum",
        "direction": "DEMAND",
        "quantity_24h": 10.0,
        "firm_per_day": 10.0,
        "interruptible_per_day": 0.0,
        "plan_per_day": 12.0,
        "unit": "t",
        "as_of": "2007-03-01T12:00:00Z",
        "source_kind": kind,
        "data_kind": "ASSUMED",
        "stale": False,
    }
    header, row = positions({"positions": [position]})
    assert " from " in header
    assert shown in row
