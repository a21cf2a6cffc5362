"""Reading the changelog parts of one partition back: the counterpart of `parts`.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.events import FacilityFacts, Provenance
from synergy.balance.analyses import Analysis
from synergy.balance.errors import PartError
from synergy.balance.facilities import Entry
from synergy.balance.identities import IDENTITY, Ranges
from synergy.balance.means import Mean
from synergy.balance.open_gaps import Watched
from synergy.balance.parts import GROUP_PART, HEAD, KEY, LETTERS, NUMBERED, SLOT_KEY, WEEK_PART
from synergy.balance.parts import key as part_key
from synergy.balance.plans import PlanLine
from synergy.balance.programmes import ReplayTime
from synergy.balance.series import NAME
from synergy.balance.state import PartitionState
from synergy.balance.terms import VERSION, Gap, Int64s, moment
from synergy.balance.told import TOLD, Details
from synergy.balance.windows import Buckets


@dataclass(slots=True)
class _Kind:
    """All parts of one letter."""

    keys: list[bytes] = field(default_factory=list[bytes])
    values: list[bytes] = field(default_factory=list[bytes])

    def documents(self) -> Iterator[tuple[int, str, Any]]:
        """Yield number, rest of the key and content of every JSON part, in the order of the numbers."""
        for key, value in sorted(zip(self.keys, self.values, strict=True), key=_number):
            try:
                content = json.loads(value[1:])
            except ValueError as error:
                raise PartError(key, str(error)) from error
            yield _number((key, value)), key[KEY.itemsize :].decode(), content

    def numbers(self, layout: np.dtype[np.void] = KEY) -> Int64s:
        """Return the number of each part. Raises PartError for a key of another layout."""
        if not set(map(len, self.keys)) <= {layout.itemsize}:
            odd = next(key for key in self.keys if len(key) != layout.itemsize)
            raise PartError(odd, "the key has another length")
        return np.frombuffer(b"".join(self.keys), layout)["number"].astype(np.int64)


def _number(part: tuple[bytes, bytes]) -> int:
    return int.from_bytes(part[0][1:5], "little")


def sort_parts(parts: Iterable[tuple[bytes, bytes]]) -> Mapping[str, _Kind]:
    """Sort parts by letter. Raises PartError for one of another format version, or one that is missing."""
    kinds = {ord(letter): _Kind() for letter in LETTERS}
    for key, value in parts:
        kind = kinds.get(key[0]) if key else None
        if kind is None or not value or value[0] != VERSION:
            raise PartError(key, f"unknown kind or format version (this is version {VERSION})")
        kind.keys.append(key)
        kind.values.append(value)
    for letter in NUMBERED:
        numbers = np.sort(kinds[ord(letter)].numbers())
        holes = np.flatnonzero(numbers != np.arange(len(numbers)))
        if holes.size:
            raise PartError(part_key(letter, int(holes[0])), "missing")
    return {chr(letter): kind for letter, kind in kinds.items()}


def texts_of(kind: _Kind) -> dict[int, str]:
    """Return the saved texts by number."""
    parts = zip(kind.keys, kind.values, strict=True)
    return {_number((key, value)): value[1:].decode() for key, value in parts}


def names_of(kind: _Kind) -> npt.NDArray[np.void]:
    """Return the saved names of the series, in their order."""
    numbers, names = _rows(kind, NAME)
    return names[np.argsort(numbers)]


def restore(state: PartitionState, kinds: Mapping[str, _Kind]) -> None:
    """Put everything back into an empty state whose texts and series names are there already."""
    state.facilities.restore(_entry(content) for _, _, content in kinds["f"].documents())
    for key, value in zip(kinds["c"].keys, kinds["c"].values, strict=True):
        state.times.replays[key[1:].decode()] = ReplayTime(**json.loads(value[1:]))
    _restore_identities(state, kinds["i"])
    state.identities.lost_to = {number: last for number, _, last in kinds["o"].documents()}
    for number, _, content in kinds["m"].documents():
        told_gaps = tuple(Gap(**gap) for gap in content["told"])
        state.open_gaps.watched[number] = Watched(content["since_us"], told_gaps)
    _restore_series(state, kinds)
    series, told = _rows(kinds["t"], TOLD)
    state.told.rows[series] = told
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


def _restore_series(state: PartitionState, kinds: Mapping[str, _Kind]) -> None:
    series, heads = _rows(kinds["h"], HEAD)
    state.series.rows[series] = heads["series"]
    windows = state.windows
    windows.latest[series] = heads["quarter"]
    windows.first_start[series] = heads["first_start"]
    windows.day_bits[series] = heads["day_bits"]
    windows.put_groups(_buckets(kinds["q"], GROUP_PART))
    windows.put_weeks(_buckets(kinds["w"], WEEK_PART))
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
    numbers, rows = _rows(kind, layout, SLOT_KEY)
    return Buckets(numbers, rows["group"].astype(np.int64), rows["values"].astype(np.int64))


def _rows(
    kind: _Kind, layout: np.dtype[np.void], key_layout: np.dtype[np.void] = KEY
) -> tuple[Int64s, npt.NDArray[np.void]]:
    """Return the numbers and the rows of binary parts."""
    if not set(map(len, kind.values)) <= {layout.itemsize}:
        sizes = zip(kind.keys, map(len, kind.values), strict=True)
        key, size = next((key, size) for key, size in sizes if size != layout.itemsize)
        raise PartError(key, f"{size} bytes instead of {layout.itemsize}")
    return kind.numbers(key_layout), np.frombuffer(b"".join(kind.values), layout)


def _entry(content: dict[str, Any]) -> Entry:
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
