"""Commands on matches: one outcome each, acting once, and what is agreed is no longer the solver's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from schemas.events import (
    Alert,
    AlertState,
    Command,
    Match,
    MatchState,
    Outcome,
    Side,
    Verdict,
)
from synergy.lifecycle import COMMANDS, MATCHES, Action
from synergy.lifecycle.agreement_states import AgreementState
from synergy.market import Code, Refusal, SolveResult
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    MARCH,
    TONNE,
    Market,
    analysis,
    codes,
    days,
    facts,
    matches,
    need,
    only,
    started,
    supply,
)

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c11")


def command(number: int, match: Match, action: str, **changes: Any) -> Command:
    plain = Command(
        id=uuid5(NAMES, str(number)),
        programme="ohio",
        action=action,
        subject=str(match.id),
        revision=match.revision,
        side=Side.GIVER,
        actor="tester",
        reason="too dusty" if action == "decline" else None,
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(plain, **changes)


def sent(market: Market, order: Command) -> tuple[Outcome, list[Match]]:
    market.state.apply_command(order, market.at("synergy.commands.v1"))
    events = market.take()
    outcomes = [item for item in events if isinstance(item, Outcome)]
    assert len(outcomes) == 1
    return outcomes[0], matches(events)


@pytest.fixture
def market() -> Market:
    found = Market().tick(MARCH)
    found.feed(
        facts("power", "3510", (39.90, -80.80)),
        facts("mix", "2395", (40.00, -80.70)),
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        need("mix", "portland_cement", 800),
    )
    found.solve()
    return found


def proposed(market: Market) -> Match:
    return only(market.open())


def test_accepting_from_both_sides_leads_to_agreed(market: Market) -> None:
    first = proposed(market)
    outcome, changed = sent(market, command(1, first, "accept"))
    assert outcome.accepted
    assert outcome.revision == 2
    assert outcome.coordinates.topic == "synergy.commands.v1"
    half = only(changed)
    assert (half.state, half.revision) == (MatchState.ACCEPTED_BY_GIVER, 2)
    outcome, changed = sent(market, command(2, half, "accept", side=Side.RECEIVER))
    assert outcome.accepted
    assert only(changed).state is MatchState.AGREED
    assert only(changed).quantity_per_day == first.quantity_per_day


def test_the_same_command_twice_acts_once_and_answers_the_same(market: Market) -> None:
    order = command(1, proposed(market), "accept")
    first, _ = sent(market, order)
    again, changed = sent(market, order)
    assert again == first
    assert changed == []
    assert market.state.take_parts() == {}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"revision": 7}, Refusal.OUTDATED),
        ({"revision": None}, Refusal.REVISION_MISSING),
        ({"side": None}, Refusal.SIDE_MISSING),
        ({"action": "decline", "reason": None}, Refusal.REASON_MISSING),
        ({"action": "destroy"}, Refusal.UNKNOWN_ACTION),
        ({"subject": "not an id"}, Refusal.UNKNOWN_MATCH),
        ({"subject": str(NAMES)}, Refusal.UNKNOWN_MATCH),
        ({"programme": "hebei"}, Refusal.UNKNOWN_MATCH),
        ({"quantity": 1}, Refusal.QUANTITY_DIFFERS),
    ],
)
def test_a_refused_command_says_why_and_changes_nothing(
    market: Market, changes: dict[str, Any], refusal: Refusal
) -> None:
    before = market.state.matches("ohio")
    order = replace(command(1, proposed(market), "accept"), **changes)
    outcome, changed = sent(market, order)
    assert not outcome.accepted
    assert outcome.reason == refusal
    assert changed == []
    assert market.state.matches("ohio") == before
    assert market.state.job() is None


def test_an_outdated_command_is_refused_and_told_the_present_revision(market: Market) -> None:
    seen = proposed(market)
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    market.solve()
    outcome, _ = sent(market, command(1, seen, "accept"))
    assert (outcome.reason, outcome.revision) == (Refusal.OUTDATED, 2)
    assert outcome.allowed == ("accept", "decline", "withdraw")


def test_what_was_accepted_is_fixed_whatever_the_positions_do(market: Market) -> None:
    _, changed = sent(market, command(1, proposed(market), "accept"))
    accepted = only(changed)
    market.feed(supply("power", "fly_ash", 180, properties=GOOD_ASH))
    market.solve()
    market.feed(supply("power", "fly_ash", 20, properties=GOOD_ASH))
    market.solve()
    assert only(market.state.matches("ohio"), id=accepted.id) == accepted


def test_committed_quantity_is_taken_off_supply_and_need(market: Market) -> None:
    sent(market, command(1, proposed(market), "accept"))
    market.feed(
        facts("brick", "2392", (40.05, -80.75)),
        need("brick", "clay", 1000),
        supply("power", "fly_ash", 160, properties=GOOD_ASH),
    )
    rest = only(matches(market.solve()))
    assert (rest.receiver, rest.quantity_per_day) == ("brick", 60 * TONNE)
    assert rest.firm_per_day == 128 * TONNE - 80 * TONNE


def test_a_declined_match_does_not_come_back_under_the_same_conditions(market: Market) -> None:
    seen = proposed(market)
    outcome, changed = sent(market, command(1, seen, "decline"))
    assert outcome.accepted
    assert only(changed).state is MatchState.DECLINED
    assert codes(only(changed).reasons) == [Code.BY_PERSON]
    assert only(changed).reasons[0].text == "too dusty"
    assert matches(market.solve()) == []
    market.feed(supply("power", "fly_ash", 108, properties=GOOD_ASH))
    assert matches(market.solve()) == []
    market.feed(supply("power", "fly_ash", 120, properties=GOOD_ASH))
    again = only(matches(market.solve()))
    assert (again.revision, again.state) == (1, MatchState.PROPOSED)
    assert again.id != seen.id


def test_another_verdict_is_another_condition(market: Market) -> None:
    sent(market, command(1, proposed(market), "decline"))
    market.solve()
    market.feed(supply("power", "fly_ash", 100))
    assert only(matches(market.solve())).state is MatchState.PROPOSED


def test_withdrawing_takes_a_match_back_for_good(market: Market) -> None:
    outcome, changed = sent(market, command(1, proposed(market), "withdraw", side=None))
    assert outcome.accepted
    assert only(changed).state is MatchState.WITHDRAWN
    assert matches(market.solve()) == []


def test_a_closed_match_allows_nothing_more(market: Market) -> None:
    _, changed = sent(market, command(1, proposed(market), "decline"))
    outcome, _ = sent(market, command(2, only(changed), "accept"))
    assert (outcome.reason, outcome.allowed) == (Refusal.NOT_ALLOWED, ())


def test_a_side_cannot_accept_twice(market: Market) -> None:
    _, changed = sent(market, command(1, proposed(market), "accept"))
    outcome, _ = sent(market, command(2, only(changed), "accept"))
    assert outcome.reason == Refusal.NOT_ALLOWED
    assert outcome.allowed == ("decline", "withdraw")


def test_without_the_second_answer_a_match_expires_and_frees_its_flow(market: Market) -> None:
    _, changed = sent(market, command(1, proposed(market), "accept"))
    market.tick(MARCH + days(13.9))
    assert market.take() == []
    market.tick(MARCH + days(14))
    expired = only(matches(market.take()))
    assert (expired.id, expired.state) == (only(changed).id, MatchState.EXPIRED)
    assert codes(expired.reasons) == [Code.NO_ANSWER]
    assert only(matches(market.solve())).state is MatchState.PROPOSED


def test_agreed_matches_never_expire(market: Market) -> None:
    _, changed = sent(market, command(1, proposed(market), "accept"))
    sent(market, command(2, only(changed), "accept", side=Side.RECEIVER))
    market.tick(MARCH + days(400))
    assert matches(market.solve()) == []


def test_closed_matches_and_handled_commands_are_forgotten_in_time(market: Market) -> None:
    order = command(1, proposed(market), "decline")
    start = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    market.state.clock(start)
    sent(market, order)
    assert any(b'["handled"' in key for key in market.parts)
    market.state.clock(start + timedelta(days=8) // timedelta(microseconds=1))
    market.tick(MARCH + days(3))
    market.solve()
    assert not [key for key in market.parts if key.startswith((b'["handled"', b'["match"'))]
    outcome, _ = sent(market, order)
    assert outcome.reason == Refusal.UNKNOWN_MATCH


def test_a_result_from_before_a_command_is_not_absorbed(market: Market) -> None:
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    job = market.state.job()
    assert job is not None
    result = job()
    _, changed = sent(market, command(1, proposed(market), "accept"))
    market.state.absorb(result)
    assert market.take() == []
    assert only(market.state.matches("ohio")) == only(changed)
    market.solve()
    assert only(market.state.matches("ohio")) == only(changed)


def test_a_position_during_a_job_keeps_the_market_dirty(market: Market) -> None:
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    job = market.state.job()
    assert job is not None
    market.feed(supply("power", "fly_ash", 160, properties=GOOD_ASH))
    market.state.absorb(job())
    assert only(matches(market.take())).quantity_per_day == 150 * TONNE
    assert only(matches(market.solve())).quantity_per_day == 160 * TONNE


def test_a_lost_job_is_offered_again(market: Market) -> None:
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    assert market.state.job() is not None
    assert len(matches(market.solve())) == 1


def test_a_supply_that_falls_below_what_is_committed_raises_one_alert(market: Market) -> None:
    _, changed = sent(market, command(1, proposed(market), "accept"))
    sent(market, command(2, only(changed), "accept", side=Side.RECEIVER))
    market.solve()
    market.feed(supply("power", "fly_ash", 60, properties=GOOD_ASH))
    raised = [item for item in market.solve() if isinstance(item, Alert)]
    assert [(item.rule, item.state, item.subject) for item in raised] == [
        (Code.COMMITTED_SHORT, AlertState.RAISED, "power/fly_ash")
    ]
    short = raised[0].reasons[0]
    assert (short.value, short.limit, short.unit) == (60.0, 100.0, "t")
    market.feed(supply("power", "fly_ash", 50, properties=GOOD_ASH))
    assert [item for item in market.solve() if isinstance(item, Alert)] == []
    market.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    cleared = [item for item in market.solve() if isinstance(item, Alert)]
    assert [(item.id, item.state) for item in cleared] == [(raised[0].id, AlertState.CLEARED)]


def test_every_transition_of_the_table_is_what_following_gives() -> None:
    for (before, action, side), after in MATCHES.steps.items():
        assert before is not None
        assert MATCHES.following(before, action, side) is after
        assert (action.value in MATCHES.allowed(before, side)) == (action in COMMANDS)
    for closed in (MatchState.DECLINED, MatchState.WITHDRAWN, MatchState.EXPIRED):
        assert MATCHES.allowed(closed, None) == ()
    assert MATCHES.following(MatchState.PROPOSED, Action.ACCEPT, None) is None


def test_a_solve_out_of_time_changes_nothing_and_raises_an_alert(market: Market) -> None:
    before = market.open()
    market.feed(supply("power", "fly_ash", 250, properties=GOOD_ASH))
    job = market.state.job()
    assert job is not None
    solved = job()
    assert isinstance(solved, SolveResult)
    late = replace(solved, optimal=False, matches=(), pairs={}, unmatched=())
    market.state.absorb(late)
    (alert,) = market.take()
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.state) == (Code.SOLVER_TIME_LIMIT, AlertState.RAISED)
    assert market.open() == before
    market.feed(supply("power", "fly_ash", 300, properties=GOOD_ASH))
    events = market.solve()
    of_the_rule = [
        item.state
        for item in events
        if isinstance(item, Alert) and item.rule == Code.SOLVER_TIME_LIMIT
    ]
    assert of_the_rule == [AlertState.CLEARED]
    assert only(matches(events)).revision == 2


def test_a_suspended_match_cannot_be_accepted_but_declined(market: Market) -> None:
    seen = proposed(market)
    market.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH, stale=True))
    outcome, changed = sent(market, command(1, seen, "accept"))
    assert (outcome.reason, changed) == (Refusal.SUSPENDED, [])
    outcome, changed = sent(market, command(2, seen, "decline"))
    assert outcome.accepted
    assert only(changed).state is MatchState.DECLINED


def half_accepted(market: Market) -> Match:
    sent(market, command(1, market.open()[0], "accept"))
    return only(market.state.matches("ohio"))


def test_what_fails_now_cannot_be_agreed(market: Market) -> None:
    half = half_accepted(market)
    market.feed(supply("power", "fly_ash", 100, properties=analysis(loi=30.0, so3=1.0)))
    market.solve()
    outcome, changed = sent(market, command(2, half, "accept", side=Side.RECEIVER))
    assert (outcome.reason, changed) == (Refusal.QUALITY_FAILED, [])
    market.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    outcome, _ = sent(market, command(3, half, "accept", side=Side.RECEIVER))
    assert outcome.accepted


def test_what_nobody_has_analysed_any_more_is_agreed_on_condition(market: Market) -> None:
    half = half_accepted(market)
    assert half.verdict is Verdict.MEETS
    market.feed(supply("power", "fly_ash", 100))
    market.solve()
    outcome, changed = sent(market, command(2, half, "accept", side=Side.RECEIVER))
    assert outcome.accepted
    assert only(changed).verdict is Verdict.UNKNOWN
    assert {one.value for one in only(changed).margins} == {None}
    [agreement] = market.state.agreements("ohio")
    assert agreement.state == AgreementState.CONDITIONAL


def test_a_hazardous_material_is_agreed_with_a_permit_only() -> None:
    dust = CATALOGUE.uses["eaf_dust_waelz"]
    material = CATALOGUE.materials[dust.material]
    permits = tuple(f"hazardous:{code}" for code in material.ewc)
    taker = facts("taker", sorted(dust.receivers)[0], (39.95, -80.75), permits=permits)
    good = analysis(**{limit.property: limit.limit for limit in dust.limits})
    market = started(
        facts("giver", sorted(dust.givers)[0], (39.90, -80.80)),
        taker,
        supply("giver", dust.material, 200, properties=good),
        need("taker", dust.substitutes, 2_000),
    )
    market.solve()
    half = half_accepted(market)
    market.feed(replace(taker, permits=()))
    market.solve()
    outcome, _ = sent(market, command(2, half, "accept", side=Side.RECEIVER))
    assert outcome.reason == Refusal.PERMIT_MISSING
    market.feed(taker)
    outcome, _ = sent(market, command(3, half, "accept", side=Side.RECEIVER))
    assert outcome.accepted
