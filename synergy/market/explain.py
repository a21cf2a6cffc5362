"""Puts reasons into words, in English and Chinese, for an operator or for one facility.

A facility's view names no third facility, and none of its prices or quantities: such reasons have a
wording without them or none at all (an empty cell in `words.csv`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType

from schemas.events import Match, Reason, Unmatched
from synergy.catalogue import Catalogue


class Language(StrEnum):
    """The languages of the product."""

    EN = "en"
    ZH = "zh"


class View(StrEnum):
    """Who reads."""

    OPERATOR = "operator"
    FACILITY = "facility"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The templates of one code: `about` says what `subject` names; an empty template hides it."""

    about: str
    templates: Mapping[tuple[View, Language], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything needed to word reasons. `facilities` are names by id, per language as wanted."""

    catalogue: Catalogue
    wordings: Mapping[str, Wording]
    facilities: Mapping[str, str]

    def reason(self, reason: Reason, view: View, language: Language) -> str | None:
        """Return one reason as a sentence, or None when this view does not see it."""
        wording = self.wordings.get(reason.code)
        if wording is None:
            return reason.code if view is View.OPERATOR else None
        template = wording.templates[view, language]
        if not template:
            return None
        return template.format(
            subject=self._name(wording.about, reason.subject or "", language),
            value=number(reason.value),
            limit=number(reason.limit),
            bound=_bound(reason, language),
            unit=reason.unit or "",
            text=self._text(reason.text or "", language),
        )

    def reasons(self, reasons: Iterable[Reason], view: View, language: Language) -> tuple[str, ...]:
        """Return the sentences that a view sees, in order, each once."""
        found = (self.reason(reason, view, language) for reason in reasons)
        return tuple(dict.fromkeys(sentence for sentence in found if sentence))

    def match(self, match: Match, view: View, language: Language) -> tuple[str, ...]:
        """Return why a match is proposed; both views name giver and receiver."""
        return self.reasons(match.reasons, view, language)

    def unmatched(self, statement: Unmatched, view: View, language: Language) -> tuple[str, ...]:
        """Return why a series has no match, in sentences."""
        return self.reasons(statement.reasons, view, language)

    def _name(self, about: str, subject: str, language: Language) -> str:
        if about == "facility":
            return self.facilities.get(subject, subject)
        entries: Mapping[str, Callable[[str], tuple[str, str] | None]] = {
            "material": self._material,
            "property": self._property,
            "treatment": self._treatment,
            "use": self._use,
        }
        find = entries.get(about)
        names = find(subject) if find is not None else None
        return subject if names is None else names[language is Language.ZH]

    def _text(self, text: str, language: Language) -> str:
        names = self._use(text) or self._material(text)
        return text if names is None else names[language is Language.ZH]

    def _material(self, name: str) -> tuple[str, str] | None:
        found = self.catalogue.materials.get(name) or self.catalogue.industries.get(name)
        return None if found is None else (found.name_en, found.name_zh)

    def _property(self, name: str) -> tuple[str, str] | None:
        found = self.catalogue.properties.get(name)
        return None if found is None else (found.name_en, found.name_zh)

    def _treatment(self, name: str) -> tuple[str, str] | None:
        found = self.catalogue.treatments.get(name)
        return None if found is None else (found.name_en, found.name_zh)

    def _use(self, name: str) -> tuple[str, str] | None:
        found = self.catalogue.uses.get(name)
        return None if found is None else (found.name_en, found.name_zh)


def _bound(reason: Reason, language: Language) -> str:
    """Return whether a broken limit is an upper or a lower one: seen from the value beyond it."""
    upper = (reason.value or 0.0) > (reason.limit or 0.0)
    if language is Language.ZH:
        return "不高于" if upper else "不低于"
    return "at most" if upper else "at least"


def number(value: float | None) -> str:
    """Return a number as people write it; nothing for None.

    >>> [number(x) for x in (7.0, 0.25, 12345.678, None)]
    ['7', '0.25', '12,346', '']
    """
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def load_words(catalogue: Catalogue, facilities: Mapping[str, str] | None = None) -> Words:
    """Load the wordings that are shipped; `facilities` are display names by id."""
    text = (files("synergy.market") / "words.csv").read_text(encoding="utf-8")
    return Words(
        catalogue=catalogue,
        wordings=MappingProxyType(
            {row["code"]: _wording(row) for row in csv.DictReader(io.StringIO(text))}
        ),
        facilities=MappingProxyType(dict(facilities or {})),
    )


def _wording(row: Mapping[str, str]) -> Wording:
    return Wording(
        about=row["about"],
        templates=MappingProxyType(
            {
                (view, language): row[f"{view.value}_{language.value}"]
                for view in View
                for language in Language
            }
        ),
    )
