"""Amendments: a signed record changes only by a quantity that the other side approves.

An agreement can be amended to less a day, a completed delivery to another taken quantity. More a day is a new match:
only a solve knows what is free.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from schemas.events import Command, Match, Transaction, ValuePart
from synergy.lifecycle.actions import Action
from synergy.lifecycle.impact import CENT
from synergy.lifecycle.refusals import Refusal
from synergy.lifecycle.transactions import DECLINED, Agreement, Delivery


def amending(
    event: Transaction, subject: Agreement | Delivery, command: Command, action: Action
) -> Transaction | Refusal:
    """Return the event that proposes, approves or declines an amendment of its subject."""
    if command.side is None:
        return Refusal.SIDE_MISSING
    if action is Action.AMEND:
        return _proposed(event, subject, command)
    waiting = subject.amendment
    if waiting is None:
        return Refusal.NOTHING_TO_APPROVE
    if action is Action.DECLINE:
        return replace(event, proposed=DECLINED)
    if waiting.side is command.side:
        return Refusal.OWN_AMENDMENT
    signed = subject.signed if isinstance(subject, Agreement) else subject.answered
    return replace(event, quantity=waiting.quantity, corrects=signed)


def _proposed(
    event: Transaction, subject: Agreement | Delivery, command: Command
) -> Transaction | Refusal:
    if command.quantity is None:
        return Refusal.QUANTITY_MISSING
    most = _most(subject)
    if most is None:
        return Refusal.NOT_ALLOWED
    if command.quantity > most:
        return Refusal.QUANTITY_TOO_LARGE
    return replace(event, proposed=command.quantity)


def _most(subject: Agreement | Delivery) -> int | None:
    """Return the largest quantity that an amendment may propose; None where there is nothing to amend."""
    if isinstance(subject, Agreement):
        return subject.quantity_per_day
    return max(subject.sent, subject.taken) if subject.taken else None


def approved_match(match: Match, event: Transaction) -> Match | None:
    """Return the match at the quantity that an approved amendment gave its agreement, if it did."""
    if event.corrects is None or event.quantity is None:
        return None
    share = Decimal(event.quantity) / Decimal(match.quantity_per_day)

    def amount(value: Decimal) -> Decimal:
        return (value * share).quantize(CENT, ROUND_HALF_EVEN)

    def part(value: ValuePart) -> ValuePart:
        low, base, high = amount(value.low), amount(value.base), amount(value.high)
        return replace(value, low=low, base=base, high=high)

    firm = min(match.firm_per_day, event.quantity)
    return replace(
        match,
        revision=match.revision + 1,
        quantity_per_day=event.quantity,
        firm_per_day=firm,
        interruptible_per_day=event.quantity - firm,
        value=tuple(part(value) for value in match.value),
        gain_giver=amount(match.gain_giver),
        gain_receiver=amount(match.gain_receiver),
        gain_low=amount(match.gain_low),
        gain_high=amount(match.gain_high),
        co2e_kg_per_day=match.co2e_kg_per_day * float(share),
        programme_time=event.programme_time,
    )
