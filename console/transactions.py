"""Transactions and the funnel over REST: each agreement with its deliveries, what they did, and what may come next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.documents import TRADE, Documents, traded
from console.lists import only_parameters
from console.problems import Problem, ProblemError
from console.views import Views
from schemas.events import Impact, Transaction
from schemas.json_form import to_json
from synergy.lifecycle import Agreement, Delivery
from synergy.lifecycle.funnel import funnel
from synergy.lifecycle.steps import may
from synergy.lifecycle.transactions import Amendment


class Transactions:
    """Turns agreements into documents: quantities in trade units, with the base unit's beside them."""

    def __init__(self, views: Views, documents: Documents) -> None:
        self.views = views
        self._documents = documents

    def newest_first(self) -> list[Agreement]:
        """Return the agreements, the one that was made last first."""
        return list(reversed(self.views.history.agreements.values()))

    def document(self, agreement: Agreement) -> dict[str, Any]:
        """Return an agreement with its deliveries and totals."""
        unit, history = agreement.unit, self.views.history
        match = self.views.matches.get(agreement.match)
        return {
            "id": str(agreement.id),
            "programme": agreement.programme,
            "match": str(agreement.match),
            "state": agreement.state.value,
            "revision": agreement.revision,
            "giver": self._documents.facility_name(agreement.giver),
            "giver_id": agreement.giver,
            "receiver": self._documents.facility_name(agreement.receiver),
            "receiver_id": agreement.receiver,
            "material": self._documents.material_name(agreement.material),
            "material_id": agreement.material,
            "unit": TRADE[unit][1],
            "base_unit": unit,
            "per_trade_unit": TRADE[unit][0],
            "quantity_per_day": traded(agreement.quantity_per_day, unit),
            "signed_by": self._signed_by(agreement),
            "verdict": None if match is None else match.verdict.value,
            "data_kind": None if match is None else match.data_kind.value,
            "amendment": _amendment(agreement.amendment, unit),
            "allowed": list(may(agreement, None)),
            "impact": _impact(history.impacts.get(agreement.id), unit),
            "programme_time": agreement.programme_time.isoformat().replace("+00:00", "Z"),
            "deliveries": [_delivery(one, unit) for one in history.deliveries_of(agreement.id)],
        }

    def _signed_by(self, agreement: Agreement) -> str | None:
        events = self.views.history.events.get(agreement.id)
        return events[0].actor if events else None

    def with_events(self, identity: UUID) -> dict[str, Any] | None:
        """Return the transaction of an agreement, delivery or match, with its latest events in order."""
        agreement = self.views.history.find(identity)
        if agreement is None:
            return None
        events = self.views.history.events.get(agreement.id, ())
        return {**self.document(agreement), "events": [_event(event) for event in events]}


def _delivery(delivery: Delivery, unit: str) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "state": delivery.state.value,
        "revision": delivery.revision,
        "sent": traded(delivery.sent, unit),
        "sent_base": delivery.sent,
        "taken": None if delivery.taken is None else traded(delivery.taken, unit),
        "receipt": None if delivery.receipt is None else delivery.receipt.value,
        "amendment": _amendment(delivery.amendment, unit),
        "allowed": list(may(delivery, None)),
        "programme_time": delivery.programme_time.isoformat().replace("+00:00", "Z"),
    }


def _amendment(amendment: Amendment | None, unit: str) -> dict[str, Any] | None:
    if amendment is None:
        return None
    return {"quantity": traded(amendment.quantity, unit), "side": amendment.side.value}


def _impact(impact: Impact | None, unit: str) -> dict[str, Any] | None:
    if impact is None:
        return None
    return {
        "diverted": traded(impact.diverted, unit),
        "unit": TRADE[unit][1],
        "co2e_kg": impact.co2e_kg,
        "gain_giver": float(impact.gain_giver),
        "gain_receiver": float(impact.gain_receiver),
        "currency": impact.currency,
        "price_year": impact.price_year,
        "data_kind": impact.data_kind.value,
    }


def _event(event: Transaction) -> dict[str, Any]:
    shown = {} if event.quantity is None else {"quantity": traded(event.quantity, event.unit)}
    proposed = {} if not event.proposed else {"proposed": traded(event.proposed, event.unit)}
    impact = _impact(event.impact, event.unit)
    return {**to_json(event), **shown, **proposed, "unit": TRADE[event.unit][1], "impact": impact}


def transaction_routes(transactions: Transactions) -> Sequence[Route]:
    """Return the routes of one transaction and of the funnel."""

    async def one(request: Request) -> Response:
        text = str(request.path_params["id"])
        found = transactions.with_events(_identity(text))
        if found is None:
            raise _no_transaction(404, f"no agreement, delivery or match that became one is {text}")
        return JSONResponse(found)

    async def counts(request: Request) -> Response:
        only_parameters(request.query_params, ("programme",))
        views, programme = transactions.views, request.query_params.get("programme")
        return JSONResponse(asdict(funnel(views.history, views.positions.values(), programme)))

    return (Route("/api/v1/transactions/{id}", one), Route("/api/v1/funnel", counts))


def _identity(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise _no_transaction(400, f"{text!r} is no id") from error


def _no_transaction(status: int, detail: str) -> ProblemError:
    return ProblemError(
        Problem(
            status=status,
            reason="no_transaction",
            detail=detail,
            field="id",
            fix="Copy an id from /api/v1/transactions.",
        )
    )
