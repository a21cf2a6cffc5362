"""The partition task against a log that duplicates, cuts, rebalances, fences and recreates its topics."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import DamagedInput, FaultyCommits, PartitionMachine

THOROUGH = settings(
    max_examples=400,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("machine", [PartitionMachine, FaultyCommits, DamagedInput])
def test_whatever_happens_every_record_is_counted_exactly_once(
    machine: type[PartitionMachine],
) -> None:
    run_state_machine_as_test(machine, settings=THOROUGH)
