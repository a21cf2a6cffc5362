"""What a stage had rejected before its state was begun anew: the input is read again, and this is not said again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from runtime.stage import Past
from schemas.codec import Codec
from schemas.errors import DecodeError
from schemas.events import Rejected
from schemas.topic_files import REJECTED

PREFIX = b"\x00rejected|"
_A_PART = 10_000


@dataclass(slots=True)
class ToldRejections:
    """Offsets by topic. Saved with the first commit, and dropped once the input has passed them."""

    offsets: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    saved: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    @classmethod
    def of(cls, past: Past, codec: Codec, stage: str, topics: Sequence[str]) -> Self:
        """Look what was rejected of the very records that are there now: a topic made anew has others."""
        said: dict[str, dict[int, tuple[bytes | None, int]]] = {topic: {} for topic in topics}
        for record in past.read(REJECTED, *past.bounds(REJECTED)):
            try:
                event = codec.decode(record.value or b"")
            except DecodeError:
                continue
            if isinstance(event, Rejected) and event.stage == stage and event.origin.topic in said:
                said[event.origin.topic][event.origin.offset] = event.value, record.timestamp_ms
        found = cls()
        for topic, known in said.items():
            start, end = past.bounds(topic)
            inside = [offset for offset in known if start <= offset < end]
            for record in past.read(topic, min(inside), max(inside) + 1) if inside else ():
                value, at_ms = known.get(record.offset, (None, -1))
                if record.value == value and record.timestamp_ms <= at_ms:
                    found.offsets.setdefault(topic, set()).add(record.offset)
        return found

    @classmethod
    def restore(cls, parts: Mapping[bytes, bytes]) -> Self:
        """Read the parts back."""
        found = cls(saved=dict(parts))
        for value in parts.values():
            topic, offsets = json.loads(value)
            found.offsets.setdefault(topic, set()).update(offsets)
        return found

    def take_parts(self, applied: Mapping[str, int]) -> dict[bytes, bytes | None]:
        """Return what the next commit has to write or, once every offset was applied, to delete."""
        passed = all(max(known) < applied[topic] for topic, known in self.offsets.items())
        if passed:
            gone: dict[bytes, bytes | None] = dict.fromkeys(self.saved)
            self.offsets, self.saved = {}, {}
            return gone
        if self.saved:
            return {}
        self.saved = dict(self._parts())
        return dict(self.saved)

    def _parts(self) -> Iterable[tuple[bytes, bytes]]:
        for topic, known in self.offsets.items():
            for number, some in enumerate(_chunks(sorted(known))):
                yield PREFIX + f"{topic}|{number}".encode(), json.dumps([topic, some]).encode()

    def has(self, topic: str, offset: int) -> bool:
        """Whether the record was rejected before."""
        return offset in self.offsets.get(topic, ())

    def among(self, topic: str, offsets: Sequence[int]) -> list[int]:
        """Return the places of those records that were rejected before."""
        known = self.offsets.get(topic)
        return [place for place, offset in enumerate(offsets) if offset in known] if known else []


def _chunks(offsets: list[int]) -> Iterable[list[int]]:
    return (offsets[at : at + _A_PART] for at in range(0, len(offsets), _A_PART))
