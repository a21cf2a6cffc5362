"""What is wrong with the data of a facility and how to mend it, in words of both languages.

Pure (gate: import-linter): it takes the programme's time as an argument.
"""

from synergy.health.notes import (
    HealthNote,
    Rejections,
    SourceCount,
    notes_of_position,
    notes_of_rejections,
    notes_of_sources,
    silence,
)

__all__ = [
    "HealthNote",
    "Rejections",
    "SourceCount",
    "notes_of_position",
    "notes_of_rejections",
    "notes_of_sources",
    "silence",
]
