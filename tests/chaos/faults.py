"""What can go wrong, each as something that is done to the stand at a random moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from runtime.failpoints import Place
from tests.chaos import damage
from tests.chaos.stand import STOPPED_S, WORKERS, Stand
from tests.end_to_end.pipeline import CHANGELOGS

Fault = Callable[[Stand], None]
OUTAGE_S: Final = 30.0
STEPS_S: Final = (7_200.0, -7_200.0)
COMMIT_PLACES: Final[tuple[Place, ...]] = (
    "commit.before_transaction",
    "commit.produced",
    "commit.committed",
)
LEDGER_PLACES: Final[tuple[Place, ...]] = (
    "ledger.before_announcement",
    "ledger.announced",
    "ledger.inserted",
)


def _worker(stand: Stand) -> str:
    stage = stand.choose.choice(sorted(WORKERS))
    return stand.choose.choice(WORKERS[stage])


def _stand_still(stand: Stand, name: str) -> None:
    pid = stand.signal(name, signal.SIGSTOP)
    stand.wait(STOPPED_S)
    with suppress(ProcessLookupError):  # it was dying of the fault before
        os.kill(pid, signal.SIGCONT)


class NotReachedError(Exception):
    """A process did not come to the place at which it was to die."""


def _die_at(stand: Stand, place: Place, name: str) -> None:
    if not stand.die_at(place, name):
        raise NotReachedError(f"{name} did not come to {place}")


def worker_killed(stand: Stand) -> None:
    """Kill -9 of a worker."""
    stand.signal(_worker(stand), signal.SIGKILL)


def worker_killed_in_commit(stand: Stand) -> None:
    """Kill -9 of a worker at a place of its commit."""
    _die_at(stand, stand.choose.choice(COMMIT_PLACES), _worker(stand))


def both_workers_killed(stand: Stand) -> None:
    """Kill -9 of both workers of a stage."""
    for name in WORKERS[stand.choose.choice(sorted(WORKERS))]:
        stand.signal(name, signal.SIGKILL)


def worker_frozen(stand: Stand) -> None:
    """SIGSTOP beyond the session timeout, then SIGCONT: it wakes as a zombie."""
    _stand_still(stand, _worker(stand))


def worker_leaves_and_joins(stand: Stand) -> None:
    """SIGTERM: it commits, leaves the group and comes back."""
    stand.signal(_worker(stand), signal.SIGTERM)


def store_killed(stand: Stand) -> None:
    """Kill -9 of the store, whatever it does."""
    stand.signal("store", signal.SIGKILL)


def store_killed_in_insert(stand: Stand) -> None:
    """Kill -9 of the store at a place of its protocol."""
    _die_at(stand, stand.choose.choice(LEDGER_PLACES), "store")


def store_frozen(stand: Stand) -> None:
    """The ledger stands still for a while: lag grows, nothing is lost."""
    _stand_still(stand, "store")


def source_killed(stand: Stand) -> None:
    """Kill -9 of the source: its spool remains."""
    stand.signal("source", signal.SIGKILL)


def registry_killed(stand: Stand) -> None:
    """Kill -9 of the schema registry."""
    stand.signal("registry", signal.SIGKILL)


def disk_full(stand: Stand) -> None:
    """The spool's disk is full for a while."""
    noticed = stand.control / "disk_was_full"
    noticed.unlink(missing_ok=True)
    (stand.control / "full").touch()
    stand.pipeline.eventually("the source notices that its disk is full", noticed.exists)
    stand.wait(2.0)
    (stand.control / "full").unlink()


def broker_killed(stand: Stand) -> None:
    """Kill -9 of the broker; it comes back at once."""
    os.kill(stand.broker(), signal.SIGKILL)
    stand.wait(1.0)


def broker_frozen(stand: Stand) -> None:
    """The broker answers nobody for half a minute."""
    pid = stand.broker()
    os.kill(pid, signal.SIGSTOP)
    stand.wait(OUTAGE_S)
    os.kill(pid, signal.SIGCONT)


def clock_stepped(stand: Stand) -> None:
    """The clock of every process of the product jumps by two hours and, after a while, back."""
    (stand.control / "clock").write_text(str(stand.choose.choice(STEPS_S)))
    stand.wait(5.0)
    (stand.control / "clock").unlink()


def _state_lost(stand: Stand, stage: str) -> None:
    """Delete the changelog of a stage and rebuild it, as an operator does; nothing is published a second time."""
    stand.recovered()
    stand.hold()
    damage.stop_workers(stand, stage)
    before = damage.published(stand, stage)
    damage.recreate(stand, CHANGELOGS[stage])
    damage.rebuild(stand, stage)
    after = damage.published(stand, stage)
    assert after == before, f"the rebuild of {stage} published: ends {before} became {after}"
    damage.start_workers(stand, stage)
    stand.go_on()


def balance_state_lost(stand: Stand) -> None:
    """The changelog of the balance is deleted; it is rebuilt from the readings."""
    _state_lost(stand, "balance")


def market_state_lost(stand: Stand) -> None:
    """The changelog of the market is deleted; it is rebuilt from what it published."""
    _state_lost(stand, "market")


FAULTS: Final[Mapping[str, Fault]] = {
    one.__name__: one
    for one in (
        worker_killed,
        worker_killed_in_commit,
        both_workers_killed,
        worker_frozen,
        worker_leaves_and_joins,
        store_killed,
        store_killed_in_insert,
        store_frozen,
        source_killed,
        registry_killed,
        disk_full,
        broker_killed,
        broker_frozen,
        clock_stepped,
        balance_state_lost,
        market_state_lost,
    )
}
