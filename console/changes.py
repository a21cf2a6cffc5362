"""What changed in the views, in order: the last few thousand changes, for streams that resume where they were."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.events import Event

KEPT = 4_000


class ResumeGoneError(Exception):
    """The place to resume from is no longer kept, or belongs to another run of the store."""


@dataclass(frozen=True, slots=True)
class Change:
    """One event that changed a view, numbered from 1."""

    number: int
    event: Event


@dataclass(slots=True)
class Changes:
    """Numbers changes. `session` differs at every start of the store. The event loop's thread owns it."""

    session: str
    closed: bool = False
    _kept: deque[Change] = field(default_factory=lambda: deque[Change](maxlen=KEPT))
    _last: int = 0
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def last(self) -> int:
        """Number of the latest change, 0 before the first."""
        return self._last

    def note(self, event: Event) -> None:
        """Keep a change; `wake` lets streams see it."""
        self._last += 1
        self._kept.append(Change(self._last, event))

    def wake(self) -> None:
        """Wake every stream."""
        self._arrived.set()
        self._arrived = asyncio.Event()

    def close(self) -> None:
        """End every stream."""
        self.closed = True
        self.wake()

    def since(self, number: int) -> Sequence[Change]:
        """Return the changes after this number. Raises ResumeGoneError when some of them are gone."""
        if number > self._last or (self._kept and number < self._kept[0].number - 1):
            raise ResumeGoneError
        if not self._kept or number == self._last:
            return ()
        skip = number - self._kept[0].number + 1
        return [self._kept[index] for index in range(skip, len(self._kept))]

    async def wait(self, seconds: float) -> None:
        """Wait until something changes, at most so long."""
        arrived = self._arrived
        try:
            await asyncio.wait_for(arrived.wait(), seconds)
        except TimeoutError:
            return

    def name(self, number: int) -> str:
        """Return the id by which a client resumes after this change.

        >>> Changes("a1").name(7)
        'a1-7'
        """
        return f"{self.session}-{number}"

    def number(self, name: str) -> int:
        """Return the number in such an id. Raises ResumeGoneError when it is of another run."""
        session, _, number = name.rpartition("-")
        if session != self.session or not number.isdecimal():
            raise ResumeGoneError
        return int(number)
