"""Reads the changelog parts of programmes back."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from schemas.events import Alert, FacilityFacts, Match, Unmatched
from synergy.lifecycle.transactions import Agreement, Delivery
from synergy.market.part_keys import key_of, names_of, series_names
from synergy.market.parts import UnreadablePart, unpack
from synergy.market.position_parts import Decode, holds_value, unpack_positions
from synergy.market.programme import Handled, Head, Programme, Remembered
from synergy.market.series import Held, series_of


def restored_programmes(
    parts: Iterable[tuple[bytes, bytes]], decode: Decode
) -> Collection[Programme]:
    """Return the programmes that changelog parts tell of, in any order; `decode` reads the positions' values.

    Raises:
        UnreadablePart: of another version, of an unknown kind, or damaged.
    """
    found: dict[str, Programme] = {}
    received: list[tuple[bytes, bytes]] = []
    for key, part in parts:
        kind, name = names_of(key)
        if name not in found:
            found[name] = Programme(name)
        if kind == "position" and holds_value(part):
            received.append((key, part))
        else:
            _load(found[name], kind, key, part)
    for (key, _), held in zip(received, unpack_positions(received, decode), strict=True):
        name, series = held.position.programme, series_of(held.position)
        if key != key_of("position", name, *series_names(series)):
            raise UnreadablePart(key, f"holds the position of {series} in {name}")
        found[name].positions[series] = held
    return found.values()


def _load(programme: Programme, kind: str, key: bytes, part: bytes) -> None:
    match kind:
        case "head":
            programme.head = unpack(Head, key, part)
        case "facts":
            facts = unpack(FacilityFacts, key, part)
            programme.facts[facts.facility] = facts
        case "position":
            held = unpack(Held, key, part)  # of the earlier format
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
