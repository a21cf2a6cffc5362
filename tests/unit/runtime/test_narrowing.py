"""Errors that no record can be blamed for end in a stop that says so, never in going back again and again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runtime.log import Batch
from runtime.partition_stops import CoreFailed
from runtime.stage import Changes
from tests.stateful.machine import MemoryControl
from tests.stateful.tally import INPUT, LATE_POISON, OUTPUT, POISON, TallyStage, TallyState
from tests.stateful.world import World


class CannotEncodeRejections(TallyStage):
    def freeze(self, state: TallyState, applied: Mapping[str, int]) -> Changes:
        if state.rejected:
            raise OverflowError
        return super().freeze(state, applied)


class CannotReject(TallyStage):
    def reject(self, state: TallyState, batch: Batch, error: BaseException) -> None:
        raise LookupError


class CannotEncodeTicks(TallyStage):
    def tick(self, state: TallyState, now_us: int) -> bool:
        state.cursed = True
        return True


def run(stage: TallyStage, *values: bytes) -> World:
    world = World(MemoryControl())
    world.stage = stage
    for value in values:
        world.produce(b"a", value)
    world.assign(0)
    for _ in range(60):
        world.intake(0, 10)
        world.step(0, 200_000)
        world.finish_commit(0)
    return world


@pytest.mark.parametrize(
    ("stage", "values"),
    [
        (CannotEncodeRejections(), (b"1:5", LATE_POISON, b"2:7")),
        (CannotReject(), (b"1:5", POISON, b"2:7")),
        (CannotEncodeTicks(), (b"1:5", b"2:7")),
    ],
)
def test_what_no_record_is_to_blame_for_stops_the_partition(
    stage: TallyStage, values: tuple[bytes, ...]
) -> None:
    world = run(stage, *values)
    assert [type(stop) for stop in world.stops] == [CoreFailed]
    world.check()


def test_a_record_that_fails_in_the_commit_is_rejected_and_its_neighbours_count() -> None:
    world = run(TallyStage(), b"1:5", LATE_POISON, b"2:7", LATE_POISON, b"3:1")
    assert not world.stops
    world.check()
    head = world.head()
    assert head is not None
    assert head.next[INPUT] == world.control.log.bounds(world.tp(INPUT))[1]
    start, end = world.control.log.bounds(world.tp(OUTPUT))
    said = list(world.control.log.read(world.tp(OUTPUT), start, end))
    assert [r.value for r in said if r.key == b"rejected"] == [b"1", b"3"]
