"""How far a former state had published: what a rebuilt one counts up to there is no news to anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from runtime.stage import Past

KEY: Final = b"\x00rebuild"


@dataclass(slots=True)
class Rebuild:
    """By input topic, the first offset that the former state had not applied; empty once that is passed."""

    until: dict[str, int] = field(default_factory=dict[str, int])
    saved: bool = False

    @classmethod
    def of(cls, past: Past, topics: Sequence[str]) -> Self:
        """Ask what the group had committed, and how far a rebuild should have come that did not come to its end.

        Such a one has set the group back.
        """
        begun = cls.restore(past.part(KEY)).until
        until: dict[str, int] = {}
        for topic in topics:
            start, end = past.bounds(topic)
            known = begun.get(topic, start)
            reached = max(past.reached(topic), known if known <= end else start)
            if reached > start:
                until[topic] = reached
        return cls(until)

    @classmethod
    def restore(cls, part: bytes | None) -> Self:
        """Read the part back."""
        return cls() if part is None else cls(json.loads(part), saved=True)

    def is_told(self, topic: str, offset: int) -> bool:
        """Whether what follows from a record was published before."""
        return offset < self.until.get(topic, -1)

    def take_part(self, applied: Mapping[str, int]) -> dict[bytes, bytes | None]:
        """Return what the next commit has to write or, once the inputs are passed, to delete."""
        if not self.until:
            return {}
        if all(applied[topic] >= end for topic, end in self.until.items()):
            self.until.clear()
            return {KEY: None} if self.saved else {}
        if self.saved:
            return {}
        self.saved = True
        return {KEY: json.dumps(self.until).encode()}
