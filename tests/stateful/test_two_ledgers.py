"""Two sinks on one Kafka and one database: the one that opened last goes on alone, and nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.ledger_database import DatabaseUnavailableError
from runtime.log import TopicPartition
from runtime.memory_sink_source import MemorySinkSource, MemoryTopics
from runtime.sink_source import ClaimLostError, Position, TakenOverError
from sinks.ledger import LedgerSink
from sinks.ledger_opening import LedgerStoppedError, Permissions
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import Block
from sinks.ledger_store import TopicEnd
from tests.ledger.world import TOPIC, Fate, MakeWriter, MemoryStore, World


def _assert_exact(world: World) -> None:
    assert not world.lost()
    assert not world.doubled()


def _work(sink: LedgerSink) -> None:
    for _ in range(9):
        sink.step(0.0)


def _open_and_work(sink: LedgerSink) -> None:
    sink.open()
    _work(sink)


def _finish(world: World) -> None:
    assert world.live(None)
    _assert_exact(world)


@settings(max_examples=80, deadline=None)
@given(
    turns=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), max_size=30),
    max_rows=st.integers(1, 7),
)
def test_two_that_open_and_work_in_any_order_write_everything_once(
    turns: list[tuple[int, int]], max_rows: int
) -> None:
    world = World()
    sinks: list[LedgerSink | None] = [None, None]
    for who, produced in turns:
        world.produce(produced)
        sink = sinks[who]
        if sink is None:
            sink = sinks[who] = world.sink(Fate(), max_rows)
            sink.open()
            continue
        try:
            sink.step(0.0)
        except TakenOverError:
            sinks[who] = None
        world.clock.advance(0.5)
    _finish(world)


@dataclass(slots=True)
class SlowStore(MemoryStore):
    """One of its inserts, counted from 0, arrives only when it is let go."""

    slow: int = 0
    inserts: int = 0
    started: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)

    def insert(self, block: Block, token: str) -> None:
        self.inserts += 1
        if self.inserts - 1 == self.slow:
            self.started.set()
            assert self.let_go.wait(60)
        MemoryStore.insert(self, block, token)


def _writing(store: MemoryStore) -> MakeWriter:
    return lambda _, sorter, session: RangeWriter(store, sorter, session)


@pytest.mark.parametrize(
    "permissions",
    [Permissions(), Permissions(resume_from_table=True), Permissions(accept_gap=True)],
)
def test_an_insert_that_is_under_way_while_another_takes_over_counts_once(
    permissions: Permissions,
) -> None:
    world = World()
    world.produce(24)
    slow = SlowStore(world.tables, Fate())
    world.make_writer = _writing(slow)
    former = world.sink(Fate(), max_rows=100)  # one insert for both partitions
    former.open()
    for _ in range(2):
        former.step(0.0)
    assert slow.started.wait(60)
    if permissions.accept_gap:
        for number in range(2):
            world.topics.delete_before(TopicPartition(TOPIC, number), 5)
    world.make_writer, world.permissions = RangeWriter, permissions
    assert world.live(None)
    slow.let_go.set()
    world.produce(6)
    with pytest.raises(TakenOverError):
        _work(former)
    assert world.live(None)
    assert not world.doubled()
    assert permissions.accept_gap or not world.lost()


@pytest.mark.parametrize("slow_insert", range(3))
def test_who_was_overtaken_while_it_opened_writes_nothing(slow_insert: int) -> None:
    world = World(topics=MemoryTopics({TOPIC: 1}))
    world.produce(24)
    slow = SlowStore(world.tables, Fate(), slow_insert)
    heirs: list[LedgerSink] = []

    class Overtaken(MemorySinkSource):
        """Another sink opens and inserts half a range, once this one has claimed and asked for the positions."""

        def claim(self, topics: Sequence[str]) -> None:
            super().claim(topics)
            self.has_claimed = True

        def committed(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, Position]:
            found = super().committed(tps)
            if hasattr(self, "has_claimed") and not heirs:
                world.make_source, world.make_writer = MemoryTopics.source, _writing(slow)
                heirs.append(world.sink(Fate(), max_rows=100))
                heirs[0].open()
                for _ in range(2):
                    heirs[0].step(0.0)
                assert slow.started.wait(60)
            return found

    world.make_source = Overtaken
    overtaken = world.sink(Fate(), max_rows=100)
    with pytest.raises(TakenOverError):
        _open_and_work(overtaken)
    slow.let_go.set()
    [heir] = heirs
    _work(heir)
    heir.finish()
    world.make_writer = RangeWriter
    _finish(world)


@dataclass(slots=True)
class AwayStore(MemoryStore):
    """A database that can't be reached."""

    away: bool = True

    def ends(self) -> Collection[TopicEnd]:
        if self.away:
            raise DatabaseUnavailableError("no route")
        return MemoryStore.ends(self)

    def insert(self, block: Block, token: str) -> None:
        if self.away:
            raise DatabaseUnavailableError("no route")
        MemoryStore.insert(self, block, token)


def test_one_that_can_not_open_takes_nothing_over() -> None:
    world = World()
    world.produce(24)
    healthy = world.sink(Fate(), max_rows=5)
    healthy.open()
    world.make_writer = _writing(AwayStore(world.tables, Fate()))
    with pytest.raises(DatabaseUnavailableError):
        world.sink(Fate(), max_rows=5).open()
    world.make_writer = RangeWriter
    _work(healthy)
    healthy.finish()
    _assert_exact(world)


def test_lag_grows_while_nothing_can_be_opened() -> None:
    lost: dict[int, bool] = {}
    world = World(make_source=lambda topics, group: Forgetful(topics, group, lost))
    store = AwayStore(world.tables, Fate(), away=False)
    world.make_writer = _writing(store)
    sink = world.sink(Fate(), max_rows=100)
    sink.open()
    world.produce(24)
    sink.step(0.0)
    store.away = True
    lost.update(dict.fromkeys(range(100), False))
    lags: list[int | None] = []

    def until_it_waited_long(seconds: float) -> bool:
        if seconds:
            world.produce(22)
            lags.append(sink.status.lag)
        world.clock.advance(1.0)
        return len(lags) > 9

    sink.run(until_it_waited_long)
    known = [lag for lag in lags if lag is not None]
    assert len(known) == len(lags)
    assert known[-1] >= known[0] + 8 * 22


def test_who_was_taken_over_stops_and_says_so() -> None:
    world = World()
    world.produce(24)
    former = world.sink(Fate(), max_rows=5)
    turns = iter(range(100))

    def until_the_other_has_come(seconds: float) -> bool:
        del seconds
        if next(turns) == 2:
            world.sink(Fate(), max_rows=5).open()
        world.clock.advance(0.5)
        return False

    with pytest.raises(LedgerStoppedError, match="run one store only") as stopped:
        former.run(until_the_other_has_come)
    assert stopped.value.reason == "taken_over"
    _finish(world)


class Forgetful(MemorySinkSource):
    """Of some commits nobody hears whether they came through; then it has to be claimed again."""

    def __init__(self, topics: MemoryTopics, group: str, lost: Mapping[int, bool]) -> None:
        super().__init__(topics, group)
        self.lost, self.count, self.valid = lost, 0, False

    def claim(self, topics: Sequence[str]) -> None:
        super().claim(topics)
        self.valid = True

    def commit(self, positions: Mapping[TopicPartition, Position]) -> None:
        assert self.valid, "it was not claimed again"
        arrives = self.lost.get(self.count)
        self.count += 1
        if arrives is not False:
            super().commit(positions)
        if arrives is not None:
            self.valid = False
            raise ClaimLostError("no answer")


@settings(max_examples=50, deadline=None)
@given(lost=st.dictionaries(st.integers(0, 12), st.booleans()), max_rows=st.integers(1, 9))
def test_after_a_commit_without_an_answer_it_goes_on_from_what_is_committed(
    lost: dict[int, bool], max_rows: int
) -> None:
    world = World(make_source=lambda topics, group: Forgetful(topics, group, lost))
    world.produce(40)
    sink = world.sink(Fate(), max_rows)

    def until_all_is_written(seconds: float) -> bool:
        del seconds
        world.clock.advance(0.5)
        status = sink.status
        return status.lag == 0 and all(part.phase == "idle" for part in status.partitions)

    sink.run(until_all_is_written)
    _assert_exact(world)
