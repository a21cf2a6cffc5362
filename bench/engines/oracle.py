"""What the sums have to be at the end of a load, from its plan alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from producers.load import QUANTITIES, LoadPlan, load_reading
from schemas.identity import series_key

WINDOW = timedelta(hours=24)

Sums = Mapping[bytes, int]
"""The sum of each series over the 24 h before the end of its last reading, in the material's base unit."""


def expected_sums(plan: LoadPlan, readings: int) -> dict[bytes, int]:
    """Return the sums after so many readings, whole rounds of all series.

    Raises:
        ValueError: the last round is not full, or a reading is not of a whole part of the window.
    """
    rounds, rest = divmod(readings, plan.series)
    if rest or WINDOW % plan.period:
        message = f"{readings} readings are no whole rounds of {plan.series} series"
        raise ValueError(message)
    first = max(0, rounds - WINDOW // plan.period)
    repeated = np.array([load_reading(plan, number).quantity for number in range(QUANTITIES)])
    numbers = np.arange(first * plan.series, rounds * plan.series).reshape(-1, plan.series)
    sums = repeated[numbers % QUANTITIES].sum(axis=0).tolist()
    keys = (load_reading(plan, number) for number in range(plan.series))
    return {
        series_key(one.facility, one.material, one.direction): total
        for one, total in zip(keys, sums, strict=True)
    }


def differing(found: Sums, expected: Sums) -> int:
    """Return how many series have another sum than expected, or are on one side only.

    >>> differing({b"a": 1, b"b": 2}, {b"a": 1, b"b": 3, b"c": 4})
    2
    """
    return sum(
        found.get(series) != expected.get(series) for series in found.keys() | expected.keys()
    )


def surplus(found: Sums, expected: Sums) -> float:
    """Return by which part of the whole quantity the found sums are too large.

    >>> surplus({b"a": 5, b"b": 7}, {b"a": 4, b"b": 4})
    0.5
    """
    whole = sum(expected.values())
    return (sum(found.values()) - whole) / whole
