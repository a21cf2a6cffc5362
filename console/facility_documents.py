"""`GET /api/v1/facilities/{id}`: everything that one plant wants to see, in English and Chinese.

Its explanations are the facility's view: they name no third facility and none of its prices or quantities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.documents import Documents
from console.facility_health import FacilityHealth
from console.problems import Problem, ProblemError
from console.transactions import Transactions
from console.views import Views
from runtime.clock import Clock
from schemas.events import (
    Alert,
    AlertState,
    Direction,
    FacilityFacts,
    Match,
    Position,
    Reason,
    Unmatched,
)
from schemas.json_form import to_json
from synergy.catalogue import Catalogue
from synergy.industries import isic_classes
from synergy.market.explain import Language, View, Words
from synergy.suggestions import Exchange, Suggestion, suggest

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class FacilityDocuments:
    """Puts the document of a facility together."""

    views: Views
    documents: Documents
    words: Words
    health: FacilityHealth
    clock: Clock

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        return self.words.catalogue

    async def answer(self, request: Request) -> Response:
        """Answer with the document of one facility. Raises ProblemError."""
        name = str(request.path_params["id"])
        facts = self.views.facilities.get(name)
        if facts is None:
            raise ProblemError(
                Problem(
                    status=404,
                    reason="unknown_facility",
                    detail=f"no facility {name!r} is enrolled",
                    field="id",
                    fix="Copy an id from /api/v1/facilities, or enrol it: synergy facilities import.",
                )
            )
        return JSONResponse(await self.document(facts))

    async def document(self, facts: FacilityFacts) -> dict[str, Any]:
        """Return facts, positions, matches, transactions, suggestions and the health of the data."""
        tick = self.views.programmes.get(facts.programme)
        now = _EPOCH + timedelta(microseconds=self.clock.now_us())
        time = now if tick is None else tick.time
        positions = self._positions(facts)
        return {
            **self.documents.facility(facts),
            "industry_names": self._industry(facts.industry),
            "programme_time": _iso(time),
            "programme_mode": "live" if tick is None else "replay",
            "programme_speed": None if tick is None else tick.speed,
            "positions": [self._position(one) for one in positions],
            "matches": [
                self._match(one, facts.facility)
                for one in self.views.open_matches()
                if facts.facility in (one.giver, one.receiver)
            ],
            "unmatched": [
                self._unmatched(one)
                for one in self.views.unmatched.values()
                if (one.programme, one.facility) == (facts.programme, facts.facility)
            ],
            "transactions": self._transactions(facts.facility),
            "alerts": [to_json(one) for one in self._alerts(facts.facility)],
            "suggestions": self._suggestions(facts, positions),
            "data_health": await self.health.document(facts.facility, positions, time),
        }

    def _positions(self, facts: FacilityFacts) -> list[Position]:
        place = (facts.programme, facts.facility)
        found = [one for name, one in self.views.positions.items() if name[:2] == place]
        return sorted(found, key=lambda one: (one.direction.value, one.material), reverse=True)

    def _position(self, position: Position) -> dict[str, Any]:
        shown = self.documents.position(position)
        return {**shown, "material_names": self._material(position.material)}

    def _match(self, match: Match, facility: str) -> dict[str, Any]:
        is_giver = match.giver == facility
        other = match.receiver if is_giver else match.giver
        gains = (match.gain_giver, match.gain_receiver)
        use = self.catalogue.uses.get(match.use)
        return {
            **self.documents.match(match),
            "role": "giver" if is_giver else "receiver",
            "own_gain": float(gains[0] if is_giver else gains[1]),
            "counterpart_id": other,
            "counterpart_names": self._facility(other),
            "material_names": self._material(match.material),
            "need_names": self._material(match.need),
            "use_names": _names(match.use, use),
            **self._why(match.reasons),
        }

    def _unmatched(self, unmatched: Unmatched) -> dict[str, Any]:
        return {
            **self.documents.unmatched(unmatched),
            "material_names": self._material(unmatched.material),
            **self._why(unmatched.reasons),
        }

    def _why(self, reasons: Iterable[Reason]) -> dict[str, list[str]]:
        listed = tuple(reasons)
        known = {one.subject or "": self._facility(one.subject or "") for one in listed}

        def said(language: Language) -> list[str]:
            facilities = {name: names[language] for name, names in known.items()}
            words = replace(self.words, facilities=facilities)
            return list(words.reasons(listed, View.FACILITY, language))

        return {"why": said(Language.EN), "why_zh": said(Language.ZH)}

    def _transactions(self, facility: str) -> list[dict[str, Any]]:
        transactions = Transactions(self.views, self.documents)
        return [
            {
                **transactions.document(one),
                "role": "giver" if one.giver == facility else "receiver",
                "material_names": self._material(one.material),
            }
            for one in transactions.newest_first()
            if facility in (one.giver, one.receiver)
        ]

    def _alerts(self, facility: str) -> list[Alert]:
        """Return the alerts about its series and about its open matches."""
        matches = {
            str(one.id)
            for one in self.views.open_matches()
            if facility in (one.giver, one.receiver)
        }
        return [
            one
            for one in self.views.alerts.values()
            if one.state is not AlertState.CLEARED
            and (one.subject in matches or one.subject.partition("/")[0] == facility)
        ]

    def _suggestions(self, facts: FacilityFacts, positions: Iterable[Position]) -> dict[str, Any]:
        found = suggest(self.catalogue, facts.industry)
        published = {(one.direction, one.material) for one in positions}
        return {
            "industry": found.industry,
            "gives": [
                {
                    **self._suggestion(one, one.use.receivers),
                    "published": (Direction.SUPPLY, one.use.material) in published,
                }
                for one in found.gives
            ],
            "takes": [
                {
                    **self._suggestion(one, one.use.givers),
                    "published": bool(
                        {
                            (Direction.DEMAND, one.use.material),
                            (Direction.DEMAND, one.use.substitutes),
                        }
                        & published
                    ),
                }
                for one in found.takes
            ],
            "recorded_elsewhere": [_exchange(one) for one in found.others],
        }

    def _suggestion(self, suggestion: Suggestion, partners: Iterable[str]) -> dict[str, Any]:
        use = suggestion.use
        return {
            "material": use.material,
            "material_names": self._material(use.material),
            "use": use.id,
            "use_names": _names(use.id, use),
            "substitutes": use.substitutes,
            "substitutes_names": self._material(use.substitutes),
            "partners": [{"isic": one, **self._industry(one)} for one in partners],
            "source": use.source,
            "recorded": len(suggestion.recorded),
            "examples": [_exchange(one) for one in suggestion.recorded[:_EXAMPLES]],
        }

    def _material(self, material: str) -> dict[str, str]:
        return _names(material, self.catalogue.materials.get(material))

    def _industry(self, industry: str) -> dict[str, str]:
        isic = self.catalogue.industry_class(industry)
        known = self.catalogue.industries.get(isic)
        return _names(isic_classes().get(isic, industry), known)

    def _facility(self, facility: str) -> dict[str, str]:
        known = self.views.facilities.get(facility)
        if known is None:
            return {"en": facility, "zh": facility}
        return {"en": known.name, "zh": known.name_zh or known.name}


class _Named(Protocol):
    """An entry of the catalogue."""

    @property
    def name_en(self) -> str: ...
    @property
    def name_zh(self) -> str: ...


def _names(identity: str, entry: _Named | None) -> dict[str, str]:
    """Return both names of an entry, or its id for both."""
    if entry is None:
        return {"en": identity, "zh": identity}
    return {"en": entry.name_en, "zh": entry.name_zh}


def _exchange(exchange: Exchange) -> dict[str, Any]:
    return asdict(exchange)


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def facility_routes(documents: FacilityDocuments) -> Sequence[Route]:
    """Return the route of one facility."""
    return (Route("/api/v1/facilities/{id}", documents.answer),)
