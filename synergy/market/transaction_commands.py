"""Commands on agreements and deliveries, found in the programme's state."""

from __future__ import annotations

from uuid import UUID

from schemas.events import Command, Match, MatchState, Side, Transaction
from synergy.lifecycle import Action, Refusal
from synergy.lifecycle.agreement_states import OVER
from synergy.lifecycle.steps import Scene, Stepped, may, on_agreement, on_delivery
from synergy.lifecycle.transactions import agreement_after, agreement_id, delivery_after
from synergy.market.policy import Policy
from synergy.market.programme import Programme


def on_transaction(
    programme: Programme, subject: UUID, command: Command, policy: Policy
) -> Stepped | Refusal:
    """Return what a command does to its agreement or delivery, or why it is refused."""
    delivery = programme.deliveries.get(subject)
    agreement = programme.agreements.get(delivery.agreement if delivery is not None else subject)
    match = None if agreement is None else programme.matches.get(agreement.match)
    if agreement is None or match is None:
        return Refusal.UNKNOWN_TRANSACTION
    scene = Scene(
        agreement=agreement,
        match=match,
        under_way=programme.under_way(agreement.id),
        time=programme.head.time or agreement.programme_time,
        full_from=policy.full_from,
    )
    if delivery is not None:
        return on_delivery(scene, delivery, command)
    return on_agreement(scene, command, Action(command.action))


def allowed_on(programme: Programme, subject: UUID, side: Side | None) -> tuple[str, ...]:
    """Return what a side may ask for on an agreement or delivery; nothing on what is neither."""
    found = programme.deliveries.get(subject) or programme.agreements.get(subject)
    return () if found is None else may(found, side)


def allowed_after(programme: Programme, event: Transaction) -> tuple[str, ...]:
    """Return what anybody may ask for once an event of an agreement or delivery is taken in."""
    if event.delivery is not None:
        return may(delivery_after(programme.deliveries.get(event.delivery), event), None)
    return may(agreement_after(programme.agreements.get(event.agreement), event), None)


def holds_flow(programme: Programme, match: Match) -> bool:
    """Whether a match that is not closed still counts: an agreed one does until its agreement is over."""
    if match.state is not MatchState.AGREED:
        return True
    agreement = programme.agreements.get(agreement_id(match.id))
    return agreement is None or agreement.state not in OVER
