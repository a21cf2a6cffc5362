"""A worker that comes back after an outage: what waits in the log is read before anything is said to be missing."""

from __future__ import annotations

from runtime.log import OutRecord, TopicPartition
from schemas.events import Position
from schemas.topic_files import AVAILABILITY, FACILITIES
from synergy.balance.terms import moment
from tests.market.values import CODEC
from tests.partition_driver import BALANCE, PartitionDriver, one_partition_each
from tests.property.balance_input import HOUR_US, NOW_2024, facility, reading
from tests.unit.test_balance_rebuild import STAGE, plain

HOURS = 48


def _hourly(sequence: int) -> bytes:
    """Return the reading of the hour that ends so many hours after the first."""
    end = NOW_2024 + sequence * HOUR_US
    period = {"period_start": moment(end - HOUR_US), "period_end": moment(end)}
    return CODEC.encode(plain(reading(sequence=sequence, **period)))


def _stale(said: list[OutRecord]) -> list[bool]:
    events = [CODEC.decode(one.value or b"") for one in said]
    return [one.stale for one in events if isinstance(one, Position)]


def test_a_source_whose_readings_wait_is_not_silent_and_one_without_any_is() -> None:
    log = one_partition_each()
    for name in ("a", "b"):
        log.append(
            TopicPartition(FACILITIES, 0), name.encode(), CODEC.encode(facility(name, "live"))
        )

    def arrive(sequence: int) -> None:
        at_ms = (NOW_2024 + sequence * HOUR_US) // 1_000
        log.append(TopicPartition(AVAILABILITY, 0), b"a", _hourly(sequence), at_ms)

    arrive(1)
    first = PartitionDriver(log, STAGE, BALANCE, NOW_2024 + HOUR_US)
    assert _stale(first.work(5)) == [False]
    for sequence in range(2, HOURS):
        arrive(sequence)
    again = PartitionDriver(log, STAGE, BALANCE, NOW_2024 + HOURS * HOUR_US, fetched=1)
    said = _stale(again.work(20))
    assert said
    assert not any(said)
    last = PartitionDriver(log, STAGE, BALANCE, NOW_2024 + 10 * HOURS * HOUR_US)
    assert _stale(last.work(5)) == [True]
