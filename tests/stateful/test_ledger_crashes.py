"""The ledger sink is killed between any two steps: nothing is lost or doubled, and each seeded bug is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.sink_source import Columns
from sinks.container import Place
from sinks.ledger_protocol import OffsetRange, PartitionProtocol
from sinks.ledger_range import RangeWriter, Settled
from tests.ledger.world import World, every_step

STEPS = list(every_step())


def test_a_run_without_a_kill_writes_every_record_once() -> None:
    world = World()
    world.produce(200)
    assert world.live(None, max_rows=7)
    assert len(world.expected) > 150
    assert not world.lost()
    assert not world.doubled()


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_loses_and_doubles_nothing(step: int) -> None:
    world = World()
    world.produce(24)
    assert not world.live(step)
    world.produce(6)
    assert world.live(None, max_rows=5)
    assert not world.lost()
    assert not world.doubled()


@settings(max_examples=60, deadline=None)
@given(
    kills=st.lists(st.tuples(st.integers(0, 25), st.integers(1, 9)), max_size=12),
    produced=st.integers(1, 60),
)
def test_any_series_of_kills_loses_and_doubles_nothing(
    kills: list[tuple[int, int]], produced: int
) -> None:
    world = World()
    for steps, max_rows in kills:
        world.produce(produced)
        world.live(steps, max_rows)
    assert world.live(None)
    assert not world.lost()
    assert not world.doubled()


@dataclass(frozen=True, slots=True)
class TrustsTheToken(RangeWriter):
    """Seeded bug: replays under the same token and does not look what is there."""

    def settle(
        self, place: Place, offsets: OffsetRange, records: Columns, announce: Callable[[], None]
    ) -> Settled:
        for block in self.sort(place, records):
            self.insert(place, block, lambda label: self._token(place, offsets, label))
        del announce
        return Settled(0, ())


@dataclass(frozen=True, slots=True)
class TakesItAsWritten(RangeWriter):
    """Seeded bug: takes an announced range for written."""

    def settle(
        self, place: Place, offsets: OffsetRange, records: Columns, announce: Callable[[], None]
    ) -> Settled:
        del place, offsets, records, announce
        return Settled(0, ())


@dataclass(frozen=True, slots=True)
class InsertsWithoutLooking(RangeWriter):
    """Seeded bug: inserts an announced range again under a new token."""

    def settle(
        self, place: Place, offsets: OffsetRange, records: Columns, announce: Callable[[], None]
    ) -> Settled:
        for block in self.sort(place, records):
            self.insert(place, block, lambda label: f"{self._token(place, offsets, label)}:again")
        del announce
        return Settled(0, ())


def _outcome(make_writer: type[RangeWriter]) -> tuple[int, int]:
    lost = doubled = 0
    for step in STEPS:
        world = World(make_writer=make_writer)
        world.produce(24)
        world.live(step)
        world.live(None)
        lost += len(world.lost())
        doubled += len(world.doubled())
    return lost, doubled


def test_the_crash_hole_is_found_when_the_token_is_trusted() -> None:
    lost, doubled = _outcome(TrustsTheToken)
    assert lost > 0
    assert doubled == 0


def test_a_range_taken_for_written_is_found() -> None:
    lost, _ = _outcome(TakesItAsWritten)
    assert lost > 0


def test_a_range_inserted_without_looking_is_found() -> None:
    _, doubled = _outcome(InsertsWithoutLooking)
    assert doubled > 0


def test_a_range_that_is_not_announced_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(self: PartitionProtocol, *args: object) -> object:
        position = announce(self, *args)  # type: ignore[arg-type]
        del position
        return self.position(self.next)

    announce = PartitionProtocol.announce
    monkeypatch.setattr(PartitionProtocol, "announce", silent)
    lost, doubled = _outcome(RangeWriter)
    assert lost + doubled > 0
