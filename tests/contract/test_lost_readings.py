"""Readings that are missing or were declared lost: people are told, and balance and the ledger count the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from schemas.events import Alert, AlertState, Command, Outcome
from synergy.alerts import RuleName, alert_id
from synergy.balance.terms import RANGES_KEPT
from tests.end_to_end.plants import TONNE, facility, reading
from tests.ledger.engine import open_ledger
from tests.ledger.exchange import MINUTE, MORNING, Exchange

PROGRAMME = "river"
EVERY_SECOND = range(3, 3 + 2 * (RANGES_KEPT + 1), 2)
SUBJECT = "north/meter:north/1"
ALERT = alert_id(PROGRAMME, RuleName.SEQUENCE_GAP, SUBJECT)
OPEN = alert_id(PROGRAMME, RuleName.OPEN_GAP, SUBJECT)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    with open_ledger(tmp_path / "ledger") as ledger:
        opened = Exchange(ledger)
        opened.say(facility("north", PROGRAMME))
        yield opened


def say(exchange: Exchange, *sequences: int) -> None:
    start = MORNING - 600 * MINUTE
    exchange.say(
        *(
            reading(
                "north",
                sequence,
                quantity=TONNE,
                period_start=start + sequence * MINUTE,
                period_end=start + (sequence + 1) * MINUTE,
            )
            for sequence in sequences
        )
    )


def alerts(exchange: Exchange, rule: RuleName = RuleName.SEQUENCE_GAP) -> list[Alert]:
    return [one for one in exchange.events if isinstance(one, Alert) and one.rule == rule]


def answer(exchange: Exchange, number: int, action: str, alert: UUID = ALERT) -> None:
    exchange.order(
        Command(
            id=UUID(int=number),
            programme=PROGRAMME,
            action=action,
            subject=str(alert),
            actor="ann",
            sent_at=exchange.now,
        )
    )


def test_a_gap_that_is_declared_lost_is_told_in_the_same_commit_with_from_and_to(
    exchange: Exchange,
) -> None:
    say(exchange, *EVERY_SECOND[:-1])
    assert alerts(exchange) == []
    say(exchange, EVERY_SECOND[-1])
    (told,) = alerts(exchange)
    assert (told.id, told.programme, told.state) == (ALERT, PROGRAMME, AlertState.RAISED)
    (reason,) = told.reasons
    assert (reason.subject, reason.value) == ("north", 2.0)
    assert reason.text == "meter:north (epoch 1, sequences 1-2)"


def test_many_gaps_of_one_source_are_one_alert_that_stays_answered(exchange: Exchange) -> None:
    say(exchange, *EVERY_SECOND)
    answer(exchange, 1, "acknowledge")
    assert alerts(exchange)[-1].state is AlertState.ACKNOWLEDGED
    say(exchange, EVERY_SECOND[-1] + 2, EVERY_SECOND[-1] + 4)
    raised_again, kept = alerts(exchange)[-2:]
    assert (raised_again.state, kept.state, kept.actor) == (
        AlertState.RAISED,
        AlertState.ACKNOWLEDGED,
        "ann",
    )
    assert kept.reasons == raised_again.reasons
    assert {told.id for told in alerts(exchange)} == {ALERT}
    assert kept.reasons[0].text == "meter:north (epoch 1, sequences 4-4, 6-6)"


def test_a_snoozed_alert_wakes_and_one_that_is_kept_long_enough_is_cleared(
    exchange: Exchange,
) -> None:
    say(exchange, *EVERY_SECOND)
    answer(exchange, 1, "snooze")
    assert alerts(exchange)[-1].state is AlertState.SNOOZED
    exchange.now += 5 * 60 * MINUTE
    say(exchange, EVERY_SECOND[-1] + 1)
    assert alerts(exchange)[-1].state is AlertState.RAISED
    exchange.now += 73 * 60 * MINUTE
    say(exchange, EVERY_SECOND[-1] + 2)
    assert alerts(exchange)[-1].state is AlertState.CLEARED


def test_an_open_gap_is_told_with_from_and_to_stays_answered_and_ends_when_the_spool_delivers(
    exchange: Exchange,
) -> None:
    say(exchange, 1, 4)
    say(exchange, 5)
    (told,) = alerts(exchange, RuleName.OPEN_GAP)
    assert (told.id, told.state) == (OPEN, AlertState.RAISED)
    assert told.reasons[0].text == "meter:north (epoch 1, sequences 2-3)"
    answer(exchange, 1, "acknowledge", OPEN)
    exchange.now += 80 * 60 * MINUTE
    say(exchange, 6)
    kept = alerts(exchange, RuleName.OPEN_GAP)[-1]
    assert (kept.state, kept.actor) == (AlertState.ACKNOWLEDGED, "ann")
    say(exchange, 2, 3)
    ended = alerts(exchange, RuleName.OPEN_GAP)[-1]
    assert (ended.id, ended.state) == (OPEN, AlertState.CLEARED)
    answer(exchange, 2, "acknowledge", OPEN)
    assert [one.accepted for one in exchange.events if isinstance(one, Outcome)] == [True, False]


def test_what_comes_for_a_lost_gap_counts_neither_in_balance_nor_in_the_ledger(
    exchange: Exchange,
) -> None:
    say(exchange, *EVERY_SECOND)
    say(exchange, 1, 2, 4, EVERY_SECOND[5])
    exchange.settle()
    counted = exchange.ledger.one(
        "SELECT count(), sum(quantity), countIf(sequence IN (1, 2)) FROM availability_counted"
    )
    applied = exchange.balances.balances.applied
    assert counted == (applied, applied * TONNE, 0)
    assert applied == len(EVERY_SECOND) + 1
    assert [rejected.code for rejected in exchange.rejections()] == ["declared_lost"] * 2
    assert "next sequence" in exchange.rejections()[0].message


def test_what_is_late_and_not_lost_counts_in_both(exchange: Exchange) -> None:
    say(exchange, *EVERY_SECOND[:-1])
    say(exchange, 2, 1, 4)
    exchange.settle()
    assert exchange.balances.balances.applied == len(EVERY_SECOND) + 2
    assert exchange.ledger.one("SELECT count() FROM availability_counted") == (
        len(EVERY_SECOND) + 2,
    )
    assert alerts(exchange) == []
