"""Reads and tells the stories. A story is a list of steps: inputs in short form, then what they cause.

Short forms: `{"facts": {...}}`, `{"supply"|"need": [facility, material, tonnes], ...}`, `{"tick": time}`,
`{"command": action, "match": [giver, receiver, use], ...}`. Everything else of an event is match.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from schemas.events import (
    Alert,
    Command,
    DataKind,
    Match,
    Outcome,
    Provenance,
    Side,
    Transaction,
    Unmatched,
)
from synergy.lifecycle import Agreement, Delivery, agreement_id, delivery_id
from synergy.market import Event, Language, View, load_words
from tests.market.plants import CATALOGUE, Market, analysis, facts, need, supply

FOLDER: Final = Path(__file__).parent
NAMES: Final = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c33")
WORDS: Final = load_words(CATALOGUE)

Step = dict[str, Any]


def names() -> list[str]:
    """The stories, by the names of their files."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def told(steps: Sequence[Step]) -> list[Step]:
    """Tell a story: each step with its inputs as they are, and `sees` as they come out now."""
    market = Market()
    result: list[Step] = []
    for step in steps:
        for given in step["given"]:
            _apply(market, given)
        result.append({**step, "sees": [_seen(item) for item in market.solve()]})
    return result


def _apply(market: Market, given: Step) -> None:
    match given:
        case {"facts": [str(name), str(industry), [latitude, longitude]], **rest}:
            market.feed(facts(name, industry, (latitude, longitude), **_facts(rest)))
        case {"supply": [str(name), str(material), tonnes], **rest}:
            market.feed(supply(name, material, float(tonnes), **_position(rest)))
        case {"need": [str(name), str(material), tonnes], **rest}:
            market.feed(need(name, material, float(tonnes), **_position(rest)))
        case {"tick": str(time), **rest}:
            market.tick(datetime.fromisoformat(time), rest.get("chapter"))
        case {"command": str(action), "match": [giver, receiver, use], **rest}:
            found = _match_of(market, giver, receiver, use)
            _send(market, action, found.id, {"revision": found.revision, **rest})
        case {"command": str(action), "agreement": [giver, receiver, use], **rest}:
            subject = agreement_id(_match_of(market, giver, receiver, use).id)
            if "delivery" in rest:
                subject = delivery_id(subject, rest["delivery"])
            state = market.state
            things: list[Agreement | Delivery] = [
                *state.agreements("ohio"),
                *state.deliveries("ohio"),
            ]
            revisions = {one.id: one.revision for one in things}
            _send(
                market,
                action,
                subject,
                {"revision": revisions.get(subject, 1), **rest},
            )
        case _:
            msg = f"no such input: {given}"
            raise ValueError(msg)


def _match_of(market: Market, giver: str, receiver: str, use: str) -> Match:
    found = [
        m
        for m in market.state.matches("ohio")
        if (m.giver, m.receiver, m.use) == (giver, receiver, use)
    ]
    return found[-1]


def _send(market: Market, action: str, subject: UUID, rest: Step) -> None:
    tonnes, at = rest.get("tonnes"), market.at("synergy.commands.v1")
    order = Command(
        id=uuid5(NAMES, str(at.offset)),
        programme="ohio",
        action=action,
        subject=str(subject),
        revision=rest["revision"],
        side=Side(rest["side"]) if "side" in rest else None,
        actor="story",
        reason=rest.get("reason"),
        quantity=None if tonnes is None else round(tonnes * 1_000_000),
        sent_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
    )
    market.state.apply_command(order, at)


def _facts(rest: Step) -> Step:
    changes = dict(rest)
    for name in ("valid_from", "valid_to"):
        if name in changes:
            changes[name] = datetime.fromisoformat(changes[name])
    if "provenance" in changes:
        changes["provenance"] = Provenance(changes["provenance"])
    if "permits" in changes:
        changes["permits"] = tuple(changes["permits"])
    return changes


def _position(rest: Step) -> Step:
    changes = dict(rest)
    if "analysis" in changes:
        changes["properties"] = analysis(**changes.pop("analysis"))
    if "data_kind" in changes:
        changes["data_kind"] = DataKind(changes["data_kind"])
    if "flags" in changes:
        changes["flags"] = tuple(changes["flags"])
    return changes


def _seen(event: Event) -> Step:
    match event:
        case Match():
            return _match(event)
        case Unmatched():
            return {
                "unmatched": f"{event.facility} {event.material} {event.direction}",
                "resolved": event.resolved,
                "why": list(WORDS.unmatched(event, View.OPERATOR, Language.EN)),
            }
        case Outcome():
            return {"outcome": event.reason or "accepted", "allowed": list(event.allowed)}
        case Transaction():
            return _transaction(event)
        case Alert():
            return {"alert": event.rule, "state": event.state.value, "subject": event.subject}


def _transaction(event: Transaction) -> Step:
    impact = event.impact
    return {
        "transaction": f"{event.giver} -> {event.receiver}",
        "about": "agreement" if event.delivery is None else "delivery",
        "state": f"{event.state} {event.revision}",
        "tonnes": None if event.quantity is None else event.quantity / 1e6,
        "proposed": None if event.proposed is None else event.proposed / 1e6,
        "reason": event.reason,
        "corrects": event.corrects is not None,
        "impact": None
        if impact is None
        else f"{impact.diverted / 1e6} t, {impact.co2e_kg} kg CO2e, "
        f"{impact.gain_giver} + {impact.gain_receiver} {impact.currency}",
    }


def _match(match: Match) -> Step:
    return {
        "match": f"{match.giver} -> {match.receiver}: {match.use}",
        "id": str(match.id),
        "state": f"{match.state} {match.revision}",
        "treatment": match.treatment,
        "tonnes_a_day": f"{match.firm_per_day / 1e6:.3f} + {match.interruptible_per_day / 1e6:.3f}",
        "km": match.distance_km,
        "verdict": match.verdict.value,
        "margins": [f"{m.property} {m.value} / {m.relation} {m.limit}" for m in match.margins],
        "value": [
            f"{p.side} {p.name} {p.low} {p.base} {p.high} {p.data_kind}" for p in match.value
        ],
        "gains": [str(match.gain_giver), str(match.gain_receiver)],
        "total_gain": [str(match.gain_low), str(match.gain_high)],
        "price": [str(match.price_low), str(match.price_high), match.currency],
        "co2e_kg_a_day": round(match.co2e_kg_per_day, 3),
        "data_kind": match.data_kind.value,
        "why": list(WORDS.match(match, View.OPERATOR, Language.EN)),
    }
