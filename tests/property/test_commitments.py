"""What is agreed is taken off the supply: over ten thousand random histories no gram is promised twice.

What is promised is counted from the published events alone, never from the state that is tested.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid5

import pytest

from schemas.events import Command, Match, MatchState, Outcome, Side, Transaction
from synergy.lifecycle.transactions import agreement_id
from synergy.market import MarketState
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    MARCH,
    POLICY,
    TONNE,
    Market,
    facts,
    need,
    supply,
)
from tests.market.values import BLOCKS

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c55")
HISTORIES = 10_000
STEPS = 8
GIVERS = ("power", "works")
OVER = {"ended", "cancelled"}
HOLDING = {
    MatchState.PROPOSED,
    MatchState.ACCEPTED_BY_GIVER,
    MatchState.ACCEPTED_BY_RECEIVER,
    MatchState.AGREED,
}
ON_MATCH: tuple[str, ...] = ("accept", "accept", "accept", "decline", "withdraw")
ON_TRANSACTION: tuple[str, ...] = (
    *("sample", "qualify", "schedule", "dispatch", "weigh", "receive", "refuse", "meter"),
    *("complete", "cancel", "amend", "approve", "decline"),
)


PLAIN = Command(
    id=NAMES,
    programme="ohio",
    action="accept",
    subject="",
    actor="tester",
    reason="because",
    sent_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@dataclass
class Ledger:
    """What somebody knows who only reads what is published."""

    matches: dict[UUID, Match] = field(default_factory=dict[UUID, Match])
    revisions: dict[UUID, int] = field(default_factory=dict[UUID, int])
    over: set[UUID] = field(default_factory=set[UUID])
    taken: Counter[UUID] = field(default_factory=Counter[UUID])
    kinds: Counter[str] = field(default_factory=Counter[str])
    possible: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def copied(self) -> Ledger:
        """Return the same knowledge, to go on from; events never change."""
        names = [one.name for one in fields(self)]
        return Ledger(**{name: getattr(self, name).copy() for name in names})

    def read(self, market: Market) -> None:
        for event in market.take():
            if isinstance(event, Match):
                self.matches[event.id] = event
            elif isinstance(event, Transaction):
                self.revisions[event.delivery or event.agreement] = event.revision
                self.kinds[f"{'load' if event.delivery else 'agreement'} {event.state}"] += 1
                if event.delivery is None and event.state in OVER:
                    self.over.add(event.agreement)
                if event.delivery is not None and event.impact is not None:
                    self.taken[event.delivery] += event.impact.diverted
            elif isinstance(event, Outcome):
                self.kinds["accepted" if event.accepted else "refused"] += 1
                self.possible[event.subject] = event.allowed

    def promised(self, giver: str) -> tuple[int, int]:
        """Return what is proposed and what is committed of a giver's supply a day."""
        sums = {True: 0, False: 0}
        for match in self.matches.values():
            held = match.state in HOLDING and agreement_id(match.id) not in self.over
            if match.giver == giver and held:
                sums[match.state is MatchState.PROPOSED] += match.quantity_per_day
        return sums[True], sums[False]


def beginnings() -> list[tuple[list[tuple[bytes, bytes]], Ledger]]:
    """The parts of a programme at three moments, with what was published until then.

    Two givers and three receivers have joined and it is solved; the best match is agreed; a load is on its way.
    """
    market, ledger = Market().tick(MARCH), Ledger()
    market.feed(
        facts("power", "3510", (39.90, -80.80)),
        facts("works", "3510", (39.95, -80.60)),
        facts("mix", "2395", (40.00, -80.70)),
        facts("mix2", "2395", (39.80, -80.75)),
        facts("brick", "2392", (40.05, -80.75)),
        supply("power", "fly_ash", 100, properties=GOOD_ASH),
        supply("works", "fly_ash", 70),
        need("mix", "portland_cement", 250),
        need("mix2", "portland_cement", 150),
        need("brick", "clay", 120),
    )
    market.solve()
    ledger.matches = {match.id: match for match in market.state.matches("ohio")}
    found = [(list(market.parts.items()), ledger.copied())]
    best = next(match for match in market.open() if match.giver == "power")
    agreement = agreement_id(best.id)
    for subject, actions in (
        (best.id, (("accept", Side.GIVER), ("accept", Side.RECEIVER))),
        (agreement, (("dispatch", Side.GIVER),)),
    ):
        for action, side in actions:
            seen = ledger.revisions.get(subject) or ledger.matches[subject].revision
            order = replace(PLAIN, id=uuid5(NAMES, f"{action} {side}"), action=action, side=side)
            order = replace(order, subject=str(subject), revision=seen)
            market.state.apply_command(order, market.at("synergy.commands.v1"))
            ledger.read(market)
        found.append((list(market.parts.items()), ledger.copied()))
    assert ledger.kinds["load dispatched"] == 1
    return found


def ordered(random: Random, ledger: Ledger, number: int) -> Command:
    """A command that makes sense more often than not; now and then an old revision or an absurd quantity."""
    things = sorted(ledger.revisions)
    if things and random.random() < 0.8:
        loads = [UUID(name) for name, may in ledger.possible.items() if "receive" in may]
        subject, actions = random.choice(loads or things), ON_TRANSACTION
        revision = ledger.revisions[subject]
        if random.random() < 0.7:
            actions = ledger.possible.get(str(subject)) or ON_TRANSACTION
    else:
        open_ones = [m for m in ledger.matches.values() if m.state in HOLDING - {MatchState.AGREED}]
        match = random.choice(open_ones or list(ledger.matches.values()))
        subject, actions, revision = match.id, ON_MATCH, match.revision
    quantity = random.choice((*[None] * 9, 20 * TONNE, 60 * TONNE, 1, 10**15))
    return replace(
        PLAIN,
        id=uuid5(NAMES, str(number)),
        action=random.choice(actions),
        subject=str(subject),
        revision=revision - (random.random() < 0.05),
        side=random.choice((Side.GIVER, Side.RECEIVER, Side.GIVER, Side.RECEIVER, None)),
        quantity=None if actions is ON_MATCH else quantity,
    )


@pytest.mark.slow
def test_proposed_and_committed_never_exceed_the_supply_over_ten_thousand_histories() -> None:
    starts = beginnings()
    kinds: Counter[str] = Counter()
    for history in range(HISTORIES):
        random = Random(history)  # noqa: S311 - a seed tells a history
        parts, known = starts[history % len(starts)]
        market, ledger = (
            Market(MarketState.restore(CATALOGUE, parts, BLOCKS.decode, POLICY)),
            known.copied(),
        )
        offered = {"power": 100 * TONNE, "works": 70 * TONNE}
        for step in range(STEPS):
            command = ordered(random, ledger, step)
            market.state.apply_command(command, market.at("synergy.commands.v1"))
            ledger.read(market)
            for giver in GIVERS:
                assert sum(ledger.promised(giver)) <= offered[giver], (history, step)
        if history % 10 == 0:
            solved_after_a_change(random, market, ledger, offered)
        assert all(quantity >= 0 for quantity in ledger.taken.values()), history
        kinds += ledger.kinds
    for kind in ("agreement conditional", "agreement running", "agreement cancelled", "refused"):
        assert kinds[kind] > HISTORIES / 100, kinds
    for kind in ("load received", "load received_in_part", "load refused", "load completed"):
        assert kinds[kind] > HISTORIES / 200, kinds


def solved_after_a_change(
    random: Random, market: Market, ledger: Ledger, offered: dict[str, int]
) -> None:
    """Solve with the supply as it was, and again with another one: what is committed comes first."""
    for _ in range(2):
        for _ in range(20):
            job = market.state.job()
            if job is None:
                break
            market.state.absorb(job())
        ledger.read(market)
        for giver in GIVERS:
            proposed, committed = ledger.promised(giver)
            assert proposed <= max(offered[giver] - committed, 0), giver
        tonnes = random.choice((10, 60, 100, 160))
        offered["power"] = tonnes * TONNE
        market.feed(supply("power", "fly_ash", tonnes, properties=GOOD_ASH))
