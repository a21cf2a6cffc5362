"""What a command does to an agreement or a delivery: the events that follow, or why it is refused.

Pure (gate: import-linter, ruff TID251). Nothing is changed here: the caller folds the events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from schemas.events import Command, Match, Side, Transaction, Verdict
from synergy.lifecycle.actions import Action
from synergy.lifecycle.agreement_states import AGREEMENTS
from synergy.lifecycle.amendments import amending, approved_match
from synergy.lifecycle.delivery_states import DELIVERIES, TAKEN
from synergy.lifecycle.impact import impact_of
from synergy.lifecycle.refusals import Refusal
from synergy.lifecycle.transactions import (
    Agreement,
    Delivery,
    agreement_id,
    delivery_id,
    event_id,
)

STARTING: Final = frozenset({Action.SCHEDULE, Action.DISPATCH, Action.METER})
NEEDS_REASON: Final = frozenset({Action.REFUSE, Action.CANCEL, Action.AMEND})
PER_MILLE: Final = 1000
MOST_DAYS_AT_ONCE: Final = 366
"""A load or a metered period is at most what is agreed for so many days: more is a slip of the unit.

A load that is under way may be twice what was sent, although the agreement was amended since.
"""


@dataclass(frozen=True, slots=True)
class Stepped:
    """The events of an accepted command in order, and the match where its quantity changed with them."""

    events: tuple[Transaction, ...]
    match: Match | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a command on a transaction is judged by.

    `under_way` tells whether a delivery of the agreement is open; a receipt counts as full from `full_from` per mille
    of what was sent and may exceed it by as much.
    """

    agreement: Agreement
    match: Match
    under_way: bool
    time: datetime
    full_from: int


def signed(match: Match, command: Command, time: datetime) -> Transaction:
    """Return the event by which the second acceptance makes an agreement of a match."""
    unknown = match.verdict is Verdict.UNKNOWN
    action = Action.AGREE_ON_CONDITION if unknown else Action.AGREE
    state = AGREEMENTS.following(None, action, None)
    agreement = agreement_id(match.id)
    return Transaction(
        id=event_id(agreement, 1),
        programme=match.programme,
        agreement=agreement,
        match=match.id,
        state=str(state),
        revision=1,
        giver=match.giver,
        receiver=match.receiver,
        material=match.material,
        unit=match.unit,
        quantity=match.quantity_per_day,
        actor=command.actor,
        command=command.id,
        programme_time=time,
        side=command.side,
    )


def on_agreement(scene: Scene, command: Command, action: Action) -> Stepped | Refusal:
    """Return what a command on an agreement does; a load or a metered period makes a delivery."""
    agreement = scene.agreement
    most = MOST_DAYS_AT_ONCE * agreement.quantity_per_day
    refusal = _refused(command, action, agreement.revision, most)
    if refusal is not None:
        return refusal
    state = AGREEMENTS.following(agreement.state, action, command.side)
    if state is None:
        return Refusal.NOT_ALLOWED
    if action in {Action.COMPLETE, Action.CANCEL} and scene.under_way:
        return Refusal.DELIVERY_OPEN
    own = replace(
        _event(scene, command, agreement.id, agreement.revision + 1), delivery=None, state=state
    )
    if action in {Action.AMEND, Action.APPROVE, Action.DECLINE}:
        amended = amending(own, agreement, command, action)
        if isinstance(amended, Refusal):
            return amended
        return Stepped((amended,), approved_match(scene.match, amended))
    if action not in STARTING:
        return Stepped((own,))
    first = DELIVERIES.following(None, action, command.side)
    quantity = agreement.quantity_per_day if command.quantity is None else command.quantity
    if action is Action.METER and command.quantity is None:
        return Refusal.QUANTITY_MISSING
    identity = delivery_id(agreement.id, agreement.deliveries + 1)
    load = replace(
        _event(scene, command, identity, 1),
        state=str(first),
        quantity=quantity,
        impact=impact_of(scene.match, quantity) if first in TAKEN else None,
    )
    return Stepped((own, load))


def on_delivery(scene: Scene, delivery: Delivery, command: Command) -> Stepped | Refusal:
    """Return what a command on a delivery does."""
    action = Action(command.action)
    most = max(MOST_DAYS_AT_ONCE * scene.agreement.quantity_per_day, 2 * delivery.sent)
    refusal = _refused(command, action, delivery.revision, most)
    if refusal is not None:
        return refusal
    step = _receipt(scene, delivery, command) if action is Action.RECEIVE else action
    if isinstance(step, Refusal):
        return step
    state = DELIVERIES.following(delivery.state, step, command.side)
    if state is None:
        return Refusal.NOT_ALLOWED
    event = replace(_event(scene, command, delivery.id, delivery.revision + 1), state=state)
    if action in {Action.AMEND, Action.APPROVE, Action.DECLINE}:
        amended = amending(event, delivery, command, action)
        if isinstance(amended, Refusal):
            return amended
        return Stepped((_corrected(scene, delivery, amended),))
    if action is Action.WEIGH and command.quantity is None:
        return Refusal.QUANTITY_MISSING
    if state in TAKEN:
        taken = delivery.sent if command.quantity is None else command.quantity
        return Stepped((replace(event, quantity=taken, impact=impact_of(scene.match, taken)),))
    weighed = {Action.WEIGH, Action.DISPATCH}
    return Stepped((replace(event, quantity=command.quantity if action in weighed else None),))


def _refused(command: Command, action: Action, revision: int, most: int) -> Refusal | None:
    """Return why a command is refused whatever the state is."""
    if command.revision is None:
        return Refusal.REVISION_MISSING
    if command.revision != revision:
        return Refusal.OUTDATED
    if action in NEEDS_REASON and not command.reason:
        return Refusal.REASON_MISSING
    if command.quantity is not None and command.quantity <= 0:
        return Refusal.QUANTITY_INVALID
    if (command.quantity or 0) > most:
        return Refusal.QUANTITY_TOO_LARGE
    return None


def _receipt(scene: Scene, delivery: Delivery, command: Command) -> Action | Refusal:
    """Return whether a receipt is full or in part; weighbridges differ a little."""
    if command.quantity is None:
        return Action.RECEIVE
    share = command.quantity * PER_MILLE
    if share > delivery.sent * (2 * PER_MILLE - scene.full_from):
        return Refusal.QUANTITY_TOO_LARGE
    full = share >= delivery.sent * scene.full_from
    return Action.RECEIVE if full else Action.RECEIVE_IN_PART


def _corrected(scene: Scene, delivery: Delivery, event: Transaction) -> Transaction:
    """Give an approved correction the difference that it makes."""
    if event.corrects is None or event.quantity is None:
        return event
    change = event.quantity - (delivery.taken or 0)
    return replace(event, impact=impact_of(scene.match, change))


def _event(scene: Scene, command: Command, subject: UUID, revision: int) -> Transaction:
    agreement = scene.agreement
    return Transaction(
        id=event_id(subject, revision),
        programme=agreement.programme,
        agreement=agreement.id,
        delivery=subject,
        match=agreement.match,
        state="",
        revision=revision,
        giver=agreement.giver,
        receiver=agreement.receiver,
        material=agreement.material,
        unit=agreement.unit,
        reason=command.reason,
        actor=command.actor,
        command=command.id,
        programme_time=scene.time,
        side=command.side,
    )


def may(subject: Agreement | Delivery, side: Side | None) -> tuple[str, ...]:
    """Return what a side (None: any) may ask for on an agreement or delivery now, sorted."""
    if isinstance(subject, Agreement):
        possible = AGREEMENTS.allowed(subject.state, side)
    else:
        possible = DELIVERIES.allowed(subject.state, side)
    missing: set[str] = set()
    if subject.amendment is None:
        missing |= {Action.APPROVE, Action.DECLINE}
    if isinstance(subject, Delivery) and not subject.taken:
        missing.add(Action.AMEND)
    return tuple(action for action in possible if action not in missing)
