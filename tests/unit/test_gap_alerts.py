"""Readings that are missing: told from when to when, after a while, and no longer once they are counted."""

from __future__ import annotations

from schemas.events import Alert, AlertState, Availability
from synergy.alerts import RuleName, alert_rules
from tests.property.balance_input import NOW_2024, facility, reading
from tests.unit.test_balance_refusals import apply, opened, restored

SECOND_US = 1_000_000
WAIT_US = int(alert_rules()[RuleName.OPEN_GAP].limit) * SECOND_US


class Partition:
    """A partition, its clock and its commits."""

    def __init__(self) -> None:
        self.balances = opened()
        self.now_us = NOW_2024
        self.balances.clock(self.now_us)

    def count(self, *sequences: int, epoch: int = 1) -> None:
        readings: list[Availability] = [reading(sequence=n, epoch=epoch) for n in sequences]
        assert apply(self.balances, *readings) == ()

    def after(self, seconds: float, *, published: bool = False) -> list[Alert]:
        """Commit, some seconds later; the alerts are about missing readings."""
        self.now_us += int(seconds * SECOND_US)
        self.balances.clock(self.now_us)
        return self.balances.take_gap_alerts(published=published)


def said(alerts: list[Alert]) -> list[tuple[AlertState, str]]:
    return [(one.state, (one.reasons[0].text or "").rpartition(" ")[2][:-1]) for one in alerts]


def with_gap() -> Partition:
    """Sequences 2 and 3 are missing, and people were told."""
    partition = Partition()
    partition.count(1, 4)
    assert partition.after(0) == []
    assert partition.after(59) == []
    assert said(partition.after(1)) == [(AlertState.RAISED, "2-3")]
    return partition


def test_a_gap_is_told_once_it_is_a_minute_old_and_ends_when_the_spool_delivers() -> None:
    partition = with_gap()
    assert partition.after(300) == []
    partition.count(3)
    assert partition.after(1) == []
    partition.count(2)
    (end,) = partition.after(1)
    assert said([end]) == [(AlertState.CLEARED, "2-3")]
    assert (end.rule, end.programme, end.subject) == ("open_gap", "live", "a/meter-1/1")
    assert end.reasons[0].value == 2.0
    assert partition.after(300) == []


def test_what_is_delivered_within_a_minute_is_told_to_nobody() -> None:
    partition = Partition()
    partition.count(1, 4)
    partition.after(0)
    partition.count(2, 3)
    assert partition.after(30) == []
    assert partition.after(300) == []


def test_a_gap_that_grows_or_shrinks_is_told_anew_at_most_once_a_minute() -> None:
    partition = with_gap()
    partition.count(6)
    assert partition.after(10) == []
    partition.count(8)
    assert partition.after(30) == []
    (grown,) = partition.after(40)
    assert (grown.reasons[0].text or "").endswith("sequences 2-3, 5-5, 7-7)")
    partition.count(7, 5)
    assert partition.after(10) == []
    assert said(partition.after(60)) == [(AlertState.RAISED, "2-3")]


def test_a_refused_reading_leaves_a_gap_that_its_mended_copy_ends() -> None:
    partition = Partition()
    refused = apply(partition.balances, reading(sequence=1, unit="LTR"), reading(sequence=2))
    assert [one.code for one in refused] == ["wrong_unit"]
    partition.after(0)
    assert said(partition.after(60)) == [(AlertState.RAISED, "1-1")]
    partition.count(1)
    assert said(partition.after(0)) == [(AlertState.CLEARED, "1-1")]


def test_every_epoch_has_its_own_alert() -> None:
    partition = with_gap()
    partition.count(2, epoch=2)
    partition.after(0)
    (other,) = partition.after(60)
    assert other.subject == "a/meter-1/2"
    partition.count(1, epoch=2)
    (end,) = partition.after(0)
    assert (end.id, end.state) == (other.id, AlertState.CLEARED)


def test_a_gap_that_is_given_up_is_no_longer_open() -> None:
    partition = with_gap()
    partition.count(*range(6, 6 + 2 * 64, 2))
    lost, *_ = partition.after(0)
    assert (lost.rule, said([lost])) == ("sequence_gap", [(AlertState.RAISED, "2-3")])
    (narrowed,) = partition.after(60)
    assert narrowed.reasons[0].value == 64.0


def test_a_clock_that_is_set_back_makes_no_gap_wait_for_hours() -> None:
    partition = Partition()
    partition.count(1, 4)
    partition.after(0)
    assert said(partition.after(-7200)) == [(AlertState.RAISED, "2-3")]


def test_who_no_longer_has_the_facility_is_told_the_end_and_the_new_programme_of_the_gap() -> None:
    partition = with_gap()
    partition.balances.put_facility(facility("a", "history"), 1)
    (end,) = partition.after(0)
    assert (end.state, end.programme) == (AlertState.CLEARED, "live")
    partition.balances.take_parts()
    (moved,) = partition.after(60)
    assert (moved.state, moved.programme) == (AlertState.RAISED, "history")


def test_a_facility_that_leaves_ends_it_and_one_that_comes_back_is_told_again() -> None:
    partition = with_gap()
    partition.balances.drop_facility("a", 1)
    assert said(partition.after(0)) == [(AlertState.CLEARED, "2-3")]
    partition.balances.take_parts()
    assert partition.after(300) == []
    partition.balances.put_facility(facility("a", "live"), 2)
    assert said(partition.after(300)) == [(AlertState.RAISED, "2-3")]


def test_a_restored_state_knows_what_was_told() -> None:
    partition = with_gap()
    partition.balances = restored(partition.balances)
    assert partition.after(300) == []
    partition.count(2, 3)
    assert said(partition.after(0)) == [(AlertState.CLEARED, "2-3")]


def test_a_rebuild_says_nothing_of_what_was_published_and_ends_what_may_have_been_told() -> None:
    partition = Partition()
    partition.count(1, 4)
    assert partition.after(0, published=True) == []
    assert partition.after(300, published=True) == []
    partition.count(2, 3)
    assert said(partition.after(1)) == [(AlertState.CLEARED, "2-3")]


def test_a_gap_that_outlives_a_rebuild_is_told_once_more() -> None:
    partition = Partition()
    partition.count(1, 4)
    partition.after(0, published=True)
    assert partition.after(0) == []
    assert said(partition.after(60)) == [(AlertState.RAISED, "2-3")]
    assert partition.after(60) == []
