"""Scripted actors for the demonstration: one agreement with two loads, one proposal that is declined.

The first load is taken whole, the second in part. Everything they do bears their label; they play with the plants of
the shipped programmes only, touch nothing that a visitor has begun, take the proposals that rank last, and stop when
the script is played. What was played is read from
the store, so a restart goes on where they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from runtime.clock import Clock
from schemas.events import MatchState, Side
from synergy.lifecycle import Action, AgreementState, DeliveryState, Refusal

LABEL: Final = "scripted: "
GIVER: Final = f"{LABEL}giver"
RECEIVER: Final = f"{LABEL}receiver"
WEIGHBRIDGE: Final = f"{LABEL}weighbridge"
DECLINED: Final = "scripted: no free silo this month"
SHORTFALL: Final = "scripted: two wagons were wet"
TAKEN_OF_TEN: Final = 6
LOADS: Final = 2
LOOK_S: Final = 2.0
ALONE_LOOKS: Final = 10
"""Looks after which a single proposal is taken although nothing is left for the visitor then."""
_WAITING: Final = frozenset({DeliveryState.DISPATCHED, DeliveryState.WEIGHED})


@dataclass(frozen=True, slots=True)
class Proposal:
    """One open match."""

    id: str
    revision: int
    state: MatchState


@dataclass(frozen=True, slots=True)
class Load:
    """One delivery; `sent` in base units."""

    id: str
    revision: int
    state: DeliveryState
    sent: int


@dataclass(frozen=True, slots=True)
class Contract:
    """One agreement; `signed_by` is who made it."""

    id: str
    revision: int
    state: AgreementState
    signed_by: str
    loads: tuple[Load, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the actors see: open matches best first, agreements, and whether one of theirs was declined."""

    proposals: tuple[Proposal, ...]
    contracts: tuple[Contract, ...]
    declined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One command."""

    action: Action
    subject: str
    revision: int
    side: Side
    actor: str
    reason: str | None = None
    quantity: int | None = None


class Desk(Protocol):
    """Where the actors look and send to."""

    def seen(self) -> Seen | None:
        """Return what there is now, or None while nobody answers."""
        ...

    def send(self, order: Order) -> str | None:
        """Send a command and return why it was refused, or None."""
        ...


class Script:
    """Decides what comes next. Keeps only which match was begun and which were refused."""

    def __init__(self) -> None:
        self._begun: str | None = None
        self._refused: set[str] = set()
        self._alone = 0

    def next(self, seen: Seen) -> Order | None:
        """Return the next command, or None when there is nothing to do now."""
        contract = _own(seen)
        if contract is None:
            return self._accept(seen)
        if not seen.declined:
            order = self._decline(seen)
            if order is not None:
                return order
        return _perform(contract)

    def is_played(self, seen: Seen) -> bool:
        """Whether the whole script was played."""
        contract = _own(seen)
        if contract is None or not seen.declined:
            return False
        over = contract.state in {AgreementState.ENDED, AgreementState.CANCELLED}
        closed = [load for load in contract.loads if load.state is DeliveryState.COMPLETED]
        return over or len(closed) >= LOADS

    def refused(self, order: Order, reason: str) -> None:
        """Take a refusal in: what changed meanwhile is tried again, anything else is left alone."""
        if reason == Refusal.OUTDATED:
            return
        self._refused.add(order.subject)
        if order.subject == self._begun:
            self._begun = None

    def _accept(self, seen: Seen) -> Order | None:
        by_id = {one.id: one for one in seen.proposals}
        begun = by_id.get(self._begun or "")
        if begun is not None and begun.state is MatchState.ACCEPTED_BY_GIVER:
            return _order(Action.ACCEPT, begun, Side.RECEIVER)
        if begun is None or begun.state is not MatchState.PROPOSED:
            begun = self._choose(seen)
        if begun is None:
            return None
        self._begun = begun.id
        return _order(Action.ACCEPT, begun, Side.GIVER)

    def _choose(self, seen: Seen) -> Proposal | None:
        free = self._free(seen)
        self._alone += 1 if len(free) == 1 else 0
        if not free or (len(free) == 1 and self._alone < ALONE_LOOKS):
            return None
        return free[-1]

    def _decline(self, seen: Seen) -> Order | None:
        free = self._free(seen)
        if not free:
            return None
        return _order(Action.DECLINE, free[-1], Side.RECEIVER)

    def _free(self, seen: Seen) -> list[Proposal]:
        return [
            one
            for one in seen.proposals
            if one.state is MatchState.PROPOSED and one.id not in self._refused
        ]


def _own(seen: Seen) -> Contract | None:
    """Return the agreement that the script has made."""
    return next((one for one in seen.contracts if one.signed_by.startswith(LABEL)), None)


def _order(action: Action, subject: Proposal | Contract | Load, side: Side) -> Order:
    return Order(
        action=action,
        subject=subject.id,
        revision=subject.revision,
        side=side,
        actor=GIVER if side is Side.GIVER else RECEIVER,
        reason=DECLINED if action is Action.DECLINE else None,
    )


def _perform(contract: Contract) -> Order | None:
    """Return the next step of an agreement and its loads."""
    if contract.state is AgreementState.CONDITIONAL:
        return _order(Action.SAMPLE, contract, Side.RECEIVER)
    if contract.state is AgreementState.SAMPLE_REQUESTED:
        return _order(Action.QUALIFY, contract, Side.RECEIVER)
    if contract.state in {AgreementState.ENDED, AgreementState.CANCELLED}:
        return None
    for number, load in enumerate(contract.loads):
        if load.state in _WAITING:
            return _received(load, number)
        if load.state in {DeliveryState.RECEIVED, DeliveryState.RECEIVED_IN_PART}:
            return _order(Action.COMPLETE, load, Side.RECEIVER)
    if len(contract.loads) < LOADS:
        return _order(Action.DISPATCH, contract, Side.GIVER)
    return None


def _received(load: Load, number: int) -> Order:
    """Return how a load is answered: the first is weighed and taken whole, the next one in part."""
    answer = _order(Action.RECEIVE, load, Side.RECEIVER)
    if number > 0:
        taken = max(load.sent * TAKEN_OF_TEN // 10, 1)
        return replace(answer, reason=SHORTFALL, quantity=taken)
    if load.state is DeliveryState.DISPATCHED:
        return replace(answer, action=Action.WEIGH, actor=WEIGHBRIDGE, quantity=load.sent)
    return answer


def perform(desk: Desk, clock: Clock, going: Callable[[], bool]) -> bool:
    """Play the script, one step a look; return whether it was played to its end."""
    script = Script()
    while going():
        seen = desk.seen()
        if seen is not None:
            if script.is_played(seen):
                return True
            order = script.next(seen)
            reason = None if order is None else desk.send(order)
            if order is not None and reason is not None:
                script.refused(order, reason)
        clock.sleep(LOOK_S)
    return False
