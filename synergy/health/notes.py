"""From positions, counts of readings and rejections to notes: what is wrong, and what to do about it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from schemas.events import Direction, Position
from synergy.balance.terms import NO_DATA_IN_CHAPTER
from synergy.catalogue import Catalogue
from synergy.rejections import reject_reasons

GOOD_ENOUGH: Final = 0.8
"""Share of readings of good quality below which the meter is worth a look; our own threshold."""
_HOUR: Final = timedelta(hours=1)


class NoteCode(StrEnum):
    """What a note is about; `notes.csv` has the words."""

    SILENT = "silent"
    STALE = "stale"
    NO_DATA_IN_CHAPTER = "no_data_in_chapter"
    LATE = "late"
    UNCERTAIN = "uncertain"
    SHORT_HISTORY = "short_history"
    MISSING = "missing"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthNote:
    """One note with its sentences. `subject` is the material, source or reason code it is about."""

    code: str
    subject: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCount:
    """What has come from one source in one epoch: its highest sequence, and how many different ones."""

    source: str
    epoch: int
    last: int
    seen: int

    @property
    def missing(self) -> int:
        """Sequences below the highest that never came."""
        return max(self.last - self.seen, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejections:
    """The records of a facility that were rejected for one reason."""

    code: str
    count: int


def silence(facility: str) -> HealthNote:
    """Return the note of a facility that nothing has come from."""
    return _note(NoteCode.SILENT, facility, facility=facility)


def notes_of_position(position: Position, catalogue: Catalogue) -> Iterator[HealthNote]:
    """Yield what is wrong with one series."""
    material = catalogue.materials.get(position.material)
    if material is None:
        return
    both = (material.name_en, material.name_zh)
    code = material.id
    if NO_DATA_IN_CHAPTER in position.flags:
        yield _note(NoteCode.NO_DATA_IN_CHAPTER, code, material=both)
    if position.stale:
        as_of = f"{position.as_of:%Y-%m-%d %H:%M} UTC"
        hours = material.stale_after // _HOUR
        yield _note(NoteCode.STALE, code, material=both, as_of=as_of, hours=hours)
    if position.late:
        yield _note(NoteCode.LATE, code, material=both, count=position.late)
    good = position.quality_good + position.quality_estimated
    only_planned = position.plan_per_day is not None and good + position.quality_uncertain == 0
    if good < GOOD_ENOUGH and not only_planned:
        yield _note(NoteCode.UNCERTAIN, code, material=both, percent=round(good * 100))
    if position.days_seen == 0 and position.direction is Direction.SUPPLY and not position.stale:
        yield _note(NoteCode.SHORT_HISTORY, code, material=both)


def notes_of_sources(counts: Iterable[SourceCount]) -> Iterator[HealthNote]:
    """Yield the gaps in what has come."""
    for count in counts:
        if count.missing:
            yield _note(
                NoteCode.MISSING,
                count.source,
                source=count.source,
                count=count.missing,
                last=count.last,
            )


def notes_of_rejections(rejections: Iterable[Rejections]) -> Iterator[HealthNote]:
    """Yield what was rejected and how to mend it."""
    for one in rejections:
        reason = reject_reasons().get(one.code)
        fix = (one.code, one.code) if reason is None else (reason.fix, reason.fix_zh)
        yield _note(NoteCode.REJECTED, one.code, count=one.count, reason=one.code, fix=fix)


def _note(code: NoteCode, subject: str, **parts: str | int | tuple[str, str]) -> HealthNote:
    """Word a note; a part that is a pair differs by language."""
    english, chinese = words()[code]
    return HealthNote(
        code=code.value,
        subject=subject,
        en=english.format_map({name: _side(part, 0) for name, part in parts.items()}),
        zh=chinese.format_map({name: _side(part, 1) for name, part in parts.items()}),
    )


def _side(part: str | int | tuple[str, str], language: int) -> str | int:
    return part[language] if isinstance(part, tuple) else part


@cache
def words() -> Mapping[str, tuple[str, str]]:
    """Return the templates of each code in English and in Chinese."""
    text = (files("synergy.health") / "notes.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return MappingProxyType({row["code"]: (row["en"], row["zh"]) for row in rows})
