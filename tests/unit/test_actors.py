"""The scripted actors, playing on the real market until their script is at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from producers.actors import (
    DECLINED,
    LABEL,
    Contract,
    Load,
    Order,
    Proposal,
    Script,
    Seen,
    perform,
)
from runtime.clock import FakeClock
from schemas.events import Command, Match, MatchState, Outcome, Position, Transaction
from synergy.lifecycle.funnel import Funnel, funnel
from synergy.lifecycle.history import History
from tests.market.plants import (
    GOOD_ASH,
    MARCH,
    Market,
    facts,
    need,
    supply,
)

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c88")


@dataclass
class Town:
    """The market and what is known of it from its events; a desk for the actors."""

    market: Market
    history: History = field(default_factory=History)
    matches: dict[UUID, Match] = field(default_factory=dict[UUID, Match])
    transactions: list[Transaction] = field(default_factory=list[Transaction])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    orders: list[Order] = field(default_factory=list[Order])
    away: int = 0

    def learn(self) -> None:
        self.market.solve()
        for event in self.market.published:
            if isinstance(event, Match):
                self.history.take_match(event)
                self.matches[event.id] = event
            elif isinstance(event, Transaction):
                self.history.take_transaction(event)
                self.transactions.append(event)
            elif isinstance(event, Outcome):
                self.outcomes.append(event)
        self.market.published.clear()

    def seen(self) -> Seen | None:
        if self.away:
            self.away -= 1
            return None
        self.learn()
        ranked = sorted(self.matches.values(), key=lambda m: -(m.gain_giver + m.gain_receiver))
        closed = {MatchState.DECLINED, MatchState.WITHDRAWN, MatchState.EXPIRED}
        return Seen(
            tuple(
                Proposal(str(m.id), m.revision, m.state) for m in ranked if m.state not in closed
            ),
            tuple(
                Contract(
                    str(one.id),
                    one.revision,
                    one.state,
                    self.history.events[one.id][0].actor,
                    tuple(
                        Load(str(load.id), load.revision, load.state, load.sent)
                        for load in self.history.deliveries_of(one.id)
                    ),
                )
                for one in self.history.agreements.values()
            ),
            DECLINED in self.counts().declined_reasons,
        )

    def send(self, order: Order) -> str | None:
        self.orders.append(order)
        self.command(order)
        return self.outcomes[-1].reason

    def command(self, order: Order, **changes: Any) -> None:
        command = Command(
            id=uuid5(NAMES, str(len(self.outcomes))),
            programme="ohio",
            action=order.action,
            subject=order.subject,
            revision=order.revision,
            side=order.side,
            actor=changes.get("actor", order.actor),
            reason=order.reason,
            quantity=order.quantity,
            sent_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.market.state.apply_command(command, self.market.at("synergy.commands.v1"))
        self.learn()

    def counts(self) -> Funnel:
        positions: list[Position] = []
        return funnel(self.history, positions)


def town(**supplied: Any) -> Town:
    market = Market().tick(MARCH)
    market.feed(
        facts("power", "3510", (39.90, -80.80)),
        facts("works", "3510", (39.95, -80.60)),
        facts("mix", "2395", (40.00, -80.70)),
        facts("brick", "2392", (40.05, -80.75)),
        supply("power", "fly_ash", 100, **supplied),
        supply("works", "fly_ash", 90, **supplied),
        need("mix", "portland_cement", 300),
        need("brick", "clay", 200),
    )
    return Town(market)


def played(here: Town, looks: int = 60) -> bool:
    left = iter(range(looks))
    return perform(here, FakeClock(), lambda: next(left, None) is not None)


@pytest.mark.parametrize("supplied", [{"properties": GOOD_ASH}, {}], ids=["analysed", "unknown"])
def test_one_load_is_completed_one_received_in_part_and_one_match_declined(
    supplied: dict[str, Any],
) -> None:
    here = town(**supplied)
    assert played(here, looks=20)
    counts = here.counts()
    assert (counts.agreed, counts.running, counts.completed) == (1, 1, 2)
    assert (counts.received_in_part, counts.declined) == (1, 1)
    assert counts.declined_reasons == {DECLINED: 1}
    assert all(outcome.accepted for outcome in here.outcomes)
    assert all(event.actor.startswith(LABEL) for event in here.transactions)


def test_a_script_that_was_played_is_not_played_again() -> None:
    here = town(properties=GOOD_ASH)
    played(here)
    done = len(here.orders)
    assert played(here, looks=3)
    assert len(here.orders) == done


def test_a_restart_goes_on_where_the_script_was() -> None:
    here = town(properties=GOOD_ASH)
    assert not played(here, looks=5)
    assert here.counts().agreed == 1
    assert played(here, looks=20)
    assert here.counts().agreed == 1
    assert here.counts().completed == 2


def test_what_a_visitor_has_begun_is_left_alone() -> None:
    here = town(properties=GOOD_ASH)
    first = here.seen()
    assert first is not None
    mine = first.proposals[-1]
    order = Script().next(first)
    assert order is not None
    assert order.subject == mine.id
    here.command(order, actor="visitor")
    played(here)
    assert all(order.subject != mine.id for order in here.orders)
    assert here.matches[UUID(mine.id)].state is MatchState.ACCEPTED_BY_GIVER


def test_the_first_in_rank_is_left_to_the_visitor_while_there_are_others() -> None:
    here = town(properties=GOOD_ASH)
    seen = here.seen()
    assert seen is not None
    assert len(seen.proposals) > 1
    order = Script().next(seen)
    assert order is not None
    assert order.subject != seen.proposals[0].id


def test_a_store_that_does_not_answer_is_waited_for() -> None:
    here = town(properties=GOOD_ASH)
    here.away = 4
    assert played(here, looks=24)


def test_an_outdated_revision_is_tried_again_and_another_refusal_is_not() -> None:
    here = town(properties=GOOD_ASH)
    seen = here.seen()
    assert seen is not None
    script = Script()
    order = script.next(seen)
    assert order is not None
    script.refused(order, "outdated")
    assert script.next(seen) == order
    script.refused(order, "suspended")
    other = script.next(seen)
    assert other is None or other.subject != order.subject
