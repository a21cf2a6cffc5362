"""Lost, duplicated, resent: what was published compared with what the ledger holds.

A reading is lost when its source has the broker's acknowledgement and the ledger has no row of its identity. A row is
duplicated when it stands at the Kafka coordinates of another row. A reading is resent when its identity stands at
several coordinates: it is kept, and counted once (`availability_counted`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

Row = Sequence[object]


def query(name: str) -> str:
    """Return the text of a query of `sinks/queries/`."""
    return (files("sinks") / "queries" / f"{name}.sql").read_text(encoding="utf-8")


STREAMS: Final = "streams"
DOUBLED: Final = "doubled"
POSITIONS_DIFFERING: Final = "positions_differing"


@dataclass(frozen=True, slots=True)
class PublishedStream:
    """Readings 1 to `acknowledged` of one source and facility in one epoch were acknowledged by the broker."""

    source: str
    facility: str
    epoch: int
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts of readings; `duplicated` counts rows of every table."""

    published: int
    in_ledger: int
    lost: int
    duplicated: int
    resent: int


def measure(published: Iterable[PublishedStream], streams: Iterable[Row], doubled: int) -> Measured:
    """Compare what sources had acknowledged with the rows of the queries `streams` and `doubled`.

    >>> stream = PublishedStream("meter", "plant", 1, 3)
    >>> measure([stream], [("meter", "plant", 1, 3, 2, 3)], 0)
    Measured(published=3, in_ledger=3, lost=1, duplicated=0, resent=1)
    """
    held: Mapping[tuple[str, str, int], tuple[int, int, int]] = {
        (str(source), str(facility), _whole(epoch)): (
            _whole(rows),
            _whole(identities),
            _whole(last),
        )
        for source, facility, epoch, rows, identities, last in streams
    }
    acknowledged = lost = 0
    for stream in published:
        _, identities, last = held.get((stream.source, stream.facility, stream.epoch), (0, 0, 0))
        # The ledger may already hold readings whose acknowledgement the source has not noted yet.
        beyond = max(0, last - stream.acknowledged)
        acknowledged += stream.acknowledged
        lost += max(0, stream.acknowledged - (identities - min(identities, beyond)))
    rows = sum(one[0] for one in held.values())
    identities = sum(one[1] for one in held.values())
    return Measured(acknowledged, rows, lost, doubled, rows - identities - doubled)


def _whole(value: object) -> int:
    return int(str(value))
