"""The three tables, what commands do to agreements and deliveries, and that states are folds of events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
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
    Transaction,
)
from synergy.lifecycle import (
    AGREEMENTS,
    COMMANDS,
    DELIVERIES,
    MATCHES,
    Action,
    Agreement,
    AgreementState,
    Delivery,
    DeliveryState,
    Refusal,
    agreement_id,
    delivery_id,
    refusal_words,
)
from synergy.lifecycle.diagram import diagram
from synergy.lifecycle.transactions import Amendment, agreement_after, delivery_after
from synergy.market import MarketState
from tests.market.plants import (
    GOOD_ASH,
    MARCH,
    TONNE,
    Market,
    days,
    facts,
    matches,
    need,
    only,
    supply,
)

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c44")
GIVER, RECEIVER = Side.GIVER, Side.RECEIVER


class Desk:
    """Sends commands to a market with one match, and keeps every transaction it published."""

    def __init__(self, **supplied: Any) -> None:
        self.market = Market().tick(MARCH)
        self.market.feed(
            facts("power", "3510", (39.90, -80.80)),
            facts("mix", "2395", (40.00, -80.70)),
            supply("power", "fly_ash", 100, **supplied),
            need("mix", "portland_cement", 800),
        )
        self.market.solve()
        self.events: list[Transaction] = []
        self.sent = 0

    @property
    def match(self) -> Match:
        return only(self.market.state.matches("ohio"), giver="power", state=MatchState.AGREED)

    @property
    def agreement(self) -> Agreement:
        (found,) = self.market.state.agreements("ohio")
        return found

    @property
    def delivery(self) -> Delivery:
        return self.market.state.deliveries("ohio")[-1]

    def send(self, action: str, about: object, side: Side | None = None, **more: Any) -> Outcome:
        """Send a command with the present revision and return its outcome."""
        self.sent += 1
        state = self.market.state
        things: list[Match | Agreement | Delivery] = [
            *state.matches("ohio"),
            *state.agreements("ohio"),
            *state.deliveries("ohio"),
        ]
        revision = next((one.revision for one in things if one.id == about), 1)
        order = Command(
            id=uuid5(NAMES, str(self.sent)),
            programme="ohio",
            action=action,
            subject=str(about),
            revision=revision,
            side=side,
            actor="tester",
            reason="because",
            sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        return self.apply(replace(order, **more))

    def apply(self, order: Command) -> Outcome:
        self.market.state.apply_command(order, self.market.at("synergy.commands.v1"))
        events = self.market.take()
        self.events += [event for event in events if isinstance(event, Transaction)]
        (outcome,) = (event for event in events if isinstance(event, Outcome))
        return outcome

    def agreed(self) -> Desk:
        subject = only(self.market.open()).id
        assert self.send("accept", subject, GIVER).accepted
        assert self.send("accept", subject, RECEIVER).accepted
        return self

    def dispatched(self, tonnes: float = 100) -> Desk:
        quantity = round(tonnes * TONNE)
        assert self.send("dispatch", self.agreement.id, GIVER, quantity=quantity).accepted
        return self


@pytest.fixture
def desk() -> Desk:
    return Desk(properties=GOOD_ASH).agreed()


@pytest.mark.parametrize(
    ("table", "states"),
    [(MATCHES, MatchState), (AGREEMENTS, AgreementState), (DELIVERIES, DeliveryState)],
    ids=["match", "agreement", "delivery"],
)
def test_every_state_of_a_table_is_reached_and_every_step_is_drawn(
    table: Any, states: type[StrEnum]
) -> None:
    assert set(table.steps.values()) == set(states)
    drawn = "\n".join(diagram(table))
    for (before, action, _), after in table.steps.items():
        source = "[*]" if before is None else before.value.lower()
        (line,) = (one for one in drawn.splitlines() if f" {source} --> {after.lower()}:" in one)
        assert action.value.replace("_", " ") in line


def test_every_command_is_a_step_of_a_table_or_on_an_alert() -> None:
    taken = {action for table in (MATCHES, AGREEMENTS, DELIVERIES) for _, action, _ in table.steps}
    assert taken | {Action.ACKNOWLEDGE, Action.SNOOZE} >= COMMANDS


def test_nothing_but_qualifying_leads_from_an_unknown_quality_to_a_delivery() -> None:
    moves = {
        (before, after)
        for (before, action, _), after in AGREEMENTS.steps.items()
        if action is not Action.QUALIFY
    }
    reached = {AgreementState.CONDITIONAL}
    while True:
        more = {after for before, after in moves if before in reached} - reached
        if not more:
            break
        reached |= more
    assert AgreementState.RUNNING not in reached
    assert AgreementState.SAMPLE_REQUESTED in reached


def test_every_refusal_has_words_in_both_languages() -> None:
    words = refusal_words()
    assert set(words) == {code.value for code in Refusal}
    assert all(en and zh for en, zh in words.values())


def test_the_second_acceptance_publishes_one_agreement_with_a_derived_id(desk: Desk) -> None:
    (event,) = desk.events
    assert event.agreement == agreement_id(desk.match.id) == desk.agreement.id
    assert (event.state, event.revision, event.delivery) == ("agreed", 1, None)
    assert event.quantity == desk.match.quantity_per_day
    assert (event.giver, event.receiver, event.material) == ("power", "mix", "fly_ash")


def test_a_load_makes_a_delivery_and_sets_the_agreement_running(desk: Desk) -> None:
    outcome = desk.send("dispatch", desk.agreement.id, GIVER)
    assert outcome.accepted
    assert outcome.subject == str(delivery_id(desk.agreement.id, 1)) == str(desk.delivery.id)
    assert outcome.allowed == ("receive", "refuse", "weigh")
    assert desk.agreement.state is AgreementState.RUNNING
    assert desk.delivery.sent == desk.agreement.quantity_per_day
    own, load = desk.events[1:]
    assert (own.delivery, own.state) == (None, "running")
    assert (load.delivery, load.state, load.revision) == (desk.delivery.id, "dispatched", 1)


@pytest.mark.parametrize(
    ("tonnes", "state"),
    [
        (None, DeliveryState.RECEIVED),
        (100, DeliveryState.RECEIVED),
        (102, DeliveryState.RECEIVED),
        (98, DeliveryState.RECEIVED),
        (97.999999, DeliveryState.RECEIVED_IN_PART),
        (0.000001, DeliveryState.RECEIVED_IN_PART),
    ],
)
def test_the_quantity_decides_whether_a_receipt_is_full(
    desk: Desk, tonnes: float | None, state: DeliveryState
) -> None:
    desk.dispatched(100)
    quantity = None if tonnes is None else round(tonnes * TONNE)
    assert desk.send("receive", desk.delivery.id, RECEIVER, quantity=quantity).accepted
    assert (desk.delivery.state, desk.delivery.receipt) == (state, state)
    assert desk.delivery.taken == (100 * TONNE if quantity is None else quantity)


def test_the_impact_counts_once_in_proportion_to_what_was_taken(desk: Desk) -> None:
    desk.dispatched(100)
    desk.send("receive", desk.delivery.id, RECEIVER, quantity=50 * TONNE)
    assert not desk.send("receive", desk.delivery.id, RECEIVER).accepted
    desk.send("complete", desk.delivery.id)
    (impact,) = (event.impact for event in desk.events if event.impact is not None)
    share = 50 * TONNE / desk.match.quantity_per_day
    assert impact.diverted == 50 * TONNE
    assert impact.co2e_kg == pytest.approx(desk.match.co2e_kg_per_day * share)
    assert float(impact.gain_giver) == pytest.approx(float(desk.match.gain_giver) * share, abs=1e-3)
    assert impact.data_kind is desk.match.data_kind


def test_a_refused_load_counts_nothing(desk: Desk) -> None:
    desk.dispatched()
    assert desk.send("refuse", desk.delivery.id, RECEIVER, reason="wet").accepted
    assert desk.events[-1].reason == "wet"
    assert (desk.delivery.taken, desk.delivery.receipt) == (0, DeliveryState.REFUSED)
    assert desk.send("complete", desk.delivery.id).accepted
    assert all(event.impact is None for event in desk.events)


def test_a_metered_period_is_taken_at_once(desk: Desk) -> None:
    assert desk.send("meter", desk.agreement.id, quantity=None).reason == Refusal.QUANTITY_MISSING
    assert desk.send("meter", desk.agreement.id, quantity=900 * TONNE).accepted
    assert (desk.delivery.state, desk.delivery.taken) == (DeliveryState.METERED, 900 * TONNE)
    assert desk.events[-1].impact is not None


@pytest.mark.parametrize(
    ("action", "side", "changes", "refusal"),
    [
        ("receive", GIVER, {}, Refusal.NOT_ALLOWED),
        ("receive", RECEIVER, {"revision": None}, Refusal.REVISION_MISSING),
        ("receive", RECEIVER, {"revision": 9}, Refusal.OUTDATED),
        ("receive", RECEIVER, {"quantity": 0}, Refusal.QUANTITY_INVALID),
        ("receive", RECEIVER, {"quantity": -5}, Refusal.QUANTITY_INVALID),
        ("receive", RECEIVER, {"quantity": 102 * TONNE + 1}, Refusal.QUANTITY_TOO_LARGE),
        ("weigh", None, {"quantity": 2**62}, Refusal.QUANTITY_TOO_LARGE),
        ("refuse", RECEIVER, {"reason": None}, Refusal.REASON_MISSING),
        ("refuse", RECEIVER, {"reason": ""}, Refusal.REASON_MISSING),
        ("weigh", None, {}, Refusal.QUANTITY_MISSING),
        ("complete", None, {}, Refusal.NOT_ALLOWED),
        ("amend", GIVER, {"quantity": 1}, Refusal.NOT_ALLOWED),
        ("sample", RECEIVER, {}, Refusal.NOT_ALLOWED),
        ("receive", RECEIVER, {"subject": str(NAMES)}, Refusal.UNKNOWN_TRANSACTION),
        ("receive", RECEIVER, {"subject": "no id"}, Refusal.UNKNOWN_TRANSACTION),
        ("receive", RECEIVER, {"programme": "hebei"}, Refusal.UNKNOWN_TRANSACTION),
        ("receive_in_part", RECEIVER, {}, Refusal.UNKNOWN_ACTION),
        ("expire", None, {}, Refusal.UNKNOWN_ACTION),
    ],
)
def test_a_refused_command_on_a_delivery_says_why_and_changes_nothing(
    desk: Desk, action: str, side: Side | None, changes: dict[str, Any], refusal: Refusal
) -> None:
    desk.dispatched(100)
    before, told = desk.delivery, len(desk.events)
    outcome = desk.send(action, desk.delivery.id, side, **changes)
    assert (outcome.accepted, outcome.reason) == (False, refusal)
    assert (desk.delivery, len(desk.events)) == (before, told)


def test_a_refusal_says_what_this_side_may_do_instead(desk: Desk) -> None:
    desk.dispatched()
    outcome = desk.send("complete", desk.delivery.id, GIVER)
    assert (outcome.reason, outcome.allowed) == (Refusal.NOT_ALLOWED, ("weigh",))
    assert outcome.revision == 1


def test_an_agreement_does_not_end_while_a_load_is_on_its_way(desk: Desk) -> None:
    desk.dispatched()
    for action in ("complete", "cancel"):
        assert desk.send(action, desk.agreement.id).reason == Refusal.DELIVERY_OPEN
    desk.send("receive", desk.delivery.id)
    assert desk.send("complete", desk.agreement.id).accepted
    assert desk.agreement.state is AgreementState.ENDED


def test_two_clicks_on_dispatch_send_one_load(desk: Desk) -> None:
    seen = desk.agreement.revision
    assert desk.send("dispatch", desk.agreement.id, GIVER, revision=seen).accepted
    again = desk.send("dispatch", desk.agreement.id, GIVER, revision=seen)
    assert again.reason == Refusal.OUTDATED
    assert len(desk.market.state.deliveries("ohio")) == 1


def test_the_same_command_twice_acts_once(desk: Desk) -> None:
    order = Command(
        id=uuid5(NAMES, "once"),
        programme="ohio",
        action="dispatch",
        subject=str(desk.agreement.id),
        revision=desk.agreement.revision,
        side=GIVER,
        actor="tester",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    first, told = desk.apply(order), len(desk.events)
    assert desk.apply(order) == first
    assert len(desk.events) == told


def test_without_an_analysis_nothing_leaves_before_the_sample_qualifies() -> None:
    desk = Desk().agreed()
    assert desk.agreement.state is AgreementState.CONDITIONAL
    for action in ("dispatch", "schedule", "meter"):
        outcome = desk.send(action, desk.agreement.id, quantity=TONNE)
        assert outcome.reason == Refusal.NOT_ALLOWED
        assert outcome.allowed == ("amend", "cancel", "qualify", "sample")
    assert desk.send("sample", desk.agreement.id, GIVER).accepted
    assert desk.send("dispatch", desk.agreement.id, GIVER).reason == Refusal.NOT_ALLOWED
    assert desk.send("qualify", desk.agreement.id, RECEIVER).accepted
    assert desk.send("dispatch", desk.agreement.id, GIVER).accepted


def test_an_agreement_that_ends_frees_its_flow_for_a_new_proposal(desk: Desk) -> None:
    assert matches(desk.market.solve()) == []
    desk.dispatched()
    desk.send("receive", desk.delivery.id)
    desk.send("complete", desk.agreement.id)
    fresh = only(matches(desk.market.solve()))
    assert fresh.state is MatchState.PROPOSED
    assert fresh.id != desk.match.id


def test_a_cancelled_agreement_is_not_proposed_again_under_the_same_conditions(desk: Desk) -> None:
    desk.send("cancel", desk.agreement.id, RECEIVER, reason="kiln stopped")
    assert matches(desk.market.solve()) == []
    desk.market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    assert only(matches(desk.market.solve())).state is MatchState.PROPOSED


@pytest.mark.parametrize("action", ["dispatch", "meter"])
def test_more_than_a_year_at_once_is_a_slip_of_the_unit(desk: Desk, action: str) -> None:
    year = 366 * desk.agreement.quantity_per_day
    slip = desk.send(action, desk.agreement.id, GIVER, quantity=year + 1)
    assert slip.reason == Refusal.QUANTITY_TOO_LARGE
    assert desk.send(action, desk.agreement.id, GIVER, quantity=year).accepted


def test_a_load_under_way_can_be_received_although_less_is_agreed_since(desk: Desk) -> None:
    agreement = desk.agreement
    desk.send("dispatch", agreement.id, GIVER, quantity=500 * TONNE)
    load = desk.delivery
    desk.send("amend", agreement.id, GIVER, quantity=TONNE, reason="less")
    assert desk.send("approve", agreement.id, RECEIVER).accepted
    assert desk.send("receive", load.id, RECEIVER, quantity=499 * TONNE).accepted


def test_an_amendment_counts_once_the_other_side_approves_it(desk: Desk) -> None:
    subject, before = desk.agreement.id, desk.agreement.quantity_per_day
    too_much = desk.send("amend", subject, GIVER, quantity=before + 1)
    assert too_much.reason == Refusal.QUANTITY_TOO_LARGE
    assert desk.send("approve", subject, RECEIVER).reason == Refusal.NOTHING_TO_APPROVE
    assert desk.send("amend", subject, GIVER, quantity=before // 2).accepted
    assert desk.agreement.quantity_per_day == before
    assert desk.send("approve", subject, GIVER).reason == Refusal.OWN_AMENDMENT
    assert desk.send("approve", subject).reason == Refusal.SIDE_MISSING
    signing = desk.agreement.signed
    assert desk.send("approve", subject, RECEIVER).accepted
    assert desk.agreement.quantity_per_day == before // 2 == desk.match.quantity_per_day
    assert desk.events[-1].corrects == signing
    assert desk.agreement.amendment is None
    desk.market.feed(
        facts("brick", "2392", (40.05, -80.75)),
        need("brick", "clay", 1000),
    )
    assert only(matches(desk.market.solve()), receiver="brick").quantity_per_day == before // 2


def waiting(desk: Desk) -> Amendment | None:
    return desk.agreement.amendment


def test_a_load_in_between_leaves_an_amendment_waiting(desk: Desk) -> None:
    desk.send("amend", desk.agreement.id, GIVER, quantity=TONNE)
    desk.dispatched(10)
    assert waiting(desk) == Amendment(quantity=TONNE, side=GIVER)
    assert desk.send("decline", desk.agreement.id, RECEIVER).accepted
    assert waiting(desk) is None
    assert desk.agreement.quantity_per_day == desk.match.quantity_per_day


def test_a_corrected_receipt_carries_the_difference(desk: Desk) -> None:
    desk.dispatched(100)
    desk.send("receive", desk.delivery.id, RECEIVER, quantity=60 * TONNE)
    desk.send("complete", desk.delivery.id)
    receipt = desk.delivery.answered
    desk.send("amend", desk.delivery.id, RECEIVER, quantity=40 * TONNE)
    assert desk.delivery.taken == 60 * TONNE
    desk.send("approve", desk.delivery.id, GIVER)
    assert (desk.delivery.taken, desk.delivery.state) == (40 * TONNE, DeliveryState.COMPLETED)
    assert desk.events[-1].corrects == receipt
    counted = [event.impact.diverted for event in desk.events if event.impact is not None]
    assert counted == [60 * TONNE, -20 * TONNE]


def test_state_is_the_fold_of_what_was_published_and_survives_a_restart(desk: Desk) -> None:
    desk.dispatched(100)
    desk.send("weigh", desk.delivery.id, quantity=99 * TONNE)
    desk.send("receive", desk.delivery.id, RECEIVER, quantity=50 * TONNE)
    agreement: Agreement | None = None
    delivery: Delivery | None = None
    for event in desk.events:
        if event.delivery is None:
            agreement = agreement_after(agreement, event)
        else:
            delivery = delivery_after(delivery, event)
    assert delivery == desk.delivery
    assert agreement is not None
    assert replace(agreement, deliveries=1) == desk.agreement
    restored: MarketState = desk.market.restored()
    assert restored.agreements("ohio") == desk.market.state.agreements("ohio")
    assert restored.deliveries("ohio") == desk.market.state.deliveries("ohio")
    assert restored.take_events() == ()


@pytest.mark.parametrize("completed", [True, False])
def test_what_is_settled_is_forgotten_in_time(desk: Desk, completed: bool) -> None:
    desk.dispatched()
    desk.send("receive", desk.delivery.id, RECEIVER)
    if completed:
        assert desk.send("complete", desk.delivery.id).accepted
    assert desk.send("complete", desk.agreement.id).accepted
    desk.market.tick(MARCH + days(89))
    assert len(desk.market.state.deliveries("ohio")) == 1
    desk.market.tick(MARCH + days(91))
    desk.market.take()
    assert desk.market.state.deliveries("ohio") == ()
    assert desk.market.state.agreements("ohio") == ()
    assert not [key for key in desk.market.parts if key.startswith((b'["agreem', b'["deliv'))]


def short(desk: Desk) -> Alert:
    """Let the supply fall below what is agreed and return the alert."""
    desk.market.feed(supply("power", "fly_ash", 60, properties=GOOD_ASH))
    (raised,) = (event for event in desk.market.solve() if isinstance(event, Alert))
    return raised


def test_an_alert_is_acknowledged_once_and_still_cleared_with_its_cause(desk: Desk) -> None:
    raised = short(desk)
    assert desk.send("acknowledge", raised.id, revision=None).accepted
    desk.market.feed(supply("power", "fly_ash", 50, properties=GOOD_ASH))
    assert [event for event in desk.market.solve() if isinstance(event, Alert)] == []
    desk.market.feed(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    (cleared,) = (event for event in desk.market.solve() if isinstance(event, Alert))
    assert (cleared.id, cleared.state) == (raised.id, AlertState.CLEARED)
    assert desk.send("acknowledge", raised.id).reason == Refusal.UNKNOWN_ALERT


def test_a_snoozed_alert_comes_back_when_its_time_is_over(desk: Desk) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    minute = timedelta(minutes=1)

    def clock(moment: datetime) -> list[Alert]:
        desk.market.state.clock((moment - datetime(1970, 1, 1, tzinfo=UTC)) // minute * 60_000_000)
        return [event for event in desk.market.take() if isinstance(event, Alert)]

    raised = short(desk)
    clock(now)
    too_long = desk.send("snooze", raised.id, quantity=60 * 24 * 8)
    assert too_long.reason == Refusal.QUANTITY_TOO_LARGE
    assert desk.send("snooze", raised.id, quantity=0).reason == Refusal.QUANTITY_INVALID
    assert desk.send("snooze", raised.id, quantity=30).accepted
    assert clock(now + 29 * minute) == []
    (again,) = clock(now + 30 * minute)
    assert (again.id, again.state, again.until) == (raised.id, AlertState.RAISED, None)
