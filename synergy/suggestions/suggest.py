"""Plants like yours offer and take: the uses of the catalogue with the recorded exchanges that bear them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from synergy.catalogue import Catalogue, Use
from synergy.suggestions.exchanges import Exchange, recorded_exchanges


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One use that a plant could serve or have. `recorded` are exchanges of the material with such receivers."""

    use: Use
    recorded: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionsOfIndustry:
    """What plants of an ISIC class give and take, what was recorded most first.

    `others` are recorded exchanges of such plants in materials that the catalogue does not have.
    """

    industry: str
    gives: tuple[Suggestion, ...]
    takes: tuple[Suggestion, ...]
    others: tuple[Exchange, ...]


def suggest(catalogue: Catalogue, industry: str) -> SuggestionsOfIndustry:
    """Return the suggestions for an industry (ISIC class or NACE alias)."""
    uses = catalogue.suggestions_for(industry)
    recorded = recorded_exchanges()
    return SuggestionsOfIndustry(
        industry=uses.industry,
        gives=_suggestions(uses.gives, recorded),
        takes=_suggestions(uses.takes, recorded),
        others=tuple(
            one
            for one in recorded
            if one.material is None and uses.industry in (*one.giver_isic, *one.receiver_isic)
        ),
    )


def _suggestions(uses: Iterable[Use], recorded: Iterable[Exchange]) -> tuple[Suggestion, ...]:
    found = [
        Suggestion(
            use=use,
            recorded=tuple(
                one
                for one in recorded
                if one.material == use.material and set(one.receiver_isic) & set(use.receivers)
            ),
        )
        for use in uses
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.recorded), one.use.id)))
