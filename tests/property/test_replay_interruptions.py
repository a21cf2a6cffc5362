"""Whatever interrupts a replay, its readings are those of an uninterrupted one, identity by identity."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.replay import Pace
from runtime.publisher import MemoryPublisher, PublishError
from tests.replaying.stand import TOPICS, Book, Stand, identity, run, stand

Event = tuple[Literal["pass", "fail", "restart"], int]

seconds = st.tuples(st.just("pass"), st.integers(1, 40))
failures = st.tuples(st.just("fail"), st.integers(0, 40))
restarts = st.tuples(st.just("restart"), st.just(0))
interruptions = st.lists(st.one_of(seconds, failures, restarts), max_size=30)


def after(folder: Path, events: list[Event], pace: Pace) -> Stand:
    """Return a stand on which the events have happened, played to its end afterwards."""
    now = 0.0
    one = stand(folder, Book(), MemoryPublisher(TOPICS), pace)
    for kind, amount in events:
        if kind == "restart":
            one = one.reopened(pace)
        elif kind == "fail":
            one.publisher.fail_next_flush(arriving=amount)
        else:
            now += amount / 4
            try:
                one.replay.step(now)
            except PublishError:
                continue
    one.publisher.obey()
    run(one, 80, start=now + 0.5)
    return one


@cache
def uninterrupted() -> frozenset[tuple[object, ...]]:
    """Return the identities of the readings of a replay that nothing interrupts."""
    with TemporaryDirectory() as folder:
        one = after(Path(folder), [], Pace())
        identities = [identity(event) for event in one.published()]
        one.spool.close()
    assert len(identities) == len(set(identities)) == 216
    return frozenset(identities)


@settings(max_examples=60, deadline=None)
@given(events=interruptions, most=st.sampled_from([1, 5, 20_000]))
def test_interruptions_change_nothing(events: list[Event], most: int) -> None:
    with TemporaryDirectory() as broken:
        one = after(Path(broken), events, Pace(most_readings=most))
        assert {identity(event) for event in one.published()} == uninterrupted()
        times = [tick.time for tick in one.ticks()]
        assert times == sorted(times)
        ranges = one.spool.identities()
        assert all(item.acknowledged == item.last == 72 for item in ranges)
        one.spool.close()
