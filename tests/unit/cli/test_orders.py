"""What is typed becomes a command: ids by their beginning, quantities by their unit, outcomes in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.lifecycle_commands import ON_MATCH, ON_TRANSACTION
from cli.orders import (
    MOST_LOOKS,
    Order,
    OrderError,
    Subject,
    answered,
    base_quantity,
    body_of,
    match_subject,
    transaction_subject,
    words_of,
)
from schemas.unit_table import UnitError
from synergy.lifecycle import ON_MATCH as MATCH_ACTIONS
from synergy.lifecycle import ON_TRANSACTION as TRANSACTION_ACTIONS
from synergy.lifecycle import agreement_id

MATCH = "2a485c83-7701-5cea-99e9-c06cd59d8779"
AGREEMENT = str(agreement_id(UUID(MATCH)))
FIRST, SECOND = "aaaa1111-0000-5000-8000-000000000001", "aaaa2222-0000-5000-8000-000000000002"
ORDER = Order(action="receive", identity=AGREEMENT, actor="ann")


def delivery(identity: str, *allowed: str) -> dict[str, Any]:
    return {"id": identity, "revision": 3, "allowed": list(allowed)}


def transaction(*deliveries: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": AGREEMENT,
        "match": MATCH,
        "revision": 5,
        "unit": "t",
        "giver": "Mitchell",
        "receiver": "Wallboard",
        "deliveries": list(deliveries),
    }


def test_every_action_of_the_core_can_be_typed() -> None:
    assert set(ON_MATCH) == {action.value for action in MATCH_ACTIONS}
    assert set(ON_TRANSACTION) == {action.value for action in TRANSACTION_ACTIONS}
    for group, actions in (("match", ON_MATCH), ("transaction", ON_TRANSACTION)):
        helped = CliRunner().invoke(app, [group, "--help"]).output
        assert all(f"  {action}" in helped for action in (*actions, "list", "show"))


@pytest.mark.parametrize("identity", [AGREEMENT, AGREEMENT[:6], MATCH, MATCH[:5].upper()])
def test_an_agreement_or_its_match_stands_for_the_delivery_that_waits(identity: str) -> None:
    listed = [transaction(delivery(FIRST, "complete"), delivery(SECOND, "receive", "refuse"))]
    found = transaction_subject(replace(ORDER, identity=identity), listed)
    assert (found.id, found.revision) == (SECOND, 3)
    ended = transaction_subject(replace(ORDER, identity=identity, action="cancel"), listed)
    assert (ended.id, ended.revision) == (AGREEMENT, 5)


def test_complete_closes_the_delivery_that_was_received_and_else_ends_the_agreement() -> None:
    order = replace(ORDER, action="complete")
    assert transaction_subject(order, [transaction(delivery(FIRST, "complete"))]).id == FIRST
    assert transaction_subject(order, [transaction(delivery(FIRST, "amend"))]).id == AGREEMENT


def test_two_deliveries_that_wait_have_to_be_named() -> None:
    listed = [transaction(delivery(FIRST, "receive"), delivery(SECOND, "receive"))]
    with pytest.raises(OrderError, match=FIRST):
        transaction_subject(ORDER, listed)
    assert transaction_subject(replace(ORDER, identity="aaaa2"), listed).id == SECOND
    with pytest.raises(OrderError, match="write more of the id"):
        transaction_subject(replace(ORDER, identity="aaaa"), listed)


@pytest.mark.parametrize("identity", ["", " ", "ffff", "%"])
def test_an_id_that_begins_nothing_is_refused(identity: str) -> None:
    with pytest.raises(OrderError, match="begins like this"):
        transaction_subject(replace(ORDER, identity=identity), [transaction()])
    with pytest.raises(OrderError, match="begins like this"):
        match_subject(identity, [{"id": MATCH}])


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("60", "t", 60_000_000),
        ("60t", "t", 60_000_000),
        ("60000 kg", "t", 60_000_000),
        ("22.46 TNE", "t", 22_460_000),
        ("5", "m3", 5_000),
        ("7", "MJ", 7_000),
        ("90", "min", 90),
    ],
)
def test_a_quantity_is_read_with_its_unit(text: str, unit: str, amount: int) -> None:
    assert base_quantity(text, unit) == amount


@pytest.mark.parametrize("text", ["", "t", "-5", "1e3", "five", "1,5 t"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises((OrderError, UnitError)):
        base_quantity(text, "t")


def test_an_ambiguous_ton_is_refused_with_what_it_could_be() -> None:
    with pytest.raises(UnitError, match="STN"):
        base_quantity("5 ton", "t")


def test_what_was_not_typed_is_not_sent() -> None:
    subject = Subject("delivery", FIRST, 3)
    assert body_of(ORDER, subject) == {
        "action": "receive",
        "subject": FIRST,
        "revision": 3,
        "actor": "ann",
    }
    typed = replace(ORDER, revision=2, side="receiver", quantity="60", reason="wet")
    assert body_of(typed, subject) == {
        "action": "receive",
        "subject": FIRST,
        "revision": 2,
        "side": "receiver",
        "actor": "ann",
        "reason": "wet",
        "quantity": 60_000_000,
    }


def said(order: Order, about: Subject, **outcome: Any) -> str:
    return "\n".join(words_of(order, about, outcome))


def test_outcomes_are_said_in_words() -> None:
    subject = Subject("delivery one", FIRST, 3)
    refused = said(
        ORDER,
        subject,
        accepted=False,
        reason="outdated",
        message="It has changed since.",
        revision=4,
        allowed=["receive", "refuse"],
    )
    assert refused.startswith("Refused (outdated): It has changed since.\n")
    assert "revision 4" in refused
    assert "receive, refuse" in refused
    done = said(ORDER, subject, accepted=True, subject=FIRST, revision=4, allowed=["complete"])
    assert done == "Done: receive delivery one, revision 4.\nPossible next: complete."
    assert "no outcome is known" in said(ORDER, subject, accepted=None, outcome="/api/v1/outcomes")


def test_the_second_acceptance_names_the_transaction() -> None:
    order = replace(ORDER, action="accept", identity=MATCH)
    subject = Subject("match", MATCH, 2)
    agreed = said(order, subject, accepted=True, subject=MATCH, revision=3, allowed=[])
    assert AGREEMENT in agreed
    half = said(order, subject, accepted=True, subject=MATCH, revision=2, allowed=["accept"])
    assert AGREEMENT not in half


class ChangingMatch:
    """A store whose one match is revised between each look at it and the next command, so many times."""

    def __init__(self, changes: int) -> None:
        self.changes = changes
        self.revision = 1
        self.sent: list[object] = []

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        del path, parameters
        flow = {
            "giver": "a",
            "receiver": "b",
            "material": "ash",
            "quantity_per_day": 5,
            "unit": "t",
        }
        found = {"id": MATCH, "revision": self.revision, **flow}
        self.revision += len(self.sent) < self.changes
        return {"matches": [found]}

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        del path
        self.sent.append(body["revision"])
        if body["revision"] != self.revision:
            return {"accepted": False, "reason": "outdated", "revision": self.revision}
        return {"accepted": True, "subject": MATCH, "revision": self.revision, "allowed": []}


def test_without_a_revision_what_changed_on_the_way_is_answered_again() -> None:
    order = replace(ORDER, action="accept", identity=MATCH)
    store = ChangingMatch(changes=2)
    _, outcome = answered(store, order)
    assert outcome["accepted"]
    assert store.sent == [1, 2, 3]


def test_a_revision_that_was_named_is_sent_once() -> None:
    store = ChangingMatch(changes=2)
    _, outcome = answered(store, replace(ORDER, action="accept", identity=MATCH, revision=1))
    assert outcome["reason"] == "outdated"
    assert store.sent == [1]


def test_what_never_holds_still_is_refused_at_last() -> None:
    store = ChangingMatch(changes=99)
    _, outcome = answered(store, replace(ORDER, action="accept", identity=MATCH))
    assert outcome["reason"] == "outdated"
    assert len(store.sent) == MOST_LOOKS
