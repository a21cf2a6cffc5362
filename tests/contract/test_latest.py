"""Views that start from the ledger know every series, however long ago its last position was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.ledger_database import QueryLimits
from sinks.latest import latest_values
from sinks.ledger_store import TopicEnd, table_ends
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import every_record, frame, rejected


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[EngineLedger]:
    with open_ledger(tmp_path / "ledger") as opened:
        yield opened


def _latest(ledger: EngineLedger) -> list[bytes]:
    reader = ledger.database.reader(QueryLimits())
    values = list(latest_values(reader))
    reader.close()
    return values


def test_only_the_last_record_of_each_thing_is_given_byte_for_byte(ledger: EngineLedger) -> None:
    records = every_record()
    for quantity in (1, 2, 3):
        for facility in ("mill", "kiln"):
            changed = {"facility": facility, "quantity_24h": quantity}
            ledger.append("position", records["position"] | changed)
    for revision in (1, 2):
        ledger.append("match", records["match"] | {"revision": revision})
    ledger.append("tick", records["tick"])
    ledger.drain()
    assert _latest(ledger) == [
        frame("position", records["position"] | {"facility": "mill", "quantity_24h": 3}),
        frame("position", records["position"] | {"facility": "kiln", "quantity_24h": 3}),
        frame("match", records["match"] | {"revision": 2}),
        frame("tick", records["tick"]),
    ]


def test_the_newest_rejections_are_given_in_append_order(ledger: EngineLedger) -> None:
    for offset in range(520):
        ledger.append("rejected", rejected(offset))
    ledger.drain()
    values = _latest(ledger)
    assert len(values) == 500
    assert values[-1] == frame("rejected", rejected(519))


def test_an_empty_ledger_gives_nothing(ledger: EngineLedger) -> None:
    assert _latest(ledger) == []


def test_the_ends_are_the_largest_offsets_of_each_partition(ledger: EngineLedger) -> None:
    for partition in (0, 0, 1):
        ledger.append("tick", every_record()["tick"], partition=partition)
    ledger.append_bytes(b"junk")
    ledger.drain()
    topic = "synergy.availability.v1"
    found = sorted(table_ends(ledger.database), key=lambda end: end.partition)
    assert found == [
        TopicEnd(topic, f"id-of-{topic}", 0, 2),
        TopicEnd(topic, f"id-of-{topic}", 1, 0),
    ]
