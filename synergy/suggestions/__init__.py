"""What plants of an industry offer and take: from the catalogue's uses and from exchanges that were recorded.

Pure (gate: import-linter): it reads its packaged file once and has no clock.
"""

from synergy.suggestions.exchanges import Exchange, recorded_exchanges
from synergy.suggestions.suggest import Suggestion, SuggestionsOfIndustry, suggest

__all__ = [
    "Exchange",
    "Suggestion",
    "SuggestionsOfIndustry",
    "recorded_exchanges",
    "suggest",
]
