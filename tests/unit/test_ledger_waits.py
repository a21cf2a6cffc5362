"""A database that answers questions and takes no rows: what the ledger holds stays bounded, and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.ledger_database import DatabaseUnavailableError
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import Block
from tests.ledger.world import Fate, MemoryStore, World

RETRIES, ROWS = 50, 20


@dataclass(slots=True)
class FullStore(MemoryStore):
    """Its disk is full."""

    full: bool = True

    def insert(self, block: Block, token: str) -> None:
        if self.full:
            raise DatabaseUnavailableError("not enough space")
        MemoryStore.insert(self, block, token)


def test_nothing_more_is_read_while_the_database_takes_no_rows() -> None:
    world = World()
    store = FullStore(world.tables, Fate())
    world.make_writer = lambda _, sorter, session: RangeWriter(store, sorter, session)
    sink = world.sink(Fate(), max_rows=10)
    waits: list[float] = []

    def until_it_waited_long(seconds: float) -> bool:
        """Publish while it waits; the disk has room again in the end."""
        if seconds:
            waits.append(seconds)
            world.produce(ROWS)
            world.clock.advance(seconds)
            store.full = len(waits) < RETRIES
            assert len(world.taken) <= 2 * ROWS
        return not store.full and sink.status.lag == 0

    world.produce(ROWS)
    sink.run(until_it_waited_long)
    assert len(waits) >= RETRIES
    assert not world.lost()
    assert not world.doubled()
