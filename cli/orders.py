"""`synergy match|transaction|alert ...`: find what a command is about, send it over REST, say the outcome in words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, Protocol
from uuid import UUID

from cli.store_client import StoreClient
from runtime.settings import load
from schemas.unit_table import find_unit, to_base
from synergy.lifecycle import Action, Refusal, agreement_id

Form = Literal["text", "json"]
Document = Mapping[str, Any]
MOST: Final = "10000"
MOST_LOOKS: Final = 5
SHORT: Final = 8
AMOUNT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(\S.*)?")
DURATION: Final = re.compile(r"\s*(\d{1,9})\s*([mhd]?)\s*")
MINUTES: Final[Mapping[str, int]] = {"m": 1, "h": 60, "d": 1_440}
MOST_MINUTES: Final = 525_600
ON_DELIVERY: Final = frozenset(
    {Action.WEIGH, Action.RECEIVE, Action.REFUSE, Action.COMPLETE, Action.DISPATCH}
)


class Commands(Protocol):
    """What of `cli.store_client.StoreClient` an order needs."""

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """Return the document at a path."""
        ...

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send a body; return what it is answered with."""
        ...


class OrderError(Exception):
    """What was typed names nothing, or more than one thing."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text!r}: {why}")
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was typed. `identity` may be the beginning of an id; without a revision the present one is meant.

    `command` is the command's own id, to send it once more.
    """

    action: str
    identity: str
    actor: str
    side: str | None = None
    revision: int | None = None
    reason: str | None = None
    quantity: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a command is about: its id, revision and trade unit; `name` is how people know it."""

    name: str
    id: str
    revision: int | None
    unit: str = "t"


def send_order(flags: Mapping[str, object], order: Order, form: Form) -> int:
    """Send a command and print its outcome; return 0 when it was accepted.

    Raises:
        SettingsError, StoreError, OrderError, UnitError: it can't be sent.
    """
    with StoreClient(load(flags).settings.store.address) as store:
        subject, outcome = answered(store, order)
    if form == "json":
        sys.stdout.write(json.dumps(outcome, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in words_of(order, subject, outcome))
    return 0 if outcome.get("accepted") else 1


def answered(store: Commands, order: Order) -> tuple[Subject, Document]:
    """Send a command; return what it was about and its outcome.

    Without a revision the present one is meant: what has changed on the way is looked at, and answered, again.

    Raises:
        StoreError, OrderError, UnitError: it can't be sent.
    """
    looks = 0
    while True:
        subject = _subject(store, order)
        outcome = store.post("/api/v1/commands", body_of(order, subject))
        looks += 1
        outdated = outcome.get("reason") == Refusal.OUTDATED and order.revision is None
        if not outdated or looks == MOST_LOOKS:
            return subject, outcome


def body_of(order: Order, subject: Subject) -> dict[str, object]:
    """Return the body of a command; what was not typed is left out.

    Raises:
        OrderError, UnitError: the quantity is none.
    """
    revision = subject.revision if order.revision is None else order.revision
    quantity = None if order.quantity is None else base_quantity(order.quantity, subject.unit)
    body = {
        "id": order.command,
        "action": order.action,
        "subject": subject.id,
        "revision": revision,
        "side": order.side,
        "actor": order.actor,
        "reason": order.reason,
        "quantity": quantity,
    }
    return {name: value for name, value in body.items() if value is not None}


def base_quantity(text: str, unit: str) -> int:
    """Return a quantity in base units; without a unit it is in the trade unit.

    Raises:
        OrderError: it begins with no number.
        UnitError: the unit is unknown, or can mean several.

    >>> base_quantity("60", "t"), base_quantity("1.5 kg", "t"), base_quantity("20", "min")
    (60000000, 1500, 20)
    """
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise OrderError(text, "write a quantity like 60, 60t or '60000 kg'")
    written = found[2] or unit
    if written == "min":
        return int(Decimal(found[1]))
    return to_base(Decimal(found[1]), find_unit(written.strip())).amount


def minutes_of(text: str) -> int:
    """Return a duration in minutes, a number alone as what it is. Raises OrderError.

    >>> minutes_of("90"), minutes_of("2h"), minutes_of("3d")
    (90, 120, 4320)
    """
    found = DURATION.fullmatch(text)
    minutes = int(found[1]) * MINUTES[found[2] or "m"] if found else 0
    if not 0 < minutes <= MOST_MINUTES:
        raise OrderError(text, "write a time like 30m, 2h or 3d, at most 365d")
    return minutes


def words_of(order: Order, subject: Subject, outcome: Document) -> Iterator[str]:
    """Yield what became of a command, in sentences."""
    if outcome.get("accepted") is None:
        yield f"Sent, and no outcome is known yet: {outcome.get('outcome', '')}"
        return
    possible = ", ".join(outcome.get("allowed") or ()) or "nothing more"
    if not outcome["accepted"]:
        yield f"Refused ({outcome['reason']}): {outcome['message']}"
        yield f"{subject.name} is at revision {outcome.get('revision') or '?'}. Possible: {possible}."
        return
    changed = str(outcome["subject"])
    name = subject.name if changed == subject.id else f"delivery {changed}"
    revision = f", revision {outcome['revision']}" if outcome.get("revision") else ""
    yield f"Done: {order.action} {name}{revision}."
    if order.action == Action.ACCEPT and not outcome.get("allowed"):
        yield f"Both sides have accepted: this is transaction {agreement_id(UUID(subject.id))}."
    else:
        yield f"Possible next: {possible}."


def _subject(store: Commands, order: Order) -> Subject:
    action = Action(order.action)
    if action in {Action.ACKNOWLEDGE, Action.SNOOZE}:
        alerts = store.get("/api/v1/alerts", limit=MOST)["alerts"]
        found = only(order.identity, alerts)
        return Subject(f"alert {found['rule']} of {found['subject']}", found["id"], None, "min")
    if action in {Action.ACCEPT, Action.WITHDRAW}:
        return match_subject(order.identity, store.get("/api/v1/matches", limit=MOST)["matches"])
    transactions = store.get("/api/v1/transactions", limit=MOST)["transactions"]
    if action is Action.DECLINE and not find_transactions(order.identity, transactions):
        return match_subject(order.identity, store.get("/api/v1/matches", limit=MOST)["matches"])
    return transaction_subject(order, transactions)


def match_subject(identity: str, matches: Sequence[Document]) -> Subject:
    """Return the match whose id begins like this. Raises OrderError."""
    found = only(identity, matches)
    flow = f"{found['material']}, {found['quantity_per_day']:,} {found['unit']} a day"
    name = f"match {found['giver']} -> {found['receiver']}, {flow}"
    return Subject(name, found["id"], found["revision"], found["unit"])


def transaction_subject(order: Order, transactions: Sequence[Document]) -> Subject:
    """Return the agreement or delivery that an order is about.

    An id of an agreement, or of its match, stands for the one delivery on which the action is possible now.

    Raises:
        OrderError: none fits, or more than one.
    """
    found = find_transactions(order.identity, transactions)
    if len(found) != 1:
        raise OrderError(order.identity, _count(found, "transaction", "synergy transaction list"))
    transaction, delivery = found[0]
    unit = transaction["unit"]
    if delivery is None and order.action in ON_DELIVERY:
        ready = [one for one in transaction["deliveries"] if order.action in one["allowed"]]
        if len(ready) > 1:
            ids = ", ".join(one["id"] for one in ready)
            raise OrderError(order.identity, f"name the delivery, one of {ids}")
        delivery = ready[0] if ready else None
    if delivery is not None:
        return Subject(f"delivery {delivery['id']}", delivery["id"], delivery["revision"], unit)
    name = f"agreement {transaction['giver']} -> {transaction['receiver']}"
    return Subject(name, transaction["id"], transaction["revision"], unit)


def find_transactions(
    identity: str, transactions: Iterable[Document]
) -> list[tuple[Document, Document | None]]:
    """Return each transaction whose id, or match's or delivery's id, begins like this, with that delivery."""
    begin = identity.strip().lower()
    found: list[tuple[Document, Document | None]] = []
    for one in transactions:
        if one["id"].startswith(begin) or one["match"].startswith(begin):
            found.append((one, None))
        found += [(one, part) for part in one["deliveries"] if part["id"].startswith(begin)]
    return found if begin else []


def only(identity: str, documents: Iterable[Document]) -> Document:
    """Return the one document whose id begins like this. Raises OrderError."""
    begin = identity.strip().lower()
    found = [one for one in documents if begin and str(one["id"]).startswith(begin)]
    if len(found) != 1:
        raise OrderError(identity, _count(found, "open one", "the list"))
    return found[0]


def _count(found: Sequence[object], what: str, where: str) -> str:
    if found:
        return f"{len(found)} begin like this: write more of the id"
    return f"no {what} has an id that begins like this; {where} shows them"
