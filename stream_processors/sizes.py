"""How large what a stage writes may be."""

from __future__ import annotations

from runtime.stage import Changes
from schemas.topic_files import REJECTED

MOST_BYTES = 1_000_000
"""The largest event or part, somewhat less than a topic takes. A rejection holds a record that is as large as that."""


class RecordTooLargeError(Exception):
    """No topic would take what follows from the latest records; who wrote them has to shorten their texts and lists."""

    def __init__(self, what: str, size: int) -> None:
        super().__init__(
            f"{what} would have {size:,} bytes, {MOST_BYTES:,} are the most: shorten texts and lists of its readings"
        )


def fitting(changes: Changes) -> Changes:
    """Return the changes. Raises RecordTooLargeError: the task then finds the record that is to blame."""
    for one in changes.outputs:
        size = len(one.value or b"")
        if size > MOST_BYTES and one.tp.topic != REJECTED:
            name = (one.key or b"").decode(errors="replace")
            raise RecordTooLargeError(f"{one.tp.topic} {name}", size)
    for key, part in changes.parts.items():
        if part is not None and len(part) > MOST_BYTES:
            raise RecordTooLargeError(f"changelog part {key!r}", len(part))
    return changes
