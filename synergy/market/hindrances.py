"""Collects why series stay without a match: the most telling reasons first, a few per series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.events import Reason
from synergy.market.reasons import Code
from synergy.market.series import Series

MOST: Final = 6

# What a person can do something about comes first.
ORDER: Final = (
    *(Code.STALE, Code.NO_DATA_IN_CHAPTER, Code.FACILITY_UNKNOWN, Code.NOT_OPERATING),
    *(Code.UNIT_DIFFERS, Code.NO_USE_KNOWN, Code.LIMIT_FAILED, Code.TREATMENT_WOULD_HELP),
    *(Code.PERMIT_MISSING,),
    *(Code.TAKEN_BY_OTHERS, Code.BELOW_LOT, Code.DECLINED_BEFORE, Code.TOO_FAR, Code.NO_GAIN),
    *(Code.BLOCKED, Code.NO_PRICE, Code.NO_COUNTERPART),
)


class Hindrances:
    """The reasons noted during one solve, by series."""

    def __init__(self) -> None:
        self._noted: dict[Series, dict[tuple[str, str | None, str | None], Reason]] = {}

    def note(self, series: Series, reason: Reason) -> None:
        """Note a reason; the first of its code, subject and text stays."""
        key = (reason.code, reason.subject, reason.text)
        self._noted.setdefault(series, {}).setdefault(key, reason)

    def of(self, series: Series, code: Code | None = None) -> tuple[Reason, ...]:
        """Return the most telling reasons of a series, of one code or of any, at most `MOST`."""
        noted = self._noted.get(series, {}).values()
        return telling(one for one in noted if code in {None, one.code})


def telling(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons ordered by how telling they are, then by their words; at most `MOST`."""
    rank = {code.value: place for place, code in enumerate(ORDER)}
    ordered = sorted(
        reasons,
        key=lambda item: (rank.get(item.code, len(rank)), item.text or "", item.subject or ""),
    )
    return tuple(ordered[:MOST])
