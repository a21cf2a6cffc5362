"""`synergy actors`: the scripted actors, at the store's REST server."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import FrameType
from typing import Any

from cli.orders import MOST
from cli.run_replay import reference_data
from cli.store_client import StoreClient, StoreError
from producers.actors import DECLINED, Contract, Load, Order, Proposal, Seen, perform
from producers.programmes import load_programmes
from runtime.clock import SystemClock
from runtime.logs import Logger, configure, logger
from runtime.settings import load
from schemas.events import MatchState
from synergy.lifecycle import AgreementState, DeliveryState

Document = Mapping[str, Any]


class StoreDesk:
    """The store as the actors use it; implements `producers.actors.Desk`."""

    def __init__(self, store: StoreClient, cast: frozenset[str], log: Logger) -> None:
        self._store = store
        self._cast = cast
        self._log = log

    def seen(self) -> Seen | None:
        """See `producers.actors.Desk.seen`."""
        try:
            return seen_in(
                self._store.get("/api/v1/matches", limit=MOST),
                self._store.get("/api/v1/transactions", limit=MOST),
                self._store.get("/api/v1/funnel"),
                self._cast,
            )
        except StoreError as error:
            self._log.debug("the store does not answer yet", cause=str(error))
            return None

    def send(self, order: Order) -> str | None:
        """See `producers.actors.Desk.send`. What is not answered is looked at again before anything is repeated."""
        body = {
            "action": order.action.value,
            "subject": order.subject,
            "revision": order.revision,
            "side": order.side.value,
            "actor": order.actor,
            "reason": order.reason,
            "quantity": order.quantity,
        }
        try:
            outcome = self._store.post("/api/v1/commands", body)
        except StoreError as error:
            self._log.warning("not sent", cause=str(error))
            return None
        self._log.info(
            order.action.value,
            subject=order.subject,
            actor=order.actor,
            outcome="accepted" if outcome["accepted"] else outcome.get("reason", "none yet"),
        )
        return None if outcome["accepted"] is not False else str(outcome["reason"])


def seen_in(
    matches: Document, transactions: Document, funnel: Document, cast: frozenset[str]
) -> Seen:
    """Return what the actors see in the store's documents: only proposals between plants of the cast."""
    return Seen(
        proposals=tuple(
            Proposal(one["id"], one["revision"], MatchState(one["state"]))
            for one in matches["matches"]
            if {one["giver_id"], one["receiver_id"]} <= cast
        ),
        contracts=tuple(_contract(one) for one in transactions["transactions"]),
        declined=DECLINED in funnel["declined_reasons"],
    )


def _contract(document: Document) -> Contract:
    return Contract(
        document["id"],
        document["revision"],
        AgreementState(document["state"]),
        document["signed_by"] or "",
        tuple(
            Load(one["id"], one["revision"], DeliveryState(one["state"]), one["sent_base"])
            for one in document["deliveries"]
        ),
    )


def run_actors(flags: Mapping[str, object]) -> None:
    """Play the script with the plants of the shipped programmes, until its end or SIGTERM.

    Raises:
        SettingsError: it can't start.
    """
    settings = load(flags).settings
    configure("actors", settings.logs.level, settings.logs.form)
    log = logger(__name__)
    told: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        told.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    programmes = load_programmes(reference_data(settings))
    cast = frozenset(plant.id for programme in programmes for plant in programme.facilities)
    with StoreClient(settings.store.address) as store:
        played = perform(StoreDesk(store, cast, log), SystemClock(), lambda: not told)
    log.info("the script is played" if played else "stopped")
