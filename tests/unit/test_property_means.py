"""The mean of a property: weighted by quantity, over flows that count, of the days that end with the position's."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.events import Form, Property, PropertyMean, Quality
from synergy.balance import PartitionBalances
from synergy.balance.terms import DAY_US, HISTORY_DAYS, QUARTER_US, moment
from tests.property.balance_input import NOW_2024, RULES
from tests.unit.test_balance_positions import TOPIC, Partition

LOAD = 100_000
MIDNIGHT = NOW_2024 // DAY_US * DAY_US


def loi(value: float, unit: str = "%", **changes: Any) -> tuple[Property, ...]:
    return (Property(name="loi", value=value, unit=unit, **changes),)


def means(partition: Partition) -> tuple[PropertyMean, ...]:
    """Let a flow that nobody has analysed be news; return what the position says."""
    partition.flow(partition.now_us, quantity=200 * LOAD)
    return partition.take()[-1].means


def test_a_large_delivery_weighs_more_than_a_small_one() -> None:
    partition = Partition()
    partition.flow(NOW_2024, 3 * LOAD, properties=loi(2.0))
    partition.flow(NOW_2024, 1 * LOAD, properties=loi(6.0))
    (mean,) = means(partition)
    assert mean == PropertyMean(name="loi", value=3.0, unit="%", quantity=4 * LOAD)


@pytest.mark.parametrize(
    "changes",
    [
        {"quality": Quality.BAD},
        {"form": Form.STOCK},
        {"form": Form.PLAN},
        {"quantity": 0},
    ],
)
def test_what_is_no_flow_that_counts_weighs_nothing(changes: dict[str, Any]) -> None:
    partition = Partition()
    sent: dict[str, Any] = {"properties": loi(9.0), **changes}
    partition.flow(NOW_2024, **sent)
    assert means(partition) == ()


def test_a_correction_takes_its_weight_back() -> None:
    partition = Partition()
    partition.flow(NOW_2024, 3 * LOAD, properties=loi(2.0))
    partition.flow(NOW_2024, 3 * LOAD, properties=loi(8.0))
    partition.flow(NOW_2024, -2 * LOAD, corrects="2", properties=loi(8.0))
    (mean,) = means(partition)
    assert (mean.value, mean.quantity) == (3.5, 4 * LOAD)
    partition.flow(NOW_2024, -9 * LOAD, corrects="2", properties=loi(8.0))
    assert means(partition) == ()


def test_an_analysis_that_has_run_out_still_says_what_was_delivered() -> None:
    partition = Partition()
    partition.flow(NOW_2024, LOAD, properties=loi(2.0, valid_until=moment(NOW_2024 - DAY_US)))
    (mean,) = means(partition)
    assert mean.value == 2.0


def test_every_unit_has_its_own_mean() -> None:
    partition = Partition()
    partition.flow(NOW_2024, LOAD, properties=(*loi(2.0), *loi(20_000.0, unit="ppm")))
    assert [(one.unit, one.value) for one in means(partition)] == [("%", 2.0), ("ppm", 20_000.0)]


@pytest.mark.parametrize("reopened", [False, True])
def test_a_day_counts_for_as_long_as_it_counts_for_firm(reopened: bool) -> None:
    partition = Partition()
    oldest = MIDNIGHT - (HISTORY_DAYS - 1) * DAY_US
    partition.flow(oldest, LOAD, properties=loi(100.0))  # ends with the day before
    partition.flow(oldest + QUARTER_US, LOAD, properties=loi(3.0))
    partition.flow(NOW_2024 - DAY_US, 3 * LOAD, properties=loi(1.0))
    (mean,) = means(partition)
    assert (mean.value, mean.quantity) == (1.5, 4 * LOAD)
    if reopened:
        parts = {key: part for key, part in partition.parts.items() if part is not None}
        partition.balances = PartitionBalances.restore(TOPIC, 0, RULES, parts, lambda _: 0)
    partition.wait(DAY_US)
    (mean,) = means(partition)
    assert (mean.value, mean.quantity) == (1.0, 3 * LOAD)


def test_what_comes_in_another_order_gives_the_same_mean_to_the_last_bit() -> None:
    sent = [(7 * LOAD + n, 0.1 + n / 3) for n in range(50)]
    found: list[tuple[PropertyMean, ...]] = []
    for order in (sent, sent[::-1]):
        partition = Partition()
        for quantity, value in order:
            partition.flow(NOW_2024, quantity, properties=loi(value))
        found.append(means(partition))
    assert found[0] == found[1] != ()
