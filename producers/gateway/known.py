"""What the gateway has to know to check a reading before it takes it, and who sends."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from schemas.events import Basis, Direction, FacilityFacts


class KnownPlants(Protocol):
    """What the store has seen of the plants."""

    def facility(self, identity: str) -> FacilityFacts | None:
        """Return the facts of an enrolled facility."""
        ...

    def now(self, programme: str) -> datetime:
        """Return the programme's time: its replay's, or the clock's where it is live."""
        ...

    def basis(self, facility: str, material: str, direction: Direction) -> Basis | None:
        """Return the basis in which a series is kept, None before its first reading."""
        ...


class Sender(Protocol):
    """Who sends: a token by its name, and what it may send for."""

    @property
    def name(self) -> str:
        """The name of the token; part of the source of its readings."""
        ...

    def may(self, facility: FacilityFacts) -> bool:
        """Whether it may send readings of this facility."""
        ...
