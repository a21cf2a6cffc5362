"""`synergy match|transaction|alert list` and `show`: what can be acted on, as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from cli.figures import figure
from cli.orders import MOST, SHORT, Document, Form, OrderError, find_transactions, only
from cli.store_client import StoreClient
from cli.tables import aligned
from runtime.settings import load

STANDING = "RAISED,ACKNOWLEDGED,SNOOZED"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "matches": (
        *("id", "state", "revision", "giver", "receiver", "material", "quantity_per_day", "unit"),
        *("verdict", "data_kind"),
    ),
    "transactions": (
        *("id", "state", "revision", "giver", "receiver", "material", "quantity_per_day", "unit"),
        *("deliveries", "data_kind"),
    ),
    "alerts": ("id", "severity", "state", "rule", "subject", "programme_time"),
}


def list_documents(
    flags: Mapping[str, object], name: str, programme: str | None, form: Form
) -> int:
    """Print a list of the store.

    Raises:
        SettingsError, StoreError: it can't be asked.
    """
    query = {} if programme is None else {"programme": programme}
    if name == "alerts":
        query["state"] = STANDING
    with StoreClient(load(flags).settings.store.address) as store:
        found: list[dict[str, Any]] = store.get(f"/api/v1/{name}", limit=MOST, **query)[name]
    if form == "json":
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return 0
    columns = COLUMNS[name]
    rows = [[_cell(one, column) for column in columns] for one in found]
    sys.stdout.writelines(f"{line}\n" for line in aligned(columns, rows))
    return 0


def _cell(document: Document, column: str) -> object:
    value = document[column]
    if column == "id":
        return str(value)[:SHORT]
    return len(document[column]) if column == "deliveries" else value


def show_match(flags: Mapping[str, object], identity: str, form: Form) -> int:
    """Print one open match. Raises SettingsError, StoreError, OrderError."""
    with StoreClient(load(flags).settings.store.address) as store:
        found = only(identity, store.get("/api/v1/matches", limit=MOST)["matches"])
    if form == "json":
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return 0
    shown = {name: found[name] for name in COLUMNS["matches"]} | {
        "firm + interruptible": f"{found['firm_per_day']} + {found['interruptible_per_day']}",
        "distance": f"{figure(found['distance_km'])} km",
        "gain of giver, receiver": f"{figure(found['giver_gain'])}, {figure(found['receiver_gain'])} "
        f"{found['currency']} a day",
        "possible": ", ".join(found["allowed"]),
    }
    sys.stdout.writelines(f"{name:<24} {value}\n" for name, value in shown.items())
    return 0


def show_transaction(flags: Mapping[str, object], identity: str, form: Form) -> int:
    """Print one transaction with its deliveries and events.

    Raises:
        SettingsError, StoreError, OrderError: it can't be asked, or the id fits none or several.
    """
    with StoreClient(load(flags).settings.store.address) as store:
        listed = store.get("/api/v1/transactions", limit=MOST)["transactions"]
        names = {one["id"] for one, _ in find_transactions(identity, listed)}
        if len(names) != 1:
            why = f"{len(names)} transactions have an id that begins like this"
            raise OrderError(identity, why)
        found = store.get(f"/api/v1/transactions/{names.pop()}")
    if form == "json":
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _transaction_lines(found))
    return 0


def _transaction_lines(found: Document) -> Iterator[str]:
    unit = found["unit"]
    yield f"{found['giver']} -> {found['receiver']}: {found['material']} ({found['data_kind']})"
    yield f"agreement {found['id']}  {found['state']}, revision {found['revision']}"
    yield f"{figure(found['quantity_per_day'])} {unit} a day, quality {found['verdict']}"
    impact = found["impact"]
    if impact:
        gains = f"{figure(impact['gain_giver'])} + {figure(impact['gain_receiver'])}"
        yield (
            f"so far {figure(impact['diverted'])} {unit} diverted, {figure(impact['co2e_kg'])} kg CO2e, "
            f"gain {gains} {impact['currency']} of {impact['price_year']}"
        )
    if found["amendment"]:
        amendment = found["amendment"]
        side = amendment["side"].lower()
        yield f"waits for approval: {figure(amendment['quantity'])} {unit} a day, by the {side}"
    yield f"possible: {', '.join(found['allowed']) or 'nothing more'}"
    columns = ("delivery", "state", "revision", "sent", "taken", "possible")
    rows = [
        [one["id"], one["state"], one["revision"], one["sent"], one["taken"], _joined(one)]
        for one in found["deliveries"]
    ]
    if rows:
        yield from ("", *aligned(columns, rows))
    columns = ("time", "about", "state", "quantity", "by", "reason")
    rows = [
        [
            one["programme_time"],
            one["delivery"][:SHORT] if one["delivery"] else "agreement",
            one["state"],
            one["quantity"],
            one["actor"],
            one["reason"],
        ]
        for one in found["events"]
    ]
    yield from ("", *aligned(columns, rows))


def _joined(delivery: Document) -> str:
    return ", ".join(delivery["allowed"])
