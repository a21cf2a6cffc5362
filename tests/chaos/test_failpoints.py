"""A process that dies at any of the named places between log and ledger has lost and doubled nothing."""

from __future__ import annotations

import pytest

from runtime.failpoints import PLACES, Place
from tests.chaos.oracle import compare_hops
from tests.chaos.stand import Stand

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

WHO_PASSES = {"commit": ("balance", "market"), "ledger": ("store",)}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_lost_or_doubled_when_processes_die_at(stand: Stand, place: Place) -> None:
    names = WHO_PASSES[place.partition(".")[0]]
    assert stand.die_at(place, *names) == set(names)
    stand.hold()
    found = compare_hops(stand)
    stand.go_on()
    assert found.lines == []
    assert found.events > 0
