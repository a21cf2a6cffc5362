"""Identities against a plain set: whatever the order, every sequence counts once."""

from __future__ import annotations

from itertools import count

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synergy.balance.identities import Identities
from synergy.balance.terms import RANGES_KEPT

RUNS = st.tuples(st.integers(1, 60), st.integers(1, 9)).map(
    lambda run: list(range(run[0], run[0] + run[1]))
)
BATCHES = st.lists(
    st.lists(RUNS, max_size=4).map(lambda runs: [n for run in runs for n in run]), max_size=8
)


def accept(identities: Identities, rows: list[tuple[int, int, int, int]]) -> list[bool]:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    source, facility, epoch, sequence = (np.ascontiguousarray(column) for column in columns)
    new: list[bool] = identities.accept(source, facility, epoch, sequence).new.tolist()
    return new


@given(BATCHES)
@settings(deadline=None)
def test_a_sequence_is_new_the_first_time_and_never_again(batches: list[list[int]]) -> None:
    identities, seen = Identities(), set[int]()
    for batch in batches:
        expected: list[bool] = []
        for sequence in batch:
            expected.append(sequence not in seen)
            seen.add(sequence)
        assert accept(identities, [(0, 0, 1, sequence) for sequence in batch]) == expected
    if seen:
        assert identities.table["seen_to"][0] == next(n for n in count() if n + 1 not in seen)
        missing = set(range(1, max(seen))) - seen
        gaps = {s for first, last in identities.gaps(0) for s in range(first, last + 1)}
        assert gaps == missing


ROWS = st.lists(
    st.tuples(
        st.sampled_from((0, 1)), st.sampled_from((0, 7)), st.integers(1, 3), st.integers(1, 12)
    ),
    max_size=30,
)


@given(st.lists(ROWS, max_size=5), st.booleans())
@settings(deadline=None)
def test_sources_facilities_and_epochs_are_kept_apart_also_by_a_restored_state(
    batches: list[list[tuple[int, int, int, int]]], restored: bool
) -> None:
    identities, seen = Identities(), set[tuple[int, int, int, int]]()
    saved: dict[int, list[list[int]]] = {}
    for batch in batches:
        expected: list[bool] = []
        for row in batch:
            expected.append(row not in seen)
            seen.add(row)
        assert accept(identities, batch) == expected
        saved.update(
            (number, [list(pair) for pair in ranges])
            for number, ranges in identities.take_changed()
        )
        if restored:
            rows = identities.table[: identities.size].copy()
            identities = Identities()
            identities.restore(rows, {number: ranges for number, ranges in saved.items() if ranges})


ODD = st.permutations(range(3, 2 * RANGES_KEPT + 20, 2))
EVEN = st.permutations(range(2, 2 * RANGES_KEPT + 20, 2))


@given(ODD, EVEN, st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_only_the_oldest_gap_is_lost_and_what_comes_for_it_later_counts_as_seen(
    odd: list[int], even: list[int], size: int
) -> None:
    order = [*odd, *even, 1]
    identities, seen = Identities(), set[int]()
    lost: set[int] = set()
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        new = accept(identities, [(0, 0, 1, sequence) for sequence in batch])
        for declared in identities.take_lost():
            lost |= set(range(declared.first, declared.last + 1))
        for sequence, is_new in zip(batch, new, strict=True):
            assert is_new or sequence in lost
            if is_new:
                seen.add(sequence)
        assert len(identities.gaps(0)) <= RANGES_KEPT
    assert seen | lost == set(order)
    assert lost
