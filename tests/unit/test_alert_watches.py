"""When many rejects are many, and when a process is behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.events import Coordinates, Rejected
from synergy.alerts import RuleName, alert_rules
from synergy.alerts.watches import LAG_S, MINUTE_MS, LagWatch, RejectWatch, StallWatch, caught_up

LIMIT = int(alert_rules()[RuleName.REJECTS].limit)
MOST = int(alert_rules()[RuleName.LAG].limit)
STALL_S = alert_rules()[RuleName.STALLED].limit
REJECTED = Rejected(
    origin=Coordinates(topic="synergy.availability.v1", partition=0, offset=1),
    code="wrong_unit",
    message="convert it",
    facility="mill",
    source="meter-1",
    stage="balance",
)


def told(watch: RejectWatch, rejected: Rejected, *times_ms: int) -> list[str]:
    found = [watch.note(rejected, at_ms) for at_ms in times_ms]
    return [one[0] for one in found if one is not None]


def test_the_tenth_reject_within_a_minute_is_told_once_with_the_reason_of_most() -> None:
    watch = RejectWatch()
    watch.note(replace(REJECTED, code="absurd_quantity"), 0)
    assert told(watch, REJECTED, *range(1, LIMIT - 1)) == []
    found = watch.note(REJECTED, LIMIT)
    assert found is not None
    subject, reason = found
    assert (subject, reason.subject, reason.value) == ("mill/meter-1", "meter-1", LIMIT)
    assert reason.text == "wrong_unit"
    assert told(watch, REJECTED, LIMIT + 1, LIMIT + 2) == []


def test_rejects_over_more_than_a_minute_are_few() -> None:
    spread = range(0, 3 * MINUTE_MS, MINUTE_MS // (LIMIT - 1) + 1)
    assert told(RejectWatch(), REJECTED, *spread) == []


def test_after_a_quiet_time_many_are_told_again() -> None:
    watch = RejectWatch()
    assert len(told(watch, REJECTED, *range(LIMIT))) == 1
    later = range(10 * MINUTE_MS, 10 * MINUTE_MS + LIMIT)
    assert len(told(watch, REJECTED, *later)) == 1


@pytest.mark.parametrize(
    ("facility", "source", "subject"),
    [
        ("mill", "meter-1", "mill/meter-1"),
        ("mill", None, "mill"),
        (None, "meter-1", "/meter-1"),
        (None, None, "synergy.availability.v1"),
    ],
)
def test_rejects_are_counted_for_whoever_is_known(
    facility: str | None, source: str | None, subject: str
) -> None:
    other = replace(REJECTED, facility="kiln", source="meter-2")
    watch = RejectWatch()
    assert told(watch, other, *range(LIMIT - 1)) == []
    rejected = replace(REJECTED, facility=facility, source=source)
    assert told(watch, rejected, *range(LIMIT)) == [subject]


def test_a_process_is_behind_after_half_a_minute_and_not_before() -> None:
    watch = LagWatch()
    assert watch.behind({"balance": MOST, "market": MOST - 1}, 0.0) == {}
    assert watch.behind({"balance": MOST + 5}, LAG_S - 0.1) == {}
    found = watch.behind({"balance": MOST + 5}, LAG_S)
    assert (list(found), found["balance"].value) == (["balance"], MOST + 5)


def test_a_lag_that_drops_for_a_moment_begins_anew() -> None:
    watch = LagWatch()
    watch.behind({"balance": MOST}, 0.0)
    watch.behind({"balance": MOST - 1}, 20.0)
    assert watch.behind({"balance": MOST}, LAG_S) == {}


def test_a_tenth_of_the_limit_is_caught_up() -> None:
    assert caught_up(MOST // 10)
    assert not caught_up(MOST // 10 + 1)


def test_a_process_that_comes_no_nearer_to_the_end_stands_still_however_little_it_is_behind() -> (
    None
):
    watch = StallWatch[int]()
    assert watch.stalled({"market": {0: 3}, "balance": {0: 0}}, 0.0) == {}
    assert watch.stalled({"market": {0: 4}, "balance": {0: 0}}, STALL_S - 1) == {}
    found = watch.stalled({"market": {0: 4}, "balance": {0: 5}}, STALL_S)
    assert (list(found), found["market"].value) == (["market"], 4.0)
    assert watch.stalled({"market": {0: 3}, "balance": {0: 5}}, STALL_S + 1) == {}


def test_growing_input_is_no_standstill_while_the_lag_falls_now_and_then() -> None:
    watch = StallWatch[int]()
    for second in range(0, 1000, 20):
        lag = second + (50 if second % 40 else 0)
        assert watch.stalled({"balance": {0: lag}}, float(second)) == {}


def test_only_what_was_seen_to_move_moves() -> None:
    watch = StallWatch[int]()
    assert not watch.moves("market", 0.0)
    watch.stalled({"market": {0: 5}}, 0.0)
    assert not watch.moves("market", 1.0)
    watch.stalled({"market": {0: 4}}, 2.0)
    assert watch.moves("market", 3.0)
    assert not watch.moves("market", 2.0 + STALL_S)
    watch.stalled({"market": {0: 0}}, 100.0)
    assert watch.moves("market", 1000.0)


def test_one_partition_that_stands_still_is_told_while_the_others_move() -> None:
    watch = StallWatch[int]()
    for second in range(int(STALL_S)):
        assert watch.stalled({"balance": {0: 5 + second, 1: second % 3, 2: 0}}, float(second)) == {}
    found = watch.stalled({"balance": {0: 70, 1: 2, 2: 0}}, STALL_S)
    assert found["balance"].value == 70.0
    assert not watch.moves("balance", STALL_S)
    assert watch.stalled({"balance": {0: 69, 1: 2, 2: 0}}, STALL_S + 1) == {}
    assert watch.moves("balance", STALL_S + 1)
    watch.stalled(
        {"balance": {1: 2, 2: 0}}, 3 * STALL_S
    )  # a partition that is gone is not waited for
    assert list(watch.stalled({"balance": {1: 0, 2: 0}}, 3 * STALL_S)) == []
