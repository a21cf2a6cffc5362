"""Reads the changelog parts of a programme back."""

from __future__ import annotations

from schemas.events import Alert, FacilityFacts, Match, Unmatched
from synergy.lifecycle.transactions import Agreement, Delivery
from synergy.market.part_keys import names_of
from synergy.market.parts import UnreadablePart, unpack
from synergy.market.programme import Handled, Head, Programme, Remembered
from synergy.market.series import Held, series_of


def load(programme: Programme, key: bytes, part: bytes) -> None:
    """Take one changelog part in.

    Raises:
        UnreadablePart: of another version, of an unknown kind, or damaged.
    """
    kind, _ = names_of(key)
    match kind:
        case "head":
            programme.head = unpack(Head, key, part)
        case "facts":
            facts = unpack(FacilityFacts, key, part)
            programme.facts[facts.facility] = facts
        case "position":
            held = unpack(Held, key, part)
            programme.positions[series_of(held.position)] = held
        case "match":
            match_ = unpack(Match, key, part)
            programme.matches[match_.id] = match_
        case "pair":
            remembered = unpack(Remembered, key, part)
            programme.pairs[remembered.pair] = remembered.memory
        case "unmatched":
            statement = unpack(Unmatched, key, part)
            programme.unmatched[series_of(statement)] = statement
        case "alert":
            alert = unpack(Alert, key, part)
            programme.alerts[alert.id] = alert
        case "agreement":
            agreement = unpack(Agreement, key, part)
            programme.agreements[agreement.id] = agreement
        case "delivery":
            delivery = unpack(Delivery, key, part)
            programme.deliveries[delivery.id] = delivery
        case "handled":
            handled = unpack(Handled, key, part)
            programme.handled[handled.outcome.command] = handled
        case _:
            raise UnreadablePart(key, f"unknown kind {kind!r}")
