"""The numbers and the reference values of the balance stage, each in one place.

Pure: no clock, no I/O, no threads (gate: import-linter). Times are microseconds since 1970, UTC; periods are
half-open `[start, end)`; quantities are integers in the material's base unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from schemas.events import Basis, DataKind, Direction, Form, Quality, SourceKind

Int64s: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Stamp = TypeVar("Stamp", int, npt.NDArray[np.int64])

VERSION = 5
"""Format version: the first byte of every changelog part."""

QUARTER_US = 900_000_000
DAY_US = 96 * QUARTER_US

WINDOW_QUARTERS = 96
"""The quarter-hours of the 24 h window."""
RING_QUARTERS = WINDOW_QUARTERS + 1
"""One more than the window: a reading may end up to 10 minutes ahead of now, and `as_of` stays at now."""
RING_DAYS = 35
HISTORY_DAYS = 28
"""The full days from which the firm offer is taken, and the days of a property's mean."""
MOST_VALUE = 1e12
"""Largest value of an analysis, in any unit; a mean counts in millionths."""
FUTURE_US = 600_000_000
"""How far a period of a flow or a stock may end ahead of now."""
RANGES_KEPT = 64
"""Ranges of sequences above the gap-free one; one more and the oldest gap is declared lost."""

DEADBAND = 100
"""A number is news when it differs from the published one by more than one part in this many."""
DEADBAND_SHARE = 0.05
"""A quality share is news when it differs from the published one by more than this."""
STOCK_LIMIT_DAYS = 3650
"""A stock is absurd above this many days of the material's highest flow."""

HIGHEST_PER_DAY = 10**17
"""No material may allow more base units a day: 35 such days still add up within 64 bits."""

EARLIEST_US = 2 * DAY_US
LATEST_US = 7_258_118_400_000_000
"""1970-01-03 and 2200-01-01: times outside are refused, so that 0 can stand for none in every column of times, days
and quarter-hours, and no difference of two times can overflow."""

NEVER = int(np.iinfo(np.int64).min)
NEVER_DAY = int(np.iinfo(np.int32).min)
FOREVER = int(np.iinfo(np.int64).max)

DIRECTIONS = tuple(Direction)
FORMS = tuple(Form)
SOURCE_KINDS = tuple(SourceKind)
QUALITIES = tuple(Quality)
DATA_KINDS = tuple(DataKind)
"""From most to least certain."""
BASES = tuple(Basis)

FLOW, STOCK, PLAN = (FORMS.index(form) for form in (Form.FLOW, Form.STOCK, Form.PLAN))
BAD = QUALITIES.index(Quality.BAD)

NO_DATA_IN_CHAPTER = "no_data_in_chapter"
"""Flag of a position whose series has said nothing since the replay jumped to its present chapter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def arrival_us(appended_ms: Stamp) -> Stamp:
    """Return when the log took a record, or an array of them: the end of the millisecond that it notes.

    A reading for a period that ends now is then not from the future only because its time was cut off.

    >>> arrival_us(1_700_000_000_000)
    1700000000000999
    """
    return appended_ms * 1_000 + 999


def moment(time_us: int) -> datetime:
    """Return the aware datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=time_us)


def microseconds(time: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime, exactly."""
    return (time - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class MaterialRule:
    """What the balance stage has to know of a material.

    Attributes:
        unit: Rec 20 code of the base unit: GRM, LTR or KJO.
        max_per_day: highest flow of one facility that is not absurd, in base units a day.
        stale_after_us: a position is stale when its series has had no news for longer than this.

    Raises:
        ValueError: max_per_day is not within 1 to HIGHEST_PER_DAY.
    """

    unit: str
    max_per_day: int
    stale_after_us: int

    def __post_init__(self) -> None:
        """Refuse a limit with which the sums of a ring could leave 64 bits."""
        if not 0 < self.max_per_day <= HIGHEST_PER_DAY:
            raise ValueError(f"max_per_day {self.max_per_day} is not within 1 to {HIGHEST_PER_DAY}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reading that was not accepted. Its identity is not used up: mended and sent again, it is accepted.

    Attributes:
        row: row of the frame.
        code: reason code, for example `wrong_unit`.
        field: the field that is wrong.
        message: what is wrong and how to mend it.
        facility: facility of the reading.
        source: source of the reading.
    """

    row: int
    code: str
    field: str | None
    message: str
    facility: str
    source: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Sequences `[first, last]` of one source that have not come.

    `programme` is empty once the facility has left; `time_us` is the clock's.
    """

    source: str
    facility: str
    epoch: int
    first: int
    last: int
    programme: str
    time_us: int
