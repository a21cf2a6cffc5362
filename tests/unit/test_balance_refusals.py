"""Bad readings: each has a reason, its neighbours are untouched, and mended it is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from schemas.events import Availability, Basis, Form, Position, Property, Quality
from synergy.balance import MaterialRule, PartitionBalances, Refusal
from synergy.balance.terms import DAY_US, moment
from synergy.balance.validation import REASONS
from tests.property.balance_input import (
    MINUTE_US,
    NOW_2024,
    RULES,
    facility,
    frame,
    reading,
)

QUARTER_LIMIT = RULES["ash"].max_per_day // 96
NOW = moment(NOW_2024)


def opened() -> PartitionBalances:
    balances = PartitionBalances.restore(
        "synergy.availability.v1", 0, RULES, {}, lambda name: int(name == "elsewhere")
    )
    balances.put_facility(facility("a", "live"), 0)
    return balances


def apply(balances: PartitionBalances, *readings: Availability) -> tuple[Refusal, ...]:
    count = len(readings)
    return balances.apply_readings(frame(readings), np.arange(count), np.full(count, NOW_2024))


BAD: dict[str, dict[str, Any]] = {
    "wrong_partition": {"facility": "elsewhere"},
    "unknown_facility": {"facility": "nowhere"},
    "unknown_material": {"material": "unobtainium"},
    "wrong_unit": {"unit": "LTR"},
    "sequence_not_positive": {"sequence": 0},
    "period_out_of_range": {"period_start": moment(0)},
    "period_end_before_start": {"period_end": moment(NOW_2024 - 61 * MINUTE_US)},
    "period_in_future": {"period_end": NOW + timedelta(minutes=10, microseconds=1)},
    "negative_quantity": {"quantity": -1},
    "absurd_quantity": {"quantity": QUARTER_LIMIT + 1},
    "bad_property": {"properties": (Property(name="loi", value=float("nan"), unit="%"),)},
}


def test_every_reason_has_a_bad_reading_in_this_file() -> None:
    assert REASONS.keys() == {*BAD, "mixed_basis", "declared_lost"}


@pytest.mark.parametrize("code", BAD)
def test_a_bad_reading_is_refused_with_its_reason_and_counts_once_it_is_mended(code: str) -> None:
    balances = opened()
    bad = reading(**{"sequence": 2, **BAD[code]})
    refused = apply(balances, reading(sequence=1), bad, reading(sequence=3))
    assert [(refusal.row, refusal.code) for refusal in refused] == [(1, code)]
    field, _ = REASONS[code]
    assert refused[0].field == field
    assert refused[0].message.startswith(field)
    assert (refused[0].facility, refused[0].source) == (bad.facility, "meter-1")
    assert (balances.applied, balances.refused) == (2, {code: 1})
    assert apply(balances, reading(sequence=2)) == ()
    assert (balances.applied, balances.duplicates) == (3, 0)


def test_a_reading_of_a_facility_that_is_enrolled_later_is_accepted_when_it_is_sent_again() -> None:
    balances = opened()
    late_comer = reading(facility="b")
    assert [refusal.code for refusal in apply(balances, late_comer)] == ["unknown_facility"]
    balances.put_facility(facility("b", "live"), 1)
    assert apply(balances, late_comer) == ()
    balances.drop_facility("b", 2)
    assert [refusal.code for refusal in apply(balances, late_comer)] == ["unknown_facility"]


def test_the_first_reason_of_the_list_is_the_one_that_is_given() -> None:
    worst = reading(facility="nowhere", material="unobtainium", unit="LTR", quantity=-1)
    assert [refusal.code for refusal in apply(opened(), worst)] == ["unknown_facility"]


@pytest.mark.parametrize(
    "good",
    [
        {"quantity": 0},
        {"quantity": RULES["ash"].max_per_day // 96},
        {"quantity": -(RULES["ash"].max_per_day // 96), "corrects": "reading-1"},
        {"period_end": NOW + timedelta(minutes=10)},
        {"form": Form.STOCK, "period_end": moment(NOW_2024 - 60 * MINUTE_US)},
        {"form": Form.PLAN, "period_end": NOW + timedelta(days=90)},
        {"quality": Quality.BAD, "basis": Basis.AS_RECEIVED},
    ],
)
def test_the_edges_of_the_rules_are_inside(good: dict[str, Any]) -> None:
    assert apply(opened(), reading(**good)) == ()


@pytest.mark.parametrize(("beyond", "codes"), [(0, []), (1, ["absurd_quantity"])])
def test_the_limit_is_exact_where_floats_are_not(beyond: int, codes: list[str]) -> None:
    heat = reading(
        material="heat",
        unit="KJO",
        quantity=50 * RULES["heat"].max_per_day + beyond,
        period_start=moment(NOW_2024 - 50 * DAY_US),
        period_end=moment(NOW_2024),
    )
    refused = apply(opened(), heat)
    assert [refusal.code for refusal in refused] == codes


def test_only_a_flow_may_be_a_negative_correction() -> None:
    stock = reading(form=Form.STOCK, quantity=-1, corrects="reading-1")
    plan = reading(form=Form.PLAN, quantity=-1, corrects="reading-1")
    codes = [refusal.code for refusal in apply(opened(), stock, plan)]
    assert codes == ["negative_quantity", "negative_quantity"]


def test_dry_and_wet_masses_are_never_added() -> None:
    balances = opened()
    wet = reading(sequence=2, basis=Basis.AS_RECEIVED)
    refused = apply(balances, reading(sequence=1), wet, reading(sequence=3))
    assert [(refusal.row, refusal.code) for refusal in refused] == [(1, "mixed_basis")]
    assert "basis AS_RECEIVED differs" in refused[0].message
    assert [refusal.code for refusal in apply(balances, wet)] == ["mixed_basis"]


@pytest.mark.parametrize("value", [float("inf"), 1.001e12, -1.001e12])
def test_an_analysis_beyond_all_measure_is_refused(value: float) -> None:
    beyond = reading(properties=(Property(name="loi", value=value, unit="%"),))
    assert [one.code for one in apply(opened(), beyond)] == ["bad_property"]


def test_a_refused_first_reading_does_not_set_the_basis() -> None:
    wet_but_wrong = reading(sequence=1, basis=Basis.AS_RECEIVED, unit="LTR")
    refused = apply(opened(), wet_but_wrong, reading(sequence=2))
    assert [refusal.code for refusal in refused] == ["wrong_unit"]


def test_a_sequence_seen_before_is_counted_as_duplicate_and_not_refused() -> None:
    balances = opened()
    assert apply(balances, reading(sequence=1), reading(sequence=1), reading(sequence=2)) == ()
    assert (balances.applied, balances.duplicates) == (2, 1)


def test_the_gap_below_the_sixty_fifth_range_is_declared_lost_with_its_name() -> None:
    balances = opened()
    apply(balances, *(reading(sequence=sequence) for sequence in range(3, 3 + 2 * 65, 2)))
    (lost,) = balances.take_gap_alerts()
    assert (lost.rule, lost.subject) == ("sequence_gap", "a/meter-1/1")
    assert lost.reasons[0].text == "meter-1 (epoch 1, sequences 1-2)"
    assert balances.take_gap_alerts() == []


def restored(balances: PartitionBalances) -> PartitionBalances:
    parts = {key: part for key, part in balances.take_parts().items() if part is not None}
    return PartitionBalances.restore(
        "synergy.availability.v1", 0, RULES, parts, lambda name: int(name == "elsewhere")
    )


def kept_open(balances: PartitionBalances) -> PartitionBalances:
    return balances


@pytest.mark.parametrize("reopen", [kept_open, restored])
def test_what_comes_for_a_lost_gap_is_refused_and_told_so(
    reopen: Callable[[PartitionBalances], PartitionBalances],
) -> None:
    balances = opened()
    every_second = [reading(sequence=sequence) for sequence in range(3, 3 + 2 * 65, 2)]
    apply(balances, *every_second)
    balances = reopen(balances)
    refused = apply(balances, reading(sequence=2), every_second[0], reading(sequence=4))
    assert [(one.row, one.code, one.field) for one in refused] == [(0, "declared_lost", "sequence")]
    assert balances.duplicates == 1


def test_before_the_loss_in_the_same_batch_a_copy_is_a_duplicate_and_after_it_is_too_late() -> None:
    balances = opened()
    first, copy = reading(sequence=2), reading(sequence=2)
    every_second = [reading(sequence=sequence) for sequence in range(5, 5 + 2 * 65, 2)]
    refused = apply(balances, first, copy, *every_second, copy, reading(sequence=1))
    assert [(one.row, one.code) for one in refused] == [
        (67, "declared_lost"),
        (68, "declared_lost"),
    ]
    assert balances.duplicates == 1


@pytest.mark.parametrize("limit", [0, 10**17 + 1])
def test_a_rule_whose_sums_could_leave_64_bits_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="max_per_day"):
        MaterialRule("GRM", limit, 1)


def test_what_lies_in_the_future_is_judged_by_when_the_log_took_each_reading() -> None:
    balances = opened()
    ends_soon = reading(sequence=1, period_end=NOW + timedelta(minutes=11))
    early, later = NOW_2024, NOW_2024 + 2 * MINUTE_US
    balances.clock(later)
    readings = [ends_soon, replace(ends_soon, sequence=2), replace(ends_soon, sequence=3)]
    refused = balances.apply_readings(
        frame(readings), np.arange(3), np.array([early, later, early])
    )
    assert [(refusal.row, refusal.code) for refusal in refused] == [
        (0, "period_in_future"),
        (2, "period_in_future"),
    ]
    [position] = [one for one in balances.take_events(3) if isinstance(one, Position)]
    assert position.as_of == moment(later)


def test_an_analysis_from_the_future_is_judged_by_when_the_log_took_its_reading() -> None:
    balances = opened()
    sampled = Property(name="loi", value=3.0, unit="%", sampled_at=NOW + timedelta(minutes=11))
    readings = [reading(sequence=number, properties=(sampled,)) for number in (1, 2)]
    arrived = np.array([NOW_2024, NOW_2024 + 2 * MINUTE_US])
    [refusal] = balances.apply_readings(frame(readings), np.arange(2), arrived)
    assert (refusal.row, refusal.code) == (0, "bad_property")
