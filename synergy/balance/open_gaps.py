"""Which gaps are waited for, since when, and what people were told of them.

Pure: no clock, no I/O, no threads (gate: import-linter). A spool that delivers out of order leaves gaps for moments,
so people are told of one that is as old as the rule says; of further changes they are told as late, of its end at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synergy.balance.terms import Gap


@dataclass(frozen=True, slots=True)
class Watched:
    """An identity with gaps. `since_us`: when they became other than what was told, None for as told."""

    since_us: int | None
    told: tuple[Gap, ...]


class OpenGaps:
    """The identities with gaps, by number."""

    __slots__ = ("changed", "watched")

    def __init__(self) -> None:
        self.watched: dict[int, Watched] = {}
        self.changed: set[int] = set()

    def note(self, number: int, gaps: Sequence[Gap], now_us: int) -> tuple[Gap, ...]:
        """Take in what is missing of an identity now; return what was told of it if that is over.

        It is over when nothing is missing any more, or when the facility has another programme or none.
        """
        known = self.watched.get(number)
        told = known.told if known else ()
        over = told if told and (not gaps or gaps[0].programme != told[0].programme) else ()
        if not gaps:
            if self.watched.pop(number, None):
                self.changed.add(number)
        elif known is None or over:
            self._set(number, Watched(now_us, ()))
        elif known.since_us is None and _ranges(gaps) != _ranges(told):
            self._set(number, Watched(now_us, told))
        return over

    def due(self, now_us: int, wait_us: int) -> Iterator[int]:
        """Yield the identities that people have to be told of."""
        for number, watched in self.watched.items():
            since = watched.since_us
            # A clock that was set back makes no gap wait longer than from there.
            if since is not None and not 0 <= now_us - since < wait_us:
                yield number

    def tell(self, number: int, gaps: Sequence[Gap], since_us: int | None = None) -> None:
        """Note what people are told; with a time, they may have been told other things and are told once more."""
        self._set(number, Watched(since_us, tuple(gaps)))

    def _set(self, number: int, watched: Watched) -> None:
        self.watched[number] = watched
        self.changed.add(number)


def _ranges(gaps: Sequence[Gap]) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in gaps]
