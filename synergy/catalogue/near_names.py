"""Names that somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 5
_ALIKE = 0.6


def near(wrong: str, known: Iterable[str]) -> list[str]:
    """Return at most five known names that contain the wrong one, or are spelt like it; best first.

    >>> near("mitchell", ["wv_mitchell", "wv_mountaineer"]), near("flyash", ["fly_ash", "slag"])
    (['wv_mitchell'], ['fly_ash'])
    """
    names = sorted(set(known))
    folded = {name.casefold(): name for name in names}
    asked = wrong.casefold()
    containing = [name for key, name in folded.items() if asked in key]
    alike = [folded[key] for key in get_close_matches(asked, folded, _SHOWN, _ALIKE)]
    return list(dict.fromkeys((*containing, *alike)))[:_SHOWN]
