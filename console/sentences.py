"""Puts the reasons of matches, alerts and unmatched series into sentences, in both languages, for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.views import Views
from schemas.events import Alert, Reason
from synergy.catalogue import Catalogue
from synergy.market import Language, View, Words, load_words

LANGUAGES = (("sentence", Language.EN), ("sentence_zh", Language.ZH))


@dataclass(frozen=True, slots=True)
class Sentences:
    """Words reasons with the names of the facilities that are known."""

    views: Views
    words: Words

    @classmethod
    def of(cls, views: Views, catalogue: Catalogue) -> Sentences:
        """Load the wordings that are shipped."""
        return cls(views, load_words(catalogue))

    def reasons(self, reasons: Sequence[Reason]) -> list[dict[str, str]]:
        """Return the sentences of each reason, the same ones once."""
        found = [self.reason(reason) for reason in reasons]
        return [one for at, one in enumerate(found) if one not in found[:at]]

    def reason(self, reason: Reason) -> dict[str, str]:
        """Return a reason's code, `sentence` and `sentence_zh`."""
        worded = {
            name: replace(self.words, facilities=self._names(reason, language)).reason(
                reason, View.OPERATOR, language
            )
            for name, language in LANGUAGES
        }
        return {"code": reason.code, **{name: text or "" for name, text in worded.items()}}

    def alert(self, alert: Alert) -> list[dict[str, str]]:
        """Return what happened and why; the entry by which the market finds its own alerts tells people nothing."""
        said = [one for at, one in enumerate(alert.reasons) if at == 0 or one.code != alert.rule]
        return self.reasons(said)

    def _names(self, reason: Reason, language: Language) -> dict[str, str]:
        facts = self.views.facilities.get(reason.subject or "")
        if facts is None:
            return {}
        chinese = facts.name_zh if language is Language.ZH else None
        return {facts.facility: chinese or facts.name}
