"""The latest records of each thing, as the ledger holds them: what a view starts from when topics are long or cut."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runtime.ledger_database import ReadOnlyDatabase

_PLACE = "(_topic_id, _partition, _offset)"


@dataclass(frozen=True, slots=True)
class Latest:
    """Which rows are the latest: the last of each key, and of these the newest `most`."""

    key: tuple[str, ...]
    most: int


LATEST: Mapping[str, Latest] = {
    "facility_facts": Latest(("programme", "facility"), 100_000),
    "positions": Latest(("programme", "facility", "material", "direction"), 200_000),
    "unmatched": Latest(("programme", "facility", "material", "direction"), 100_000),
    "matches": Latest(("programme", "id", "state"), 20_000),
    "transactions": Latest(("_topic_id", "_partition", "_offset"), 100_000),
    "alerts": Latest(("programme", "id"), 20_000),
    "ticks": Latest(("programme",), 100),
    "outcomes": Latest(("programme", "command"), 5_000),
    "rejected": Latest(("_topic_id", "_partition", "_offset"), 500),
}


def latest_values(database: ReadOnlyDatabase) -> Iterator[bytes]:
    """Yield the framed bytes of the latest records, table by table, each table in append order.

    Keys are read first and values only of the rows that are wanted: a table may have millions.
    """
    for table, latest in LATEST.items():
        place = f"argMax({_PLACE}, (_timestamp, _offset))"
        newest = (
            f"SELECT place FROM (SELECT {place} AS place, max(_timestamp) AS at FROM {table} "  # noqa: S608
            f"GROUP BY {', '.join(latest.key)} ORDER BY at DESC LIMIT {latest.most})"
        )
        found = database.query(
            f"SELECT base64Encode(_value) FROM {table} WHERE {_PLACE} IN ({newest}) "  # noqa: S608
            "ORDER BY _timestamp, _topic_id, _partition, _offset"
        )
        for (value,) in found.rows:
            yield b64decode(str(value))
