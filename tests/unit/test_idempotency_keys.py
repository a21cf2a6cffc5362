"""A request that is repeated is answered as before, whatever the clock did meanwhile."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from producers.gateway.intake import KEPT_US, ReadingIntake, Submission
from producers.spool import Spool
from runtime.clock import US_PER_S, FakeClock
from runtime.publisher import MemoryPublisher
from schemas.topic_files import AVAILABILITY
from tests.property.test_gateway import CODEC, NOW
from tests.unit.test_spool import a_reading

AHEAD_S = KEPT_US / US_PER_S + timedelta(days=1).total_seconds()


def test_a_clock_that_was_ahead_for_a_while_forgets_no_key(tmp_path: Path) -> None:
    clock = FakeClock(now_us=int(NOW.timestamp()) * US_PER_S)
    spool = Spool(tmp_path / "spool", CODEC.encode, 1)
    intake = ReadingIntake(spool, MemoryPublisher({AVAILABILITY: 1}), clock)
    first = Submission("mill", "first-key", b"first")
    assert not intake.keep(first, [a_reading()]).repeated
    clock.advance(AHEAD_S)
    for number in range(3):
        intake.keep(Submission("mill", f"later-{number}", b"later"), [a_reading(hour=number)])
    assert intake.keep(first, [a_reading()]).repeated
    assert [one.last for one in spool.identities()] == [4]
    intake.close()
