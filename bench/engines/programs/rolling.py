"""What the engines in Python share: the reading in the bytes of a record, and the rolling sum of a series.

Standard library and fastavro alone: it runs in the environment of every engine. Quantities are in the base unit of the
material, exact integers; a quarter is a quarter-hour, counted from 1970. Readings that cover one quarter are added to
it; the others are not needed here.
"""

from __future__ import annotations

import io
import json
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUARTERS = 96
QUARTER_US = 900_000_000
NEWEST, TOTAL, FIRST = 0, 1, 2
FRAME_BYTES = 5
WANTED = ("quantity", "period_start")

Reader = Callable[[bytes], tuple[int, int] | None]


def arguments() -> dict[str, str]:
    """Return the `name=value` arguments of the programme."""
    return dict(one.split("=", 1) for one in sys.argv[1:])


def reader(schema_file: str, schema_id: str) -> Reader:
    """Return what gives quarter and quantity of a framed reading, and None for any other record.

    The reader's schema has the two fields alone, so that fastavro skips the others instead of making objects of them;
    both are without logical types, so that a time stays a number.
    """
    import fastavro

    text = Path(schema_file).read_text(encoding="utf-8")
    definition = json.loads(text, object_hook=_without_logical_type)
    wanted = [field for field in definition["fields"] if field["name"] in WANTED]
    written, read = (
        fastavro.parse_schema(definition),
        fastavro.parse_schema({**definition, "fields": wanted}),
    )
    frame = b"\0" + int(schema_id).to_bytes(4, "big")

    def quarter_and_quantity(value: bytes) -> tuple[int, int] | None:
        if value[:FRAME_BYTES] != frame:
            return None
        found: Any = fastavro.schemaless_reader(io.BytesIO(value[FRAME_BYTES:]), written, read)
        return found["period_start"] // QUARTER_US, found["quantity"]

    return quarter_and_quantity


def _without_logical_type(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "logicalType"}


def empty(quarter: int) -> array[int]:
    """Return the state of a series without readings: newest quarter, total, and the last 96 quarters as a ring."""
    return array("q", [quarter, 0] + [0] * QUARTERS)


def add(state: array[int], quarter: int, quantity: int) -> None:
    """Count a reading; one that is older than the window counts nowhere.

    >>> state = empty(1000)
    >>> for quarter in range(1000, 1100):
    ...     add(state, quarter, 1)
    >>> add(state, 1003, 5)
    >>> add(state, 1098, 5)
    >>> state[TOTAL]
    101
    """
    newest = state[NEWEST]
    if quarter <= newest - QUARTERS:
        return
    if quarter > newest:
        for passed in range(max(newest, quarter - QUARTERS) + 1, quarter + 1):
            place = FIRST + passed % QUARTERS
            state[TOTAL] -= state[place]
            state[place] = 0
        state[NEWEST] = quarter
    state[FIRST + quarter % QUARTERS] += quantity
    state[TOTAL] += quantity
