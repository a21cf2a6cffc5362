"""The sums of the comparison: what the oracle expects, and that the parts which engines share find it."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bench.engines.oracle import differing, expected_sums, surplus
from bench.engines.programs import rolling
from bench.engines.programs.floor import Block, Sums
from producers.load import LoadPlan, load_reading, load_records
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.events import ReplayState, Tick
from schemas.identity import series_key

PLAN = LoadPlan(facilities=2, start=datetime(2024, 7, 1, tzinfo=UTC))
ROUNDS = 130
READINGS = ROUNDS * PLAN.series
CODEC = Codec({name: number for number, name in enumerate(record_schemas(), start=1)})
SCHEMA_ID = str(CODEC.ids["Availability"])


def slow_sums(plan: LoadPlan, readings: int) -> dict[bytes, int]:
    """Add up the readings of the last day one by one."""
    found: dict[bytes, int] = {}
    end = load_reading(plan, readings - 1).period_end
    for number in range(readings):
        one = load_reading(plan, number)
        if (end - one.period_start).total_seconds() <= 86_400:
            key = series_key(one.facility, one.material, one.direction)
            found[key] = found.get(key, 0) + one.quantity
    return found


@pytest.fixture
def schema_file(tmp_path: Path) -> Path:
    file = tmp_path / "availability.avsc"
    file.write_text(record_schemas()["Availability"].text)
    return file


@pytest.mark.parametrize("rounds", [1, 95, 96, 97, ROUNDS])
def test_the_oracle_adds_up_the_last_day(rounds: int) -> None:
    readings = rounds * PLAN.series
    assert expected_sums(PLAN, readings) == slow_sums(PLAN, readings)


def test_the_oracle_refuses_a_round_that_is_not_full() -> None:
    with pytest.raises(ValueError, match="no whole rounds"):
        expected_sums(PLAN, PLAN.series + 1)


def test_a_series_that_is_missing_or_too_many_or_wrong_differs() -> None:
    expected = {b"a": 1, b"b": 2, b"c": 3}
    assert differing({b"a": 1, b"b": 3, b"d": 4}, expected) == 3
    assert differing(dict(expected), expected) == 0


def test_what_is_counted_twice_is_a_surplus() -> None:
    assert surplus({b"a": 6, b"b": 2}, {b"a": 3, b"b": 2}) == pytest.approx(0.6)


def test_the_shared_parts_of_the_engines_find_what_the_oracle_expects(schema_file: Path) -> None:
    read = rolling.reader(str(schema_file), SCHEMA_ID)
    kept: dict[bytes, bytes] = {}
    for record in load_records(PLAN, CODEC.encode, READINGS):
        found = read(record.value)
        assert found is not None
        state = array("q", kept[record.key]) if record.key in kept else rolling.empty(found[0])
        rolling.add(state, *found)
        kept[record.key] = state.tobytes()
    sums = {key: array("q", state)[rolling.TOTAL] for key, state in kept.items()}
    assert sums == expected_sums(PLAN, READINGS)


def test_another_record_of_the_topic_is_no_reading(schema_file: Path) -> None:
    tick = Tick(programme="engines", time=PLAN.start, state=ReplayState.RUNNING, speed=1.0)
    assert rolling.reader(str(schema_file), SCHEMA_ID)(CODEC.encode(tick)) is None


def test_the_order_of_readings_inside_the_window_does_not_matter() -> None:
    readings = [(quarter, quarter % 7 + 1) for quarter in range(500, 500 + rolling.QUARTERS)]
    shuffled = [readings[number * 37 % len(readings)] for number in range(len(readings))]
    assert sorted(shuffled) == readings
    state = rolling.empty(shuffled[0][0])
    for quarter, quantity in shuffled:
        rolling.add(state, quarter, quantity)
    assert state[rolling.TOTAL] == sum(quantity for _, quantity in readings)


def test_a_gap_longer_than_the_window_leaves_the_new_reading_alone() -> None:
    state = rolling.empty(10)
    rolling.add(state, 10, 5)
    rolling.add(state, 10 + 3 * rolling.QUARTERS, 7)
    rolling.add(state, 11, 100)
    assert state[rolling.TOTAL] == 7


@pytest.mark.parametrize("batch", [READINGS, 37])
def test_the_floor_finds_what_the_oracle_expects_also_after_a_restart(
    schema_file: Path, batch: int
) -> None:
    block, sums = Block(schema_file), Sums()
    records = list(load_records(PLAN, CODEC.encode, READINGS))
    half = len(records) // 2
    for part in (records[:half], records[half:]):
        for start in range(0, len(part), batch):
            some = part[start : start + batch]
            quarters, quantities = block.read([one.value for one in some])
            sums.add([one.key for one in some], quarters, quantities)
        found = sums.take()
        sums = Sums()
        for series, state, _ in found:
            sums.restore(series, state)
    assert {series: total for series, _, total in found} == expected_sums(PLAN, READINGS)


def test_the_floor_gives_only_what_changed() -> None:
    sums = Sums()
    sums.add([b"a", b"b"], np.array([5, 5]), np.array([1, 2]))
    assert [(series, total) for series, _, total in sums.take()] == [(b"a", 1), (b"b", 2)]
    sums.add([b"b"], np.array([6]), np.array([3]))
    assert [(series, total) for series, _, total in sums.take()] == [(b"b", 5)]
    assert sums.take() == []
