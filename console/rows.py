"""The short forms of documents, for lists and streams of thousands: what a row shows, and nothing else.

Names come in English, and beside them in Chinese (`_zh`) where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from console.documents import TRADE, traded
from console.sentences import Sentences
from console.views import Views
from schemas.events import Alert, FacilityFacts, Match, Position, Provenance, Unmatched
from schemas.json_form import to_json
from synergy.catalogue import Catalogue

LATEST_DELIVERIES = 6


@dataclass(frozen=True, slots=True)
class Rows:
    """Turns events into rows. Quantities are in trade units a day, money in the match's currency a day."""

    views: Views
    catalogue: Catalogue
    sentences: Sentences

    @classmethod
    def of(cls, views: Views, catalogue: Catalogue) -> Rows:
        """Return rows with the wordings that are shipped."""
        return cls(views, catalogue, Sentences.of(views, catalogue))

    def match(self, match: Match) -> dict[str, Any]:
        """Return the row of a match; its document has the reasons."""
        return {
            **self.parties(match.giver, match.receiver, match.material),
            "id": str(match.id),
            "programme": match.programme,
            "revision": match.revision,
            "state": match.state.value,
            "unit": TRADE[match.unit][1],
            "quantity_per_day": traded(match.quantity_per_day, match.unit),
            "giver_gain": float(match.gain_giver),
            "receiver_gain": float(match.gain_receiver),
            "currency": match.currency,
            "distance_km": round(match.distance_km, 1),
            "verdict": match.verdict.value,
            "data_kind": match.data_kind.value,
        }

    def alert(self, alert: Alert) -> dict[str, Any]:
        """Return an alert with its sentences, and the match or facility that it is about, if that is known."""
        document = to_json(alert)
        match, facility = self._about(alert)
        return {
            **{name: document[name] for name in ("id", "programme", "rule", "severity", "state")},
            **{name: document[name] for name in ("subject", "programme_time", "actor", "until")},
            "reasons": self.sentences.alert(alert),
            "match": None if match is None else str(match.id),
            "data_kind": None if match is None else match.data_kind.value,
            "facility": facility,
        }

    def unmatched(self, unmatched: Unmatched) -> dict[str, Any]:
        """Return why a series has no match, with what it offers or needs."""
        name = unmatched.programme, unmatched.facility, unmatched.material, unmatched.direction
        position = self.views.positions.get(name)
        amounts = {} if position is None else self._amounts(position)
        return {
            "programme": unmatched.programme,
            **self._facility("facility", unmatched.facility),
            **self._material(unmatched.material),
            "direction": unmatched.direction.value,
            **amounts,
            "reasons": self.sentences.reasons(unmatched.reasons),
        }

    def transaction(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a transaction's document with its latest deliveries only."""
        deliveries = document["deliveries"]
        return {
            **document,
            **self.parties(document["giver_id"], document["receiver_id"], document["material_id"]),
            "deliveries": deliveries[-LATEST_DELIVERIES:],
            "delivery_count": len(deliveries),
        }

    def facility(self, facts: FacilityFacts) -> dict[str, Any]:
        """Return where a facility is and whether it is a sample."""
        return {
            "id": facts.facility,
            "programme": facts.programme,
            "park": facts.park,
            "name": facts.name,
            "name_zh": facts.name_zh,
            "latitude": facts.latitude,
            "longitude": facts.longitude,
            "provenance": facts.provenance.value,
        }

    def parties(self, giver: str, receiver: str, material: str) -> dict[str, Any]:
        """Return the names of both sides and of what flows."""
        return {
            **self._facility("giver", giver),
            **self._facility("receiver", receiver),
            **self._material(material),
        }

    def terms(self, match: Match) -> dict[str, Any]:
        """Return the names of a match's use, need, treatment and properties."""
        catalogue = self.catalogue
        treatment = catalogue.treatments.get(match.treatment or "")
        use, need = catalogue.uses.get(match.use), catalogue.materials.get(match.need)
        return {
            "use_name": match.use if use is None else use.name_en,
            "use_name_zh": None if use is None else use.name_zh,
            "need_name": match.need if need is None else need.name_en,
            "need_name_zh": None if need is None else need.name_zh,
            "treatment_name": match.treatment if treatment is None else treatment.name_en,
            "treatment_name_zh": None if treatment is None else treatment.name_zh,
            "properties": {
                margin.property: [known.name_en, known.name_zh]
                for margin in match.margins
                if (known := catalogue.properties.get(margin.property)) is not None
            },
        }

    def _facility(self, side: str, facility: str) -> dict[str, Any]:
        facts = self.views.facilities.get(facility)
        return {
            f"{side}_id": facility,
            side: facts.name if facts else facility,
            f"{side}_zh": facts.name_zh if facts else None,
            f"{side}_sample": facts is not None and facts.provenance is Provenance.SAMPLE,
        }

    def _material(self, material: str) -> dict[str, Any]:
        known = self.catalogue.materials.get(material)
        return {
            "material_id": material,
            "material": known.name_en if known else material,
            "material_zh": known.name_zh if known else None,
        }

    def _amounts(self, position: Position) -> dict[str, Any]:
        return {
            "unit": TRADE[position.unit][1],
            "quantity_24h": traded(position.quantity_24h, position.unit),
            "data_kind": position.data_kind.value,
            "stale": position.stale,
        }

    def _about(self, alert: Alert) -> tuple[Match | None, str | None]:
        """Return the match that an alert's subject names, or the facility."""
        try:
            match = self.views.matches.get(UUID(alert.subject))
        except ValueError:
            match = None
        facility = alert.subject.partition("/")[0]
        return match, facility if facility in self.views.facilities else None
