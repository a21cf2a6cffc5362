"""A ring against a dictionary of Python's integers: narrow or wide, every value is exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergy.balance.ring import NARROW_MOST, Ring
from synergy.balance.terms import Int64s

SIZE = 5
ROWS = (0, 1, 68, 69)
"""More than a ring has room for at first."""
FIRST = 7 * SIZE
"""A bucket of slot 0."""

Cell: TypeAlias = tuple[int, int]
ROW: st.SearchStrategy[int] = st.sampled_from(ROWS)
CELL = st.tuples(ROW, st.integers(FIRST, FIRST + SIZE - 1))
NEAR = st.sampled_from((NARROW_MOST, NARROW_MOST + 1, 1 << 31, 1 << 32, 1 << 56))


def near(edge: int, sign: int, part: int) -> int:
    return sign * (edge // part)


VALUE = st.one_of(
    st.integers(-3, 3), st.builds(near, NEAR, st.sampled_from((1, -1)), st.integers(1, 3))
)
ADDED = st.lists(st.tuples(CELL, VALUE), max_size=8)
PUT = st.dictionaries(CELL, VALUE, max_size=8)
CLEARED = st.dictionaries(ROW, st.tuples(st.integers(FIRST, FIRST + 20), st.integers(0, 2 * SIZE)))
STEP = st.tuples(ADDED, PUT, CLEARED)


def columns(rows: Sequence[Sequence[int]], width: int) -> list[Int64s]:
    return list(np.array(rows, np.int64).reshape(-1, width).T.copy())


def take_in(
    ring: Ring,
    model: Counter[Cell],
    added: Sequence[tuple[Cell, int]],
    put: Mapping[Cell, int],
    cleared: Mapping[int, tuple[int, int]],
) -> None:
    ring.add(*columns([(*cell, value) for cell, value in added], 3))
    for (row, bucket), value in added:
        model[row, bucket % SIZE] += value
    ring.put(*columns([(*cell, value) for cell, value in put.items()], 3))
    for (row, bucket), value in put.items():
        model[row, bucket % SIZE] = value
    ring.clear(*columns([(row, *moved) for row, moved in cleared.items()], 3))
    for row, (newest, steps) in cleared.items():
        for back in range(min(steps, SIZE)):
            model[row, (newest - back) % SIZE] = 0


@given(st.lists(STEP, max_size=5))
def test_a_ring_says_what_a_dictionary_of_the_same_sums_says(
    steps: list[tuple[list[tuple[Cell, int]], dict[Cell, int], dict[int, tuple[int, int]]]],
) -> None:
    ring, model = Ring(SIZE), Counter[Cell]()
    ring.reserve(max(ROWS) + 1)
    for added, put, cleared in steps:
        take_in(ring, model, added, put, cleared)
    rows = np.array(ROWS)
    expected = [[model[row, slot] for slot in range(SIZE)] for row in ROWS]
    buckets = np.broadcast_to(np.arange(SIZE), (len(rows), SIZE))
    assert ring.at(rows, buckets).tolist() == expected
    assert ring.totals(rows).tolist() == [sum(values) for values in expected]


@pytest.mark.parametrize("value", [-(1 << 63), (1 << 63) - 1, -NARROW_MOST - 1])
def test_a_saved_value_is_put_back_whatever_it_is(value: int) -> None:
    ring, row = Ring(SIZE), np.zeros(1, np.int64)
    ring.put(row, row, np.array([value]))
    assert ring.at(np.array([0, 0]), np.zeros((2, 1), np.int64)).tolist() == [[value], [value]]


def test_a_row_is_kept_in_64_bits_when_a_value_does_not_fit_and_not_before() -> None:
    ring, row = Ring(SIZE), np.zeros(1, np.int64)
    for _ in range(3):
        ring.add(row, row, np.array([NARROW_MOST // 3]))
    assert ring.wide_rows == 0
    ring.add(row, row, np.array([1]))
    assert ring.wide_rows == 1
    assert ring.at(row, row[:, None]).tolist() == [[NARROW_MOST + 1]]
