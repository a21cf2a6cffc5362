"""Agreements and deliveries as the fold of their events: what a transaction is now.

Their ids are derived, so that whoever folds or replays the same events names the same things: the agreement's from the
match, the delivery's from the agreement and its number, an event's from what it is about and its revision.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from schemas.events import Side, Transaction
from synergy.lifecycle.agreement_states import AgreementState
from synergy.lifecycle.delivery_states import TAKEN, DeliveryState

NAMESPACE: Final = UUID("c2a5d6de-6d43-5c0a-8b8e-0e2f8a8f9d57")
DECLINED: Final = 0
"""The proposed quantity of an event that takes an amendment back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A quantity that one side proposes for a signed record; it counts once the other side approves."""

    quantity: int
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides signed. Quantities are in the base unit; `signed` is the event that set the present one.

    `deliveries` counts the deliveries so far, open or not.
    """

    id: UUID
    programme: str
    match: UUID
    state: AgreementState
    revision: int
    giver: str
    receiver: str
    material: str
    unit: str
    quantity_per_day: int
    deliveries: int = 0
    signed: UUID
    amendment: Amendment | None = None
    programme_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One load or metered period. `sent` is what left the giver, `taken` what the receiver accepted.

    `receipt` is the state in which the receiver answered, `answered` the event that set what was taken.
    """

    id: UUID
    programme: str
    agreement: UUID
    state: DeliveryState
    revision: int
    sent: int
    taken: int | None = None
    receipt: DeliveryState | None = None
    answered: UUID | None = None
    amendment: Amendment | None = None
    programme_time: datetime


def _derived(*parts: object) -> UUID:
    return uuid5(NAMESPACE, json.dumps(parts))


def agreement_id(match: UUID) -> UUID:
    """Return the id of the agreement that a match becomes."""
    return _derived("agreement", match.hex)


def delivery_id(agreement: UUID, number: int) -> UUID:
    """Return the id of the n-th delivery of an agreement; the first is number 1."""
    return _derived("delivery", agreement.hex, number)


def event_id(subject: UUID, revision: int) -> UUID:
    """Return the id of the event that gave an agreement or delivery this revision."""
    return _derived("event", subject.hex, revision)


def agreement_after(known: Agreement | None, event: Transaction) -> Agreement:
    """Return the agreement after one of its own events.

    Raises:
        ValueError: the state is none of an agreement.
    """
    state = AgreementState(event.state)
    if known is None:
        return Agreement(
            id=event.agreement,
            programme=event.programme,
            match=event.match,
            state=state,
            revision=event.revision,
            giver=event.giver,
            receiver=event.receiver,
            material=event.material,
            unit=event.unit,
            quantity_per_day=event.quantity or 0,
            signed=event.id,
            programme_time=event.programme_time,
        )
    return replace(
        known,
        state=state,
        revision=event.revision,
        quantity_per_day=known.quantity_per_day if event.quantity is None else event.quantity,
        signed=known.signed if event.corrects is None else event.id,
        amendment=_amendment(known.amendment, event),
        programme_time=event.programme_time,
    )


def delivery_after(known: Delivery | None, event: Transaction) -> Delivery:
    """Return the delivery after one of its events.

    Raises:
        ValueError: the state is none of a delivery, or the event names no delivery.
    """
    if event.delivery is None:
        msg = f"event {event.id} names no delivery"
        raise ValueError(msg)
    state = DeliveryState(event.state)
    before = known or Delivery(
        id=event.delivery,
        programme=event.programme,
        agreement=event.agreement,
        state=state,
        revision=0,
        sent=event.quantity or 0,
        programme_time=event.programme_time,
    )
    after = replace(
        before,
        state=state,
        revision=event.revision,
        amendment=_amendment(before.amendment, event),
        programme_time=event.programme_time,
    )
    if state in TAKEN or event.corrects is not None:
        receipt = state if state in TAKEN else before.receipt
        return replace(after, taken=event.quantity, receipt=receipt, answered=event.id)
    if state is DeliveryState.REFUSED:
        return replace(after, taken=0, receipt=state, answered=event.id)
    if event.quantity is not None and before.receipt is None:
        return replace(after, sent=event.quantity)
    return after


def _amendment(known: Amendment | None, event: Transaction) -> Amendment | None:
    """Return what waits for approval after an event: the last proposal that was neither approved nor declined."""
    if event.corrects is not None or event.proposed == DECLINED:
        return None
    if event.proposed is None or event.side is None:
        return known
    return Amendment(quantity=event.proposed, side=event.side)
