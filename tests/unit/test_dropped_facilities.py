"""A facility that was dropped and comes back finds its state as it was, also when that was restored meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from schemas.events import Availability, Direction, Form, Position, ReplayState, Tick
from synergy.balance import PartitionBalances
from synergy.balance.terms import DAY_US, moment
from tests.property.balance_input import NOW_2024, RULES, START_2007, facility, frame, reading

PLAN_2007 = reading(
    facility="c",
    form=Form.PLAN,
    direction=Direction.DEMAND,
    quantity=700_000_000,
    period_start=moment(START_2007),
    period_end=moment(START_2007 + 7 * DAY_US),
)


class Partition:
    """A partition and its changelog."""

    def __init__(self, *programmes: tuple[str, str]) -> None:
        self.parts: dict[bytes, bytes] = {}
        self.open()
        for offset, (name, programme) in enumerate(programmes):
            self.balances.put_facility(facility(name, programme), offset)

    def open(self) -> None:
        """Restore it from its changelog."""
        self.balances = PartitionBalances.restore("topic", 0, RULES, self.parts, lambda _: 0)
        self.balances.clock(NOW_2024)

    def send(self, readings: Sequence[Availability]) -> None:
        offsets = np.arange(len(readings))
        arrived = np.full(len(readings), NOW_2024)
        assert self.balances.apply_readings(frame(readings), offsets, arrived) == ()

    def commit(self) -> list[Position]:
        events = self.balances.take_events(1)
        for key, value in self.balances.take_parts().items():
            self.parts.pop(key, None)
            if value is not None:
                self.parts[key] = value
        return [event for event in events if isinstance(event, Position)]


def test_a_partition_whose_facilities_were_all_dropped_goes_on_after_a_restart() -> None:
    partition = Partition(("a", "live"))
    partition.send([reading()])
    assert len(partition.commit()) == 1
    partition.balances.drop_facility("a", 1)
    partition.commit()
    partition.open()
    assert partition.commit() == []
    partition.balances.put_facility(facility("a", "live"), 2)
    [position] = partition.commit()
    assert position.quantity_24h == 1_000_000


@pytest.mark.parametrize("restarted", [False, True])
def test_a_dropped_facility_keeps_the_clock_of_its_programme(restarted: bool) -> None:
    partition = Partition(("a", "live"), ("c", "history"))
    tick = Tick(
        programme="history",
        time=moment(START_2007),
        state=ReplayState.RUNNING,
        speed=60.0,
        chapter="tour",
    )
    partition.balances.apply_tick(tick)
    partition.send([PLAN_2007])
    [before] = partition.commit()
    assert before.plan_per_day == 100_000_000
    partition.balances.drop_facility("c", 2)
    partition.commit()
    if restarted:
        partition.open()
        partition.commit()
    partition.balances.put_facility(facility("c", "history"), 3)
    [after] = partition.commit()
    assert after.plan_per_day == 100_000_000
