"""The JSON that the REST server answers with: quantities per day in trade units, money as numbers with a currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.views import Views
from schemas.events import FacilityFacts, Match, Position, Rejected, Tick, Unmatched
from schemas.json_form import to_json
from synergy.catalogue import Catalogue
from synergy.lifecycle import MATCHES

# Base units in one trade unit, and its name.
TRADE: Mapping[str, tuple[int, str]] = {
    "GRM": (1_000_000, "t"),
    "LTR": (1_000, "m3"),
    "KJO": (1_000, "MJ"),
}


def traded(quantity: int, unit: str) -> float:
    """Return a quantity of base units in trade units, to three decimals."""
    return round(quantity / TRADE[unit][0], 3)


class Documents:
    """Turns events into documents; names come from the facilities that are known and from the catalogue."""

    def __init__(self, views: Views, catalogue: Catalogue) -> None:
        self._views = views
        self.catalogue = catalogue

    def facility_name(self, facility: str) -> str:
        """Return the name of a facility; a sample says so."""
        known = self._views.facilities.get(facility)
        return known.name if known else facility

    def material_name(self, material: str) -> str:
        """Return the English name of a material."""
        known = self.catalogue.materials.get(material)
        return known.name_en if known else material

    def match(self, match: Match) -> dict[str, Any]:
        """Return a match with names, trade units and every part of its reasons."""
        unit = TRADE[match.unit][1]
        named = {
            "giver": self.facility_name(match.giver),
            "receiver": self.facility_name(match.receiver),
            "material": self.material_name(match.material),
            "quantity_per_day": traded(match.quantity_per_day, match.unit),
            "firm_per_day": traded(match.firm_per_day, match.unit),
            "interruptible_per_day": traded(match.interruptible_per_day, match.unit),
            "unit": unit,
            "giver_gain": float(match.gain_giver),
            "receiver_gain": float(match.gain_receiver),
            "allowed": list(MATCHES.allowed(match.state, None)),
        }
        ids = {
            "giver_id": match.giver,
            "receiver_id": match.receiver,
            "material_id": match.material,
        }
        return {**to_json(match), **named, **ids}

    def position(self, position: Position) -> dict[str, Any]:
        """Return a position in trade units."""
        names = ("quantity_24h", "firm_per_day", "interruptible_per_day", "stock", "plan_per_day")
        amounts = {
            name: None
            if (found := getattr(position, name)) is None
            else traded(found, position.unit)
            for name in names
        }
        return {
            **to_json(position),
            **amounts,
            "unit": TRADE[position.unit][1],
            "facility_name": self.facility_name(position.facility),
            "material_name": self.material_name(position.material),
        }

    def facility(self, facts: FacilityFacts) -> dict[str, Any]:
        """Return the facts of a facility."""
        return {**to_json(facts), "id": facts.facility}

    def unmatched(self, unmatched: Unmatched) -> dict[str, Any]:
        """Return why a series has no match."""
        names = {
            "facility_name": self.facility_name(unmatched.facility),
            "material_name": self.material_name(unmatched.material),
        }
        return {**to_json(unmatched), **names}

    def rejected(self, rejected: Rejected) -> dict[str, Any]:
        """Return a rejection; bytes in base64, the first of them: `synergy rejected show` has all."""
        return to_json(rejected)

    def programme(self, tick: Tick) -> dict[str, Any]:
        """Return a programme's own time; what its positions are is the least certain kind among them."""
        kinds = {
            p.data_kind.value
            for p in self._views.positions.values()
            if p.programme == tick.programme
        }
        order = ("SIMULATED", "ASSUMED", "ESTIMATED", "MEASURED")
        ended = tick.state.value == "ENDED"
        return {
            "programme": tick.programme,
            "time": to_json(tick)["time"],
            "speed": None if ended else tick.speed,
            "chapter": tick.chapter or "",
            "data_kind": next((kind for kind in order if kind in kinds), ""),
            "note": "replay ended" if ended else "",
        }
