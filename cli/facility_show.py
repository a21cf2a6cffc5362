"""`synergy facility show`: the document of one facility, in sections that fit a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

from cli.figures import figure
from cli.orders import SHORT
from cli.store_client import StoreClient
from cli.tables import aligned
from runtime.settings import load

Form = Literal["text", "json"]
Document = Mapping[str, Any]
MOST_SUGGESTIONS = 6


def show_facility(flags: Mapping[str, object], identity: str, form: Form) -> int:
    """Print one facility.

    Raises:
        SettingsError, StoreError: the store can't be asked, or does not know it.
    """
    with StoreClient(load(flags).settings.store.address) as store:
        found = store.get(facility_address(identity))
    if form == "json":
        sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines_of(found))
    return 0


def facility_address(identity: str) -> str:
    """Return the address of a facility's document.

    >>> facility_address("mill 1/2")
    '/api/v1/facilities/mill%201%2F2'
    """
    return f"/api/v1/facilities/{quote(identity, safe='')}"


def lines_of(found: Document) -> Iterator[str]:
    """Yield the sections of a facility; an empty one is left out."""
    yield from _heading(found)
    sections = {
        "positions": positions(found),
        "open matches": _matches(found),
        "without a match": _unmatched(found),
        "transactions": _transactions(found),
        f"data: {found['data_health']['state']}": _health(found),
        "plants like this offer and take": _suggestions(found),
    }
    for title, section in sections.items():
        lines = list(section)
        if lines:
            yield from ("", title, *(f"  {line}" for line in lines))


def _heading(found: Document) -> Iterator[str]:
    chinese = f" ({found['name_zh']})" if found["name_zh"] else ""
    yield f"{found['name']}{chinese}  {found['id']}"
    place = f"{found['latitude']:.3f}, {found['longitude']:.3f} {found['country']}"
    where = ", ".join(one for one in (found["programme"], found["park"]) if one)
    yield f"{found['industry']} {found['industry_names']['en']}; {place}; {where}"
    speed = found["programme_speed"]
    pace = f" (replay, x{speed:,.0f})" if speed else f" ({found['programme_mode']})"
    yield f"time of the programme {_minute(found['programme_time'])}{pace}; {found['provenance']}"


def positions(found: Document) -> Iterator[str]:
    """Return the positions as a table, with who told them: a meter, a plan of the ERP, a person or the replay."""
    columns = (
        *("material", "direction", "24 h", "firm", "interruptible", "plan", "unit/day"),
        *("last reading", "from", "data"),
    )
    rows = [
        [
            one["material"],
            one["direction"].lower(),
            figure(one["quantity_24h"]),
            figure(one["firm_per_day"]),
            figure(one["interruptible_per_day"]),
            figure(one["plan_per_day"]),
            one["unit"],
            _minute(one["as_of"]),
            one["source_kind"].lower(),
            one["data_kind"].lower() + (", STALE" if one["stale"] else ""),
        ]
        for one in found["positions"]
    ]
    return aligned(columns, rows) if rows else iter(())


def _matches(found: Document) -> Iterator[str]:
    columns = (
        *("id", "state", "as", "with", "material", "use", "a day", "unit", "own gain a day"),
        *("km", "quality", "data"),
    )
    rows = [
        [
            one["id"][:SHORT],
            one["state"].lower(),
            one["role"],
            one["counterpart_names"]["en"],
            one["material_id"],
            one["use_names"]["en"],
            one["quantity_per_day"],
            one["unit"],
            f"{figure(one['own_gain'])} {one['currency']}",
            round(one["distance_km"]),
            one["verdict"].lower(),
            one["data_kind"].lower(),
        ]
        for one in found["matches"]
    ]
    return aligned(columns, rows) if rows else iter(())


def _unmatched(found: Document) -> Iterator[str]:
    for one in found["unmatched"]:
        yield f"{one['material']} ({one['direction'].lower()})"
        yield from (f"  {sentence}" for sentence in one["why"])


def _transactions(found: Document) -> Iterator[str]:
    columns = ("id", "state", "as", "with", "material", "a day", "unit", "deliveries")
    rows = [
        [
            one["id"][:SHORT],
            one["state"],
            one["role"],
            one["receiver"] if one["role"] == "giver" else one["giver"],
            one["material_id"],
            one["quantity_per_day"],
            one["unit"],
            len(one["deliveries"]),
        ]
        for one in found["transactions"]
    ]
    return aligned(columns, rows) if rows else iter(())


def _health(found: Document) -> Iterator[str]:
    health = found["data_health"]
    yield from (f"- {note['text']}" for note in health["notes"])
    columns = ("source", "epoch", "readings", "missing", "up to", "received")
    rows = [
        [
            one["source"],
            one["epoch"],
            one["seen"],
            one["missing"],
            "-" if one["newest_period_end"] is None else _minute(one["newest_period_end"]),
            _minute(one["received_at"]),
        ]
        for one in health["sources"] or ()
    ]
    if rows:
        yield from aligned(columns, rows)
    if health["sources"] is None:
        yield "The ledger does not answer: what came from which source is not known now."


def _suggestions(found: Document) -> Iterator[str]:
    suggestions = found["suggestions"]
    for word, name, others in (("offer", "gives", "to"), ("take", "takes", "from")):
        for one in suggestions[name][:MOST_SUGGESTIONS]:
            partners = ", ".join(partner["isic"] for partner in one["partners"])
            yield f"{word} {one['material_names']['en']}: {one['use_names']['en']}, {others} {partners}{_proof(one)}"


def _proof(suggestion: Document) -> str:
    published = " - you do" if suggestion["published"] else ""
    if not suggestion["recorded"]:
        return published
    example = suggestion["examples"][0]
    times = "once" if suggestion["recorded"] == 1 else f"{suggestion['recorded']} times"
    return f"; recorded {times}, as in {example['location']}{published}"


def _minute(time: str) -> str:
    """Return a time as people read it.

    >>> _minute("2024-07-14T03:00:00.123456Z")
    '2024-07-14 03:00 UTC'
    """
    return f"{time[:16].replace('T', ' ')} UTC"
