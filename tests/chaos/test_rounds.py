"""A short `make chaos`: a few faults of other kinds than the failpoints, then the comparison of every hop."""

from __future__ import annotations

import pytest

from tests.chaos.rounds import run
from tests.chaos.stand import Stand
from tests.end_to_end.pipeline import say

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SHORT = (
    "source_killed",
    "both_workers_killed",
    "disk_full",
    "broker_killed",
    "clock_stepped",
    "worker_frozen",
    "store_killed",
    "worker_leaves_and_joins",
)


def test_after_faults_every_hop_has_what_the_one_before_has(stand: Stand) -> None:
    outcome = run(stand, SHORT, 20, say)
    assert outcome.findings.lines == []
    assert outcome.exact
    assert outcome.findings.events > 1_000
