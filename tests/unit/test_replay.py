"""The replay: ticks, order, jump, end, resume; driven by hand with a publisher in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from producers.replay import AVAILABILITY, COMMANDS, FACILITIES, Pace, play
from runtime.clock import FakeClock
from runtime.publisher import MemoryPublisher, PublishError
from schemas.events import Availability, ReplayState, Tick
from tests.replaying.stand import FIRST, HOUR, SECOND, TOPICS, Book, Stand, identity, run, stand


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., Stand]]:
    made: list[Stand] = []

    def make(pace: Pace | None = None, name: str = "x") -> Stand:
        folder = tmp_path / name
        folder.mkdir()
        made.append(stand(folder, Book(), MemoryPublisher(TOPICS), pace))
        return made[-1]

    yield make
    for one in made:
        one.spool.close()


def test_facilities_go_first_each_to_the_partition_of_its_readings(
    fresh: Callable[..., Stand],
) -> None:
    one = fresh()
    one.replay.start()
    run(one, 2)
    topics = [record.tp.topic for record in one.publisher.acknowledged]
    assert topics[:3] == [FACILITIES] * 3
    homes = {
        record.key: record.tp.partition
        for record in one.publisher.acknowledged
        if record.tp.topic == FACILITIES
    }
    for event in one.published():
        record = next(r for r in one.publisher.acknowledged if one.book.event(r) is event)
        assert record.tp.partition == homes[event.facility.encode()]


def test_ticks_go_to_every_partition_of_availability_and_commands(
    fresh: Callable[..., Stand],
) -> None:
    one = fresh()
    run(one, 3)
    counts = {
        (topic, partition): len(one.ticks(topic, partition))
        for topic in (AVAILABILITY, COMMANDS)
        for partition in range(TOPICS[topic])
    }
    assert set(counts.values()) == {7}


def test_no_reading_is_ahead_of_the_tick_before_it(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    run(one, 60)
    seen = 0
    for partition in range(TOPICS[AVAILABILITY]):
        time = None
        for record in one.records(AVAILABILITY, partition):
            event = one.book.event(record)
            if isinstance(event, Tick):
                time = event.time
            elif isinstance(event, Availability):
                assert time is not None
                assert event.period_end <= time
                seen += 1
    assert seen == 3 * (48 + 24)


def test_event_time_moves_at_the_speed_of_the_chapter(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    run(one, 5)
    assert one.ticks()[-1].time == FIRST + 10 * HOUR  # 5 s at 7200
    assert one.ticks()[-1].speed == 7200.0


def test_a_given_speed_replaces_the_chapters(fresh: Callable[..., Stand]) -> None:
    one = fresh(Pace(speed=3600.0))
    run(one, 5)
    assert one.ticks()[-1].time == FIRST + 5 * HOUR


def test_time_never_goes_back_and_jumps_once_with_a_label(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    run(one, 60)
    ticks = one.ticks()
    times = [tick.time for tick in ticks]
    assert times == sorted(times)
    labels = [str(tick.chapter) for tick in ticks]
    assert labels == sorted(labels)
    assert set(labels) == {"one", "two"}
    assert ticks[labels.index("two")].time == SECOND
    assert FIRST + 48 * HOUR in times  # the first chapter is played to its end


def test_at_the_end_the_programme_holds(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    run(one, 200)
    ended = [tick for tick in one.ticks() if tick.state is ReplayState.ENDED]
    assert len(ended) > 10
    assert {tick.time for tick in ended} == {SECOND + 24 * HOUR}
    assert one.replay.ended
    assert one.replay.progress.published == 3 * (48 + 24)
    assert {tick.state for tick in one.ticks()[: -len(ended)]} == {ReplayState.RUNNING}


def test_a_step_that_comes_too_early_does_nothing(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    one.replay.step(0.0)
    before = len(one.publisher.acknowledged)
    assert one.replay.step(0.2) == pytest.approx(0.3)
    assert len(one.publisher.acknowledged) == before


def test_a_long_pause_does_not_make_programme_time_leap(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    one.replay.step(0.0)
    one.replay.step(1000.0)
    assert one.ticks()[-1].time == FIRST + 4 * HOUR  # 2 s at 7200, not 1000 s


def test_too_much_at_once_is_cut_at_a_whole_moment(fresh: Callable[..., Stand]) -> None:
    one = fresh(Pace(speed=36_000.0, most_readings=4))
    run(one, 1)
    assert one.ticks()[-1].time == FIRST + 4 * HOUR  # 2 hours of 3 readings a step, not 5
    run(one, 60, start=1.5)
    assert [identity(e) for e in one.published()] == sequence_of(fresh)


def sequence_of(
    fresh: Callable[..., Stand], name: str = "uninterrupted"
) -> list[tuple[str, str, int, int, datetime, int]]:
    whole = fresh(name=name)
    run(whole, 60)
    return [identity(event) for event in whole.published()]


@pytest.mark.parametrize("stops", [[1.0], [0.5, 3.5, 24.0], [24.0, 24.5, 25.0, 30.0]])
def test_a_resumed_replay_publishes_what_an_uninterrupted_one_does(
    fresh: Callable[..., Stand], stops: list[float]
) -> None:
    one = fresh()
    for stop in stops:
        run(one, stop)
        one = one.reopened()
    run(one, 60)
    assert [identity(event) for event in one.published()] == sequence_of(fresh)
    one.spool.close()


def test_after_a_failed_flush_everything_is_sent_again_under_the_same_identities(
    fresh: Callable[..., Stand],
) -> None:
    one = fresh()
    run(one, 3)
    one.publisher.fail_next_flush(arriving=sum(TOPICS.values()) - TOPICS[FACILITIES] + 2)
    with pytest.raises(PublishError):
        one.replay.step(3.5)
    run(one, 60, start=4.0)
    events = [identity(event) for event in one.published()]
    assert len(events) > len(set(events))  # some arrived twice
    assert sorted(set(events)) == sorted(sequence_of(fresh))
    times = [tick.time for tick in one.ticks()]
    assert times == sorted(times)


def test_stored_but_unsent_readings_are_sent_after_a_restart(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    run(one, 2)
    one.publisher.fail_next_flush()
    with pytest.raises(PublishError):
        one.replay.step(2.5)
    one = one.reopened()
    one.replay.step(0.0)
    ranges = one.spool.identities()
    assert all(item.last == item.acknowledged for item in ranges)
    assert {identity(event)[:4] for event in one.published()} == {
        (item.source, item.facility, item.epoch, sequence)
        for item in ranges
        for sequence in range(1, item.last + 1)
    }
    one.spool.close()


def test_play_retries_until_the_broker_answers(fresh: Callable[..., Stand]) -> None:
    one = fresh()
    clock = FakeClock()
    errors: list[PublishError] = []
    one.publisher.fail_next_flush()
    one.publisher.fail_next_flush()
    play([one.replay], clock, lambda: clock.monotonic_s() < 70, errors.append)
    assert len(errors) == 2
    assert one.replay.ended
    assert sorted({identity(e) for e in one.published()}) == sorted(sequence_of(fresh))
