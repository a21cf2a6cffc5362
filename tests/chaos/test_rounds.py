"""A short `make chaos`: faults of other kinds than the failpoints, the comparison of every hop, and the last faults.

The tests of this file follow each other: each leaves the stand as the next one wants it.
"""

from __future__ import annotations

import pytest

from schemas import topic_files
from tests.chaos.damage import published, rebuild, recreate, refusals, run_by_hand, stop_workers
from tests.chaos.last_faults import LAST_FAULTS, READERS
from tests.chaos.oracle import compare
from tests.chaos.rounds import Outcome, run
from tests.chaos.stand import Stand
from tests.end_to_end.pipeline import PARTITIONS, say

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SHORT = ("both_workers_killed", "disk_full", "broker_killed", "clock_stepped")


def test_after_faults_every_hop_has_what_the_one_before_has(stand: Stand) -> None:
    outcome = Outcome(20)
    run(stand, SHORT, outcome, say)
    assert outcome.findings.lines == []
    assert outcome.exact
    assert outcome.findings.events > 1_000
    for name in ("balance", "balance-2", "market", "market-2", "store"):
        assert not [line for line in stand.pipeline.log_lines(name) if "Traceback" in line]


def test_a_deleted_changelog_is_refused_and_rebuilt_from_its_input(stand: Stand) -> None:
    stop_workers(stand, "balance")
    recreate(stand, topic_files.BALANCE_CHANGELOG)
    before = published(stand, "balance")
    with run_by_hand(stand, "worker", "balance") as log:
        refused = refusals(stand, log, PARTITIONS)
    assert {code for code, _ in refused.values()} == {"state_missing"}
    assert all("synergy worker balance --rebuild" in text for _, text in refused.values())
    assert published(stand, "balance") == before
    rebuild(stand, "balance")
    assert published(stand, "balance") == before
    assert compare(stand, stand.finish()).lines == []


@pytest.mark.parametrize("fault", LAST_FAULTS)
@pytest.mark.parametrize("reader", READERS)
def test_what_a_person_has_to_decide_is_refused_and_nothing_skipped(
    stand: Stand, fault: str, reader: str
) -> None:
    LAST_FAULTS[fault](stand, reader)
