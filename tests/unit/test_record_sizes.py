"""Readings that are allowed each and would make a position larger than any topic takes: the one too many is refused."""

from __future__ import annotations

from runtime.log import TopicPartition
from schemas.events import Position, Rejected
from schemas.topic_files import AVAILABILITY, FACILITIES
from tests.market.values import CODEC
from tests.partition_driver import BALANCE, PartitionDriver, one_partition_each
from tests.property.balance_input import NOW_2024, facility, reading
from tests.unit.test_balance_rebuild import STAGE, plain

MOST = 1_048_588
"""What a topic takes unless it says otherwise."""


def _with_flags(sequence: int) -> bytes:
    """Return a reading of 30 kB: flags that no other reading has."""
    flags = tuple(f"{sequence}/{number}/" + "x" * 290 for number in range(100))
    return CODEC.encode(plain(reading(sequence=sequence, flags=flags)))


def test_what_would_fit_into_no_topic_is_refused_and_the_partition_goes_on() -> None:
    log = one_partition_each()
    log.append(TopicPartition(FACILITIES, 0), b"a", CODEC.encode(facility("a", "live")))
    worker = PartitionDriver(log, STAGE, BALANCE, NOW_2024)
    said = worker.work(2)
    for sequence in range(1, 41):
        value = _with_flags(sequence)
        log.append(TopicPartition(AVAILABILITY, 0), b"a", value, NOW_2024 // 1_000)
    said += worker.work(60)
    assert max(len(one.value or b"") for one in said) < MOST
    events = [CODEC.decode(one.value or b"") for one in said]
    refused = [one for one in events if isinstance(one, Rejected)]
    counted = [one for one in events if isinstance(one, Position)][-1]
    assert {one.code for one in refused} == {"internal_error"}
    assert "shorten" in refused[0].message
    assert counted.quantity_24h == (40 - len(refused)) * 1_000_000
    assert 30 < 40 - len(refused) < 40
