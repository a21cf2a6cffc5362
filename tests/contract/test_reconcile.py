"""Reconciliation finds what the sink can't know: rows that vanished and rows that are there twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ledger_database import QueryLimits
from runtime.log import TopicPartition
from sinks.ledger_protocol import OffsetRange
from sinks.reconcile import Reconciler, Reconciliation
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import availability

TP = TopicPartition("synergy.availability.v1", 0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[EngineLedger]:
    with open_ledger(tmp_path / "ledger") as opened:
        yield opened


def _fill(ledger: EngineLedger) -> int:
    """Write ten events with a marker after the fourth and a tombstone at the end; return the end."""
    for sequence in range(1, 11):
        ledger.append("availability", availability(sequence))
        if sequence == 4:
            ledger.topics.append_marker(TP)
    ledger.append_bytes(None)
    ledger.topics.append_marker(TP)
    ledger.drain()
    return ledger.topics.source("x").bounds(TP)[1]


def _compare(ledger: EngineLedger, end: int, window: int = 1_000) -> list[Reconciliation]:
    reader = ledger.database.reader(QueryLimits(result_rows=1_000_000))
    source = ledger.topics.source("check")
    found = list(Reconciler(reader, source, lambda: False, window).compare({TP: end}))
    reader.close()
    return found


def test_a_complete_ledger_has_nothing_missing_and_nothing_doubled(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    assert _compare(ledger, end) == [Reconciliation(TP, OffsetRange(0, end - 1), (), 0, (), 0)]


def test_rows_that_vanished_are_missing_and_markers_are_not(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("DELETE FROM availability WHERE _offset IN (0, 3, 5, 10)")
    (found,) = _compare(ledger, end)
    assert found.missing == (0, 3, 5, 10)
    assert found.missing_count == 4
    assert found.doubled == ()


def test_rows_that_are_there_twice_are_doubled(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command(
        "INSERT INTO availability SELECT * FROM availability WHERE _offset IN (2, 7)"
    )
    (found,) = _compare(ledger, end)
    assert found.doubled == (2, 7)
    assert found.missing == ()


def test_a_record_in_two_tables_is_doubled(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command(
        "INSERT INTO tombstones SELECT _topic, _topic_id, _partition, 1, _timestamp, _key FROM tombstones"
    )
    (found,) = _compare(ledger, end)
    assert found.doubled == (1,)


def test_the_next_run_compares_only_what_is_new(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    _compare(ledger, end)
    assert _compare(ledger, end) == []
    ledger.append("availability", availability(11))
    ledger.drain()
    (found,) = _compare(ledger, end + 1)
    assert found.window == OffsetRange(end, end)


def test_a_topic_made_again_is_compared_from_its_start(ledger: EngineLedger) -> None:
    _compare(ledger, _fill(ledger))
    ledger.topics.recreate(TP.topic)
    ledger.append("availability", availability(1))
    (found,) = _compare(ledger, 1)
    assert found.missing == (0,)


def test_a_long_ledger_is_compared_in_windows(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("DELETE FROM availability WHERE _offset IN (0, 3, 5, 10)")
    found = _compare(ledger, end, window=4)
    assert [(one.window.first, one.window.last) for one in found] == [
        (0, 3),
        (4, 7),
        (8, 11),
        (12, 12),
    ]
    assert [one.missing for one in found] == [(0, 3), (5,), (10,), ()]


def test_partitions_of_a_topic_are_compared_each_by_itself(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    beside = TopicPartition(TP.topic, 1)
    for sequence in range(1, 4):
        ledger.append("availability", availability(sequence, source="meter-2"), beside.partition)
    ledger.drain()
    ledger.database.command(
        "INSERT INTO availability SELECT * FROM availability WHERE _partition = 0 AND _offset = 2"
    )
    ledger.database.command("DELETE FROM availability WHERE _partition = 1 AND _offset = 1")
    reader = ledger.database.reader(QueryLimits())
    found = Reconciler(reader, ledger.topics.source("check"), lambda: False).compare(
        {TP: end, beside: 3}
    )
    reader.close()
    assert found == [
        Reconciliation(TP, OffsetRange(0, end - 1), (), 0, (2,), 1),
        Reconciliation(beside, OffsetRange(0, 2), (1,), 1, (), 0),
    ]
