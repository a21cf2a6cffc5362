"""Reading the changelog parts of one partition back: the counterpart of `parts`.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.events import FacilityFacts, Provenance
from synergy.balance.analyses import Analysis
from synergy.balance.errors import PartError
from synergy.balance.facilities import Entry, Saved
from synergy.balance.identities import IDENTITY, Ranges
from synergy.balance.means import Mean
from synergy.balance.open_gaps import Watched
from synergy.balance.parts import (
    BINARY,
    DAYS,
    FACILITY,
    HEAD,
    KEY,
    LETTERS,
    NUMBERED,
    QUARTERS,
)
from synergy.balance.parts import key as part_key
from synergy.balance.plans import PlanLine
from synergy.balance.programmes import ReplayTime
from synergy.balance.state import PartitionState
from synergy.balance.terms import VERSION, Gap, Int64s, moment
from synergy.balance.told import Details
from synergy.balance.windows import Buckets

_VERSION = bytes([VERSION])
_FACTS = {one.name for one in fields(FacilityFacts)}
_NEEDED_FACTS = {one.name for one in fields(FacilityFacts) if one.default is MISSING}


@dataclass(slots=True)
class _Kind:
    """All parts of one letter."""

    keys: list[bytes] = field(default_factory=list[bytes])
    values: list[bytes] = field(default_factory=list[bytes])

    def documents(self) -> Iterator[tuple[int, str, Any]]:
        """Yield number, rest of the key and content of every JSON part, in the order of the numbers."""
        parts = self.ordered()
        for (key, _), content in zip(parts, _contents(parts), strict=True):
            yield _number(key), key[KEY.itemsize :].decode(), content

    def ordered(self) -> list[tuple[bytes, bytes]]:
        """Return key and value of each part in the order of the numbers."""
        return sorted(zip(self.keys, self.values, strict=True), key=lambda part: _number(part[0]))

    def check_versions(self) -> None:
        """Raise PartError for the first part of another format version."""
        for key, value in zip(self.keys, self.values, strict=True):
            if value[:1] != _VERSION:
                raise _foreign(key)

    def numbers(self) -> Int64s:
        """Return the number of each part. Raises PartError for a key of another layout."""
        if not set(map(len, self.keys)) <= {KEY.itemsize}:
            odd = next(key for key in self.keys if len(key) != KEY.itemsize)
            raise PartError(odd, "the key has another length")
        return np.frombuffer(b"".join(self.keys), KEY)["number"].astype(np.int64)


def _contents(parts: list[tuple[bytes, bytes]]) -> list[Any]:
    """Read the documents, all at once: one by one takes three times as long. A damaged one is told by its key."""
    with suppress(ValueError):
        read: list[Any] = json.loads(b"[" + b",".join(value[1:] for _, value in parts) + b"]")
        if len(read) == len(parts):
            return read
    return [_content(key, value) for key, value in parts]


def _content(key: bytes, value: bytes) -> object:
    try:
        return json.loads(value[1:])
    except ValueError as error:
        raise PartError(key, str(error)) from error


def _number(key: bytes) -> int:
    return int.from_bytes(key[1:5], "little")


def sort_parts(parts: Mapping[bytes, bytes]) -> Mapping[str, _Kind]:
    """Sort parts by letter. Raises PartError for one of another format version, or one that is missing."""
    keys, values = list(parts), list(parts.values())
    if not all(keys):
        raise _foreign(b"")
    letters = np.frombuffer(bytes(map(itemgetter(0), keys)), np.uint8)
    unknown = np.flatnonzero(~np.isin(letters, np.frombuffer(LETTERS.encode(), np.uint8)))
    if unknown.size:
        raise _foreign(keys[int(unknown[0])])
    kinds = {letter: _chosen(keys, values, letters == ord(letter)) for letter in LETTERS}
    # Versions of binary parts are looked at where they are read by column.
    for letter in set(LETTERS) - set(BINARY):
        kinds[letter].check_versions()
    for letter in NUMBERED:
        numbers = np.sort(kinds[letter].numbers())
        holes = np.flatnonzero(numbers != np.arange(len(numbers)))
        if holes.size:
            raise PartError(part_key(letter, int(holes[0])), "missing")
    return kinds


def _chosen(keys: list[bytes], values: list[bytes], chosen: npt.NDArray[np.bool_]) -> _Kind:
    places = np.flatnonzero(chosen).tolist()
    return _Kind(list(map(keys.__getitem__, places)), list(map(values.__getitem__, places)))


def _foreign(key: bytes) -> PartError:
    return PartError(key, f"unknown kind or format version (this is version {VERSION})")


def _texts_of(kind: _Kind) -> list[str]:
    """Return the saved texts in the order of their numbers."""
    order: list[int] = np.argsort(kind.numbers()).tolist()
    return [kind.values[place][1:].decode() for place in order]


def restore(state: PartitionState, kinds: Mapping[str, _Kind]) -> None:
    """Put everything back into an empty state."""
    state.texts.restore(_texts_of(kinds["n"]))
    _restore_facilities(state, kinds["f"])
    for key, value in zip(kinds["c"].keys, kinds["c"].values, strict=True):
        state.times.replays[key[1:].decode()] = ReplayTime(**json.loads(value[1:]))
    _restore_identities(state, kinds["i"])
    state.identities.lost_to = {number: last for number, _, last in kinds["o"].documents()}
    for number, _, content in kinds["m"].documents():
        told_gaps = tuple(Gap(**gap) for gap in content["told"])
        state.open_gaps.watched[number] = Watched(content["since_us"], told_gaps)
    _restore_series(state, kinds)
    for number, _, content in kinds["d"].documents():
        analyses = tuple(Analysis(**analysis) for analysis in content["analyses"])
        means = tuple(Mean(**one) for one in content.get("means", ()))
        state.told.details[number] = Details(tuple(content["flags"]), analyses, means)
    for number, _, content in kinds["g"].documents():
        state.flags.restore(number, content)
    for number, _, content in kinds["a"].documents():
        state.analyses.restore(number, [Analysis(**analysis) for analysis in content])
    for number, _, content in kinds["p"].documents():
        state.means.restore(number, content)
    for number, _, content in kinds["l"].documents():
        state.plans.restore(number, PlanLine(**content))


def _restore_facilities(state: PartitionState, kind: _Kind) -> None:
    order: list[int] = np.argsort(kind.numbers()).tolist()
    keys, values = [kind.keys[one] for one in order], [kind.values[one] for one in order]
    start = FACILITY.itemsize
    heads = np.frombuffer(b"".join(value[:start].ljust(start) for value in values), FACILITY)
    sizes: list[int] = heads["all_bytes"].tolist()
    for key, value, size in zip(keys, values, sizes, strict=True):
        if len(value) != size:
            raise PartError(key, f"{len(value)} bytes are no facility")
    _check_facts(keys, values, heads)
    used, programme = np.unique(heads["programme"], return_inverse=True)
    lengths: list[int] = heads["id_bytes"].tolist()
    ids = [
        value[start : start + length].decode()
        for value, length in zip(values, lengths, strict=True)
    ]
    programmes = [state.texts[text] for text in used.tolist()]
    saved = Saved(ids, programmes, programme, heads["facts"] > 0, values)
    state.facilities.restore(saved, _entry)


def _check_facts(
    keys: Sequence[bytes], values: Sequence[bytes], heads: npt.NDArray[np.void]
) -> None:
    """Raise PartError for a facility with other facts than are known; of those with the same, one is looked at."""
    kinds, first = np.unique(heads["facts"], return_index=True)
    places: list[int] = first[kinds > 0].tolist()
    for place in places:
        names = _document_of(values[place])["facts"].keys()
        if not _NEEDED_FACTS <= names <= _FACTS:
            raise PartError(keys[place], "other facts than this version knows")


def _document_of(value: bytes) -> dict[str, Any]:
    [head] = np.frombuffer(value, FACILITY, 1)
    document: dict[str, Any] = json.loads(value[FACILITY.itemsize + int(head["id_bytes"]) :])
    return document


def _restore_series(state: PartitionState, kinds: Mapping[str, _Kind]) -> None:
    numbers, saved = _rows(kinds["h"], HEAD)
    series, heads = np.arange(len(saved)), saved[np.argsort(numbers)]
    state.name_series(heads["name"])
    state.series.rows[series] = heads["series"]
    state.told.rows[series] = heads["told"]
    windows = state.windows
    windows.latest[series] = heads["quarter"]
    windows.first_start[series] = heads["first_start"]
    windows.day_bits[series] = heads["day_bits"]
    windows.put_quarters(_buckets(kinds["q"], QUARTERS))
    windows.put_days(_buckets(kinds["w"], DAYS))
    windows.put_newest(series, heads["group"], heads["today"])


def _restore_identities(state: PartitionState, kind: _Kind) -> None:
    size = IDENTITY.itemsize
    numbers = kind.numbers()
    for key, value in zip(kind.keys, kind.values, strict=True):
        if len(value) < size or (len(value) - size) % 16:
            raise PartError(key, f"{len(value)} bytes are no identity with ranges")
    rows = np.frombuffer(b"".join(value[:size] for value in kind.values), IDENTITY)
    ranges: dict[int, Ranges] = {}
    for number, value in zip(numbers.tolist(), kind.values, strict=True):
        if len(value) > size:
            edges = struct.unpack(f"<{(len(value) - size) // 8}q", value[size:])
            ranges[number] = [list(pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    state.identities.restore(rows[np.argsort(numbers)], ranges)


def _buckets(kind: _Kind, layout: np.dtype[np.void]) -> Buckets:
    numbers, rows = _rows(kind, layout)
    return Buckets(numbers, rows["end"].astype(np.int64), rows["values"].astype(np.int64))


def _rows(kind: _Kind, layout: np.dtype[np.void]) -> tuple[Int64s, npt.NDArray[np.void]]:
    """Return the numbers and the rows of binary parts."""
    joined, size = b"".join(kind.values), layout.itemsize
    if joined[::size].strip(_VERSION) or not set(map(len, kind.values)) <= {size}:
        kind.check_versions()
        sizes = zip(kind.keys, map(len, kind.values), strict=True)
        key, found = next((key, found) for key, found in sizes if found != size)
        raise PartError(key, f"{found} bytes instead of {size}")
    return kind.numbers(), np.frombuffer(joined, layout)


def _entry(value: bytes) -> Entry:
    content = _document_of(value)
    saved: dict[str, Any] | None = content["facts"]
    if saved is None:
        return Entry(content["id"], content["offset"], None)
    valid_to: int | None = saved["valid_to"]
    facts: dict[str, Any] = {
        **saved,
        "permits": tuple(saved["permits"]),
        "blocked": tuple(saved["blocked"]),
        "valid_from": moment(saved["valid_from"]),
        "valid_to": None if valid_to is None else moment(valid_to),
        "provenance": Provenance(saved["provenance"]),
    }
    return Entry(content["id"], content["offset"], FacilityFacts(**facts))
