"""Alerts that others raise are taken in by the market, which keeps what people do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.events import Alert, AlertState, Command, Outcome, Reason
from synergy.alerts import RuleName, alert_rules, cleared, raised
from synergy.balance.terms import microseconds
from synergy.market import Event
from tests.market.plants import MARCH, Market, days

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
LAG = raised(
    alert_rules()[RuleName.LAG],
    ("ohio", "balance"),
    (Reason(code="lag", subject="balance", value=2e5, limit=1e5, unit="records"),),
    MARCH,
)
WORSE = replace(LAG, reasons=(replace(LAG.reasons[0], value=3e5),))


@pytest.fixture
def market() -> Market:
    return Market().tick(MARCH)


def hear(market: Market, *alerts: Alert) -> list[Event]:
    for alert in alerts:
        market.state.apply_alert(alert)
    return market.take()


def order(market: Market, number: int, action: str) -> list[Event]:
    market.state.apply_command(
        Command(
            id=UUID(int=number),
            programme="ohio",
            action=action,
            subject=str(LAG.id),
            actor="ann",
            sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        market.at("synergy.commands.v1"),
    )
    return market.take()


def states(events: Sequence[Event]) -> list[str]:
    return [event.state.value for event in events if isinstance(event, Alert)]


def accepted(events: Sequence[Event]) -> bool:
    (outcome,) = (event for event in events if isinstance(event, Outcome))
    return outcome.accepted


def test_what_others_raise_is_not_said_twice_and_can_be_acknowledged(market: Market) -> None:
    assert hear(market, LAG) == []
    answered = order(market, 1, "acknowledge")
    assert (accepted(answered), states(answered)) == (True, ["ACKNOWLEDGED"])


def test_a_worse_cause_keeps_the_answer_and_the_topic_is_told(market: Market) -> None:
    hear(market, LAG)
    order(market, 1, "snooze")
    (told,) = hear(market, WORSE)
    assert isinstance(told, Alert)
    assert (told.state, told.actor, told.reasons) == (AlertState.SNOOZED, "ann", WORSE.reasons)
    assert hear(market, told) == []


def test_once_it_is_over_there_is_nothing_to_acknowledge(market: Market) -> None:
    hear(market, LAG, cleared(LAG, MARCH))
    assert not accepted(order(market, 1, "acknowledge"))


def test_an_answer_survives_a_restart(market: Market) -> None:
    hear(market, LAG)
    order(market, 1, "acknowledge")
    again = Market(market.restored())
    (told,) = hear(again, WORSE)
    assert isinstance(told, Alert)
    assert told.state is AlertState.ACKNOWLEDGED


@pytest.mark.parametrize("rule", [RuleName.NEW_MATCH, RuleName.SUPPLY_STALE])
def test_the_markets_own_alerts_come_back_and_change_nothing(
    market: Market, rule: RuleName
) -> None:
    own = raised(alert_rules()[rule], ("ohio", "balance"), (), MARCH)
    assert hear(market, own) == []
    assert not market.state.take_parts()


def test_what_is_about_the_sending_runs_out_by_the_clock_and_not_by_a_replay(
    market: Market,
) -> None:
    rejects = raised(alert_rules()[RuleName.REJECTS], ("ohio", "mill/meter"), (), NOON)
    hear(market, rejects)
    market.tick(MARCH + days(300))
    market.state.clock(microseconds(NOON + timedelta(hours=23)))
    assert states(market.take()) == []
    market.state.clock(microseconds(NOON + timedelta(hours=24)))
    assert states(market.take()) == ["CLEARED"]
