"""A short `make chaos`: faults of other kinds than the failpoints, the comparison of every hop, and the last damages.

The tests of this file follow each other: each leaves the stand as the next one wants it.
"""

from __future__ import annotations

import pytest

from schemas import topic_files
from tests.chaos.damage import (
    delete_everything,
    published,
    rebuild,
    recreate,
    refusals,
    stop_workers,
    unread_readings,
    worker,
)
from tests.chaos.oracle import compare
from tests.chaos.rounds import run
from tests.chaos.stand import Stand
from tests.end_to_end.pipeline import say

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SHORT = ("both_workers_killed", "disk_full", "broker_killed", "clock_stepped")


def test_after_faults_every_hop_has_what_the_one_before_has(stand: Stand) -> None:
    outcome = run(stand, SHORT, 20, say)
    assert outcome.findings.lines == []
    assert outcome.exact
    assert outcome.findings.events > 1_000
    for name in ("balance", "balance-2", "market", "market-2", "store"):
        assert not [line for line in stand.pipeline.log_lines(name) if "Traceback" in line]


def test_a_deleted_changelog_is_refused_and_rebuilt_from_its_input(stand: Stand) -> None:
    stop_workers(stand, "balance")
    recreate(stand, topic_files.BALANCE_CHANGELOG)
    before = published(stand, "balance")
    with worker(stand, "balance") as log:
        refused = refusals(stand, log, 4)
    assert {code for code, _ in refused.values()} == {"state_missing"}
    assert all("synergy worker balance --rebuild" in text for _, text in refused.values())
    assert published(stand, "balance") == before
    rebuild(stand, "balance")
    assert published(stand, "balance") == before
    assert compare(stand, stand.finish()).lines == []


def test_an_input_that_retention_has_passed_is_refused_and_nothing_skipped(stand: Stand) -> None:
    before, partitions = published(stand, "balance"), unread_readings(stand)
    delete_everything(stand, topic_files.AVAILABILITY)
    with worker(stand, "balance") as log:
        refused = refusals(stand, log, partitions)
    assert {code for code, _ in refused.values()} == {"retention_passed"}
    assert all("was never applied" in text for _, text in refused.values())
    assert published(stand, "balance") == before


def test_an_input_that_was_created_anew_is_refused(stand: Stand) -> None:
    before = published(stand, "balance")
    recreate(stand, topic_files.AVAILABILITY)
    with worker(stand, "balance") as log:
        refused = refusals(stand, log, 4)
    assert {code for code, _ in refused.values()} == {"topic_recreated"}
    assert all("--rebuild" in text for _, text in refused.values())
    assert published(stand, "balance") == before
