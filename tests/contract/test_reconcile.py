"""Reconciliation finds what the sink can't know: rows that vanished and rows that are there twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli.store_checks import StoreChecks
from runtime.clock import FakeClock
from runtime.ledger_database import DatabaseUnavailableError, QueryLimits
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.metrics import Metrics
from sinks.ledger_protocol import OffsetRange
from sinks.reconcile import Reconciler, Reconciliation
from tests.ledger.engine import OTHERS, EngineLedger, open_ledger
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


def _found(
    ledger: EngineLedger,
    tp: TopicPartition,
    last: int,
    missing: tuple[int, ...] = (),
    doubled: tuple[int, ...] = (),
) -> Reconciliation:
    return Reconciliation(
        tp=tp,
        topic_id=ledger.topics.describe(tp.topic).topic_id,
        window=OffsetRange(0, last),
        missing=missing,
        missing_count=len(missing),
        doubled=doubled,
        doubled_count=len(doubled),
    )


def test_a_complete_ledger_has_nothing_missing_and_nothing_doubled(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    assert _compare(ledger, end) == [_found(ledger, TP, end - 1)]


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
    found = list(
        Reconciler(reader, ledger.topics.source("check"), lambda: False).compare(
            {TP: end, beside: 3}
        )
    )
    reader.close()
    assert found == [
        _found(ledger, TP, end - 1, doubled=(2,)),
        _found(ledger, beside, 2, missing=(1,)),
    ]


def test_a_stop_in_between_leaves_the_window_to_the_next_run(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("DELETE FROM availability WHERE _offset IN (3, 5)")
    reader, source = ledger.database.reader(QueryLimits()), ledger.topics.source("check")
    answers = iter([False])
    stopped = Reconciler(reader, source, lambda: next(answers, True))
    assert list(stopped.compare({TP: end})) == []
    reader.close()
    (found,) = _compare(ledger, end)
    assert found.missing == (3, 5)


def _checks(ledger: EngineLedger, state: Any) -> StoreChecks:
    return StoreChecks(
        source=lambda: ledger.topics.source("check"),
        database=ledger.database,
        state=state,
        metrics=Metrics(),
        clock=FakeClock(),
        log=logger("tests"),
    )


def _state(*ends: tuple[TopicPartition, int]) -> Any:
    parts = [SimpleNamespace(tp=tp, next=end) for tp, end in ends]
    return SimpleNamespace(sink_status=lambda: SimpleNamespace(partitions=parts), reconciled=None)


def test_what_is_missing_is_said_until_it_is_there_again(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("CREATE TABLE kept AS availability")
    ledger.database.command("INSERT INTO kept SELECT * FROM availability WHERE _offset IN (3, 5)")
    ledger.database.command("DELETE FROM availability WHERE _offset IN (3, 5)")
    state = _state((TP, end))
    checks = _checks(ledger, state)
    for _ in range(2):
        checks.check(lambda: False)
        assert state.reconciled["missing"] == 2
    ledger.database.command("INSERT INTO availability SELECT * FROM kept")
    checks.check(lambda: False)
    assert state.reconciled["missing"] == 0


def test_an_error_in_between_hides_nothing_that_was_found_before(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("DELETE FROM availability WHERE _offset IN (3, 5)")
    gone = TopicPartition(OTHERS[0], 0)
    ledger.topics.append(gone, b"k", b"v")
    state = _state((TP, end), (gone, 1))
    checks = replace(_checks(ledger, state), database=cast("Any", _Broken(ledger, gone.topic)))
    checks.check(lambda: False)
    assert (state.reconciled["missing"], state.reconciled["at_us"]) == (2, None)
    checks = replace(checks, database=ledger.database)
    checks.check(lambda: False)
    assert state.reconciled["missing"] == 3
    assert state.reconciled["at_us"] is not None


@dataclass(frozen=True)
class _Broken:
    """A database that answers no question about one topic."""

    ledger: EngineLedger
    topic: str

    def reader(self, limits: QueryLimits) -> Any:
        inner = self.ledger.database.reader(limits)

        def query(sql: str, parameters: Any) -> Any:
            if parameters["topic"] == self.topic:
                raise DatabaseUnavailableError("gone")
            return inner.query(sql, parameters)

        return SimpleNamespace(query=query, close=inner.close)


def test_what_kafka_has_deleted_since_is_no_longer_said_to_be_missing(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("DELETE FROM availability WHERE _offset IN (3, 7)")
    state = _state((TP, end))
    checks = _checks(ledger, state)
    checks.check(lambda: False)
    ledger.topics.delete_before(TP, 5)
    checks.check(lambda: False)
    assert state.reconciled["missing"] == 1
    ledger.topics.delete_before(TP, end)
    checks.check(lambda: False)
    assert state.reconciled["missing"] == 0


def test_a_window_that_is_found_twice_is_counted_once(ledger: EngineLedger) -> None:
    end = _fill(ledger)
    ledger.database.command("DELETE FROM availability WHERE _offset IN (3, 5)")
    state = _state((TP, end))
    checks = _checks(ledger, state)
    for _ in range(2):
        checks.check(lambda: False)
        ledger.topics.positions.clear()
        assert state.reconciled["missing"] == 2
