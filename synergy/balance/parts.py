"""The changelog parts of one partition: what of the state is saved under which key.

Pure: no clock, no I/O, no threads (gate: import-linter). The first byte of every value is the format version. Keys are
a letter for the kind and little-endian numbers. The head of a series holds what most readings change: its row, what was
told of it, its newest six hours and its newest day, and its name, so that a reading in order changes one part only. The
rest of each ring is one part more, saved when six hours or a day are over, and again only when a late reading changes
it. Such a part says where it ends: what has left the ring is passed over on reading back and needs no deletion.

    n number             text               c programme        time of a replay
    f number             facility           i number           identity
    h number             head of a series   d number           told flags and analyses
    q number             quarter-hours      w number           days
    l number, document   plan line          a number           analyses
    g number             flags              o number           end of the last lost gap of an identity
    m number             open gaps, and what was told of them
    p number             sums behind the means of properties
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime

import numpy as np
import numpy.typing as npt

from schemas.events import FacilityFacts
from synergy.balance.facilities import Entry
from synergy.balance.series import NAME, SERIES
from synergy.balance.state import PartitionState
from synergy.balance.terms import VERSION, Int64s, microseconds
from synergy.balance.told import TOLD
from synergy.balance.windows import GROUP, SAVED_DAYS, SAVED_QUARTERS, Buckets

LETTERS = "nfqlgcihwdaomp"
NUMBERED = "nfhi"
"""Kinds that are numbered from 0 without a hole."""
BINARY = "qhw"
"""Kinds whose parts are all rows of one layout."""

HEAD = np.dtype(
    [
        ("series", SERIES),
        ("name", NAME),
        ("told", TOLD),
        ("quarter", "<i8"),
        ("first_start", "<i8"),
        ("day_bits", "<i8"),
        ("today", "<i8"),
        ("group", "<i8", (GROUP,)),
    ]
)
QUARTERS = np.dtype(
    [("version", "u1"), ("spare", "u1", (3,)), ("end", "<i4"), ("values", "<i8", (SAVED_QUARTERS,))]
)
DAYS = np.dtype(
    [("version", "u1"), ("spare", "u1", (3,)), ("end", "<i4"), ("values", "<i8", (SAVED_DAYS,))]
)
FACILITY = np.dtype(
    [
        ("version", "u1"),
        ("facts", "<u4"),
        ("programme", "<u4"),
        ("id_bytes", "<u4"),
        ("all_bytes", "<u4"),
    ]
)
"""Head of a facility's part, before its id and its document; opening reads no document.

`facts` tells which facts that has (`facts_known`; 0 after the facility was dropped), `programme` is the number of a
text.
"""
KEY = np.dtype([("letter", "u1"), ("number", "<u4")])


def key(letter: str, number: int, tail: str = "") -> bytes:
    """Return the key of one part."""
    return struct.pack("<cI", letter.encode(), number) + tail.encode()


def take_parts(state: PartitionState) -> dict[bytes, bytes | None]:
    """Return the parts that changed since the last call; None deletes a part."""
    parts: dict[bytes, bytes | None] = {}
    _take_series(state, parts)
    _take_rare(state, parts)
    _take_details(state, parts)
    _take_identities(state, parts)
    _take_facilities(state, parts)
    for programme in sorted(state.times.changed):
        parts[b"c" + programme.encode()] = _document(asdict(state.times.replays[programme]))
    state.times.changed.clear()
    for number, text in state.texts.take_new().items():
        parts[key("n", number)] = bytes([VERSION]) + text.encode()
    return parts


def _take_series(state: PartitionState, parts: dict[bytes, bytes | None]) -> None:
    series, told = state.series, state.told
    changed = np.flatnonzero(series.unsaved[: series.size] | told.changed[: series.size])
    if not changed.size:
        return
    series.unsaved[changed] = told.changed[changed] = False
    _put(parts, "h", changed, _heads(state, changed))
    _put_buckets(parts, "q", state.windows.take_quarters(changed), QUARTERS)
    _put_buckets(parts, "w", state.windows.take_days(changed), DAYS)


def _heads(state: PartitionState, series: Int64s) -> npt.NDArray[np.void]:
    windows = state.windows
    heads = np.zeros(len(series), HEAD)
    heads["series"] = state.series.rows[series]
    heads["name"]["material"] = _material_texts(state, series)
    heads["name"]["facility"] = state.series.facility[series]
    heads["name"]["direction"] = state.series.direction[series]
    heads["told"] = state.told.rows[series]
    heads["quarter"] = windows.latest[series]
    heads["first_start"] = windows.first_start[series]
    heads["day_bits"] = windows.day_bits[series]
    heads["group"], heads["today"] = windows.newest(series)
    return heads


def _material_texts(state: PartitionState, series: Int64s) -> Int64s:
    """Return the text number of the material of each series."""
    material = state.series.material[series]
    texts = np.zeros(len(state.materials), np.int64)
    used: list[int] = np.unique(material).tolist()
    for number in used:
        texts[number] = state.texts.number(state.materials[number])
    return texts[material]


def _take_rare(state: PartitionState, parts: dict[bytes, bytes | None]) -> None:
    """Take the parts of series that carry flags, analyses or plan lines."""
    for number in sorted(state.flags.changed):
        parts[key("g", number)] = _document(state.flags.saved(number))
    state.flags.changed.clear()
    for number in sorted(state.analyses.changed):
        saved = [asdict(analysis) for analysis in state.analyses.saved(number)]
        parts[key("a", number)] = _document(saved)
    state.analyses.changed.clear()
    for number in sorted(state.means.changed):
        parts[key("p", number)] = _document(state.means.saved(number))
    state.means.changed.clear()
    for number, document in sorted(state.plans.changed):
        line = state.plans.line(number, document)
        parts[key("l", number, document)] = None if line is None else _document(asdict(line))
    state.plans.changed.clear()


def _take_details(state: PartitionState, parts: dict[bytes, bytes | None]) -> None:
    for number in sorted(state.told.changed_details):
        parts[key("d", number)] = _document(asdict(state.told.details[number]))
    state.told.changed_details.clear()


def _take_facilities(state: PartitionState, parts: dict[bytes, bytes | None]) -> None:
    facilities = state.facilities
    for number in sorted(facilities.changed):
        programme = facilities.programmes[int(facilities.programme[number])]
        text = state.texts.number(programme)
        parts[key("f", number)] = _facility(facilities.entry(number), text)
    facilities.changed.clear()


def facts_known(names: Iterable[str]) -> int:
    """Return a number that tells which facts a document has; never 0."""
    return zlib.crc32(",".join(sorted(names)).encode()) | 1


_OUR_FACTS = facts_known(one.name for one in fields(FacilityFacts))


def _facility(entry: Entry, programme: int) -> bytes:
    name = entry.id.encode()
    document = json.dumps(asdict(entry), default=_plain, separators=(",", ":")).encode()
    head = np.zeros(1, FACILITY)
    head["version"] = VERSION
    head["facts"] = 0 if entry.facts is None else _OUR_FACTS
    head["programme"] = programme
    head["id_bytes"] = len(name)
    head["all_bytes"] = FACILITY.itemsize + len(name) + len(document)
    return head.tobytes() + name + document


def _take_identities(state: PartitionState, parts: dict[bytes, bytes | None]) -> None:
    for number in sorted(state.identities.changed_ends):
        parts[key("o", number)] = _document(state.identities.lost_to[number])
    state.identities.changed_ends.clear()
    for number in sorted(state.open_gaps.changed):
        watched = state.open_gaps.watched.get(number)
        parts[key("m", number)] = None if watched is None else _document(asdict(watched))
    state.open_gaps.changed.clear()
    changed = state.identities.take_changed()
    if not changed:
        return
    numbers = np.array([number for number, _ in changed])
    _put(parts, "i", numbers, state.identities.table[numbers])
    for number, ranges in changed:
        if ranges:
            flat = [edge for pair in ranges for edge in pair]
            name = key("i", number)
            parts[name] = (parts[name] or b"") + struct.pack(f"<{len(flat)}q", *flat)


def _put(
    parts: dict[bytes, bytes | None], letter: str, numbers: Int64s, rows: npt.NDArray[np.void]
) -> None:
    keys = np.zeros(len(numbers), KEY)
    keys["letter"] = ord(letter)
    keys["number"] = numbers
    parts.update(zip(_records(keys), _records(rows), strict=True))


def _put_buckets(
    parts: dict[bytes, bytes | None], letter: str, buckets: Buckets, layout: np.dtype[np.void]
) -> None:
    rows = np.zeros(len(buckets.row), layout)
    rows["version"] = VERSION
    rows["end"] = buckets.end
    rows["values"] = buckets.values
    _put(parts, letter, buckets.row, rows)


def _records(rows: npt.NDArray[np.void]) -> list[bytes]:
    records: list[bytes] = np.ascontiguousarray(rows).view(f"V{rows.dtype.itemsize}").tolist()
    return records


def _document(value: object) -> bytes:
    return bytes([VERSION]) + json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return microseconds(value)
    message = f"{type(value).__name__} can't be saved"
    raise TypeError(message)
