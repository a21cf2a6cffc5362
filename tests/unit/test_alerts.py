"""The alert rules: each is raised once with its cause and cleared once when the cause is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from schemas.events import Alert, AlertState, Command, Match, Severity, Side
from synergy.alerts import RuleName, alert_id, alert_rules
from synergy.lifecycle.transactions import Agreement
from synergy.market import Code, Event, Language, View, load_words
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    HIGH_LOI_ASH,
    MARCH,
    Market,
    days,
    facts,
    matches,
    need,
    only,
    supply,
)

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c99")


def alerts(events: Sequence[Event]) -> list[tuple[str, str]]:
    """The rules and states of the alerts among events."""
    return [(event.rule, event.state.value) for event in events if isinstance(event, Alert)]


def market(tonnes: float = 100, **supplied: Any) -> Market:
    """A market with one proposal that is not solved yet."""
    found = Market().tick(MARCH)
    return found.feed(
        facts("power", "3510", (39.90, -80.80)),
        facts("mix", "2395", (40.00, -80.70)),
        supply("power", "fly_ash", tonnes, **({"properties": GOOD_ASH} | supplied)),
        need("mix", "portland_cement", 800),
    )


def send(found: Market, about: Match | Agreement, action: str, side: Side | None) -> list[Event]:
    order = Command(
        id=uuid5(NAMES, f"{about.id} {about.revision} {action}"),
        programme="ohio",
        action=action,
        subject=str(about.id),
        revision=about.revision,
        side=side,
        actor="tester",
        reason="because",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found.state.apply_command(order, found.at("synergy.commands.v1"))
    return found.take()


def agreed(found: Market) -> Match:
    found.solve()
    send(found, only(found.open()), "accept", Side.GIVER)
    half = only(found.state.matches("ohio"))
    send(found, half, "accept", Side.RECEIVER)
    return only(found.state.matches("ohio"))


def test_every_rule_has_a_code_words_and_a_meaning() -> None:
    rules = alert_rules()
    assert set(rules) == set(RuleName)
    assert {name.value for name in RuleName} <= {code.value for code in Code}
    assert all(rule.meaning for rule in rules.values())
    assert {rule.severity for rule in rules.values()} == set(Severity)


def test_a_first_proposal_is_told_once_and_over_when_a_side_accepts() -> None:
    found = market()
    events = found.solve()
    assert alerts(events) == [("new_match", "RAISED")]
    (told,) = (event for event in events if isinstance(event, Alert))
    match = only(found.open())
    assert told.subject == str(match.id)
    assert told.id == alert_id("ohio", RuleName.NEW_MATCH, str(match.id))
    assert told.reasons[0].value == pytest.approx(float(match.gain_giver + match.gain_receiver))
    words = load_words(CATALOGUE).reasons(told.reasons[:1], View.OPERATOR, Language.EN)
    assert words[0].startswith("A new match for power")
    assert alerts(send(found, match, "accept", Side.GIVER)) == [("new_match", "CLEARED")]


def test_a_small_proposal_is_no_news() -> None:
    events = market(tonnes=10).solve()
    assert len(matches(events)) == 1
    assert alerts(events) == []


def test_a_much_better_proposal_is_told_and_a_little_better_one_not() -> None:
    found = market()
    found.solve()
    found.feed(supply("power", "fly_ash", 120, properties=GOOD_ASH))
    assert alerts(found.solve()) == []
    found.feed(supply("power", "fly_ash", 200, properties=GOOD_ASH))
    assert alerts(found.solve()) == [("better_match", "RAISED")]


def test_who_was_told_of_a_proposal_is_told_of_its_withdrawal() -> None:
    found = market()
    found.solve()
    found.feed(supply("power", "fly_ash", 0, properties=GOOD_ASH))
    told = alerts(found.solve())
    assert told == [("new_match", "CLEARED"), ("match_withdrawn", "RAISED")]
    quiet = market(tonnes=10)
    quiet.solve()
    quiet.feed(supply("power", "fly_ash", 0, properties=GOOD_ASH))
    assert alerts(quiet.solve()) == []


def test_a_proposal_that_comes_back_is_not_told_as_new() -> None:
    found = market()
    found.solve()
    found.feed(supply("power", "fly_ash", 0, properties=GOOD_ASH))
    found.solve()
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    events = found.solve()
    assert only(matches(events)).revision == 1
    assert alerts(events) == []


def test_what_a_person_declined_is_no_news() -> None:
    found = market()
    found.solve()
    told = alerts(send(found, only(found.open()), "decline", Side.GIVER))
    assert told == [("new_match", "CLEARED")]


def test_news_that_nothing_ends_is_over_after_its_time() -> None:
    found = market()
    found.solve()
    found.feed(supply("power", "fly_ash", 0, properties=GOOD_ASH))
    found.solve()
    found.tick(MARCH + days(0.99))
    assert alerts(found.take()) == []
    found.tick(MARCH + days(1.01))
    assert alerts(found.take()) == [("match_withdrawn", "CLEARED")]


def test_a_stale_supply_is_told_when_somebody_relies_on_it_and_over_with_news() -> None:
    found = market()
    found.feed(facts("works", "3510", (39.0, -80.8)))
    agreed(found)
    found.feed(supply("works", "bottom_ash", 5, stale=True))
    assert alerts(found.take()) == []
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH, stale=True))
    assert alerts(found.take()) == [("supply_stale", "RAISED")]
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH, stale=True, late=1))
    assert ("supply_stale", "RAISED") not in alerts(found.take())
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    assert ("supply_stale", "CLEARED") in alerts(found.take())


def test_an_agreed_quality_that_no_longer_meets_the_limits_is_critical() -> None:
    found = market()
    match = agreed(found)
    found.solve()
    found.feed(supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH))
    (told,) = (event for event in found.solve() if isinstance(event, Alert))
    assert (told.rule, told.severity) == (RuleName.QUALITY_FAILED, Severity.CRITICAL)
    assert told.subject == str(match.id)
    assert (told.reasons[0].subject, told.reasons[0].value) == ("loi", 7.0)
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    assert alerts(found.solve()) == [("quality_failed", "CLEARED")]


@pytest.mark.parametrize("silent", [{"stale": True}, {"properties": ()}])
def test_a_failed_quality_is_not_over_because_nothing_is_known_any_more(
    silent: dict[str, Any],
) -> None:
    found = market()
    agreed(found)
    found.feed(supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH))
    found.solve()
    found.feed(supply("power", "fly_ash", 100, **({"properties": HIGH_LOI_ASH} | silent)))
    assert ("quality_failed", "CLEARED") not in alerts(found.solve())
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    assert ("quality_failed", "CLEARED") in alerts(found.solve())


def test_a_failed_quality_is_over_with_its_agreement() -> None:
    found = market()
    agreed(found)
    found.feed(supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH))
    found.solve()
    found.feed(supply("power", "fly_ash", 100, properties=HIGH_LOI_ASH, stale=True))
    [agreement] = found.state.agreements("ohio")
    send(found, agreement, "cancel", Side.GIVER)
    assert ("quality_failed", "CLEARED") in alerts(found.solve())


def test_a_supply_that_is_silent_stays_told_while_only_the_need_of_the_same_plant_has_news() -> (
    None
):
    found = market()
    found.feed(need("power", "fly_ash", 5))
    agreed(found)
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH, stale=True))
    assert ("supply_stale", "RAISED") in alerts(found.solve())
    found.feed(need("power", "fly_ash", 6))
    assert ("supply_stale", "CLEARED") not in alerts(found.solve())
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    assert ("supply_stale", "CLEARED") in alerts(found.solve())


def test_a_stale_supply_is_over_when_its_plant_leaves() -> None:
    found = market()
    agreed(found)
    found.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH, stale=True))
    assert ("supply_stale", "RAISED") in alerts(found.solve())
    found.feed(facts("power", "3510", (39.90, -80.80), removed=True))
    assert ("supply_stale", "CLEARED") in alerts(found.solve())


def test_alerts_survive_a_restart_without_being_told_again() -> None:
    found = market()
    found.solve()
    found.state = found.restored()
    found.feed(supply("power", "fly_ash", 0, properties=GOOD_ASH))
    told = alerts(found.solve())
    assert told == [("new_match", "CLEARED"), ("match_withdrawn", "RAISED")]


def test_an_alert_keeps_its_id_over_all_its_states() -> None:
    found = market()
    found.solve()
    (told,) = (event for event in found.published if isinstance(event, Alert))
    order = Command(
        id=uuid5(NAMES, "acknowledge"),
        programme="ohio",
        action="acknowledge",
        subject=str(told.id),
        actor="ann",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found.state.apply_command(order, found.at("synergy.commands.v1"))
    (acknowledged,) = (event for event in found.take() if isinstance(event, Alert))
    assert acknowledged == replace(told, state=AlertState.ACKNOWLEDGED, actor="ann")
