"""ERP plan lines: a CSV export of planned needs or outputs, one line of one document a row.

A line is known by `document/line`; a later revision of the same line replaces it. A row that can't be
read is reported with its number, its column and what to write instead; the other rows still count.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from producers.errors import CellError, ProducerError, RowError
from producers.reading import Reading
from schemas.events import Basis, DataKind, Direction, Form, Quality, SourceKind
from schemas.unit_table import BaseQuantity, UnitError, find_unit, to_base

COLUMNS = (
    "document",
    "line",
    "revision",
    "facility",
    "material",
    "direction",
    "quantity",
    "unit",
    "period_start",
    "period_end",
    "changed_at",
)

# A made-up document says so on every line.
DOCUMENT_FLAGS: Mapping[DataKind, tuple[str, ...]] = {
    DataKind.SIMULATED: ("simulated_document",),
    DataKind.ASSUMED: ("sample_document",),
}


class PlanFileError(ProducerError):
    """Rows of a plan file can't be used."""

    def __init__(self, errors: tuple[RowError, ...]) -> None:
        first = errors[0]
        super().__init__(
            f"{len(errors)} rows can't be used; row {first.row}, column {first.column}, "
            f"{first.value!r}: {first.fix}"
        )
        self.errors = errors


@dataclass(frozen=True, slots=True)
class PlanFile:
    """The readings of a plan file in the order of their change, and the rows that can't be used."""

    readings: tuple[Reading, ...]
    errors: tuple[RowError, ...]

    def checked(self) -> tuple[Reading, ...]:
        """Return the readings. Raises PlanFileError when a row could not be used."""
        if self.errors:
            raise PlanFileError(self.errors)
        return self.readings


def parse_plan_lines(lines: Iterable[str], data_kind: DataKind) -> PlanFile:
    """Read a plan export with the header `COLUMNS`.

    Args:
        lines: The lines of the file.
        data_kind: MEASURED is never right for a plan: ASSUMED or SIMULATED for a made-up file,
            ESTIMATED for a plant's own forecast.
    """
    reader = csv.DictReader(lines)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        fix = f"add the columns {', '.join(missing)}"
        return PlanFile((), (RowError(1, missing[0], ",".join(reader.fieldnames or ()), fix),))
    readings: list[Reading] = []
    errors: list[RowError] = []
    for number, row in enumerate(reader, start=2):
        try:
            readings.append(_reading(row, data_kind))
        except CellError as error:
            errors.append(error.at(number))
    readings.sort(key=lambda reading: reading.observed_at)
    return PlanFile(tuple(readings), tuple(errors))


def _reading(row: Mapping[str, str], data_kind: DataKind) -> Reading:
    for column in ("document", "line", "facility", "material"):
        if not row[column]:
            raise CellError(column, "", "fill it in: the line can't be told from others without")
    start, end = _time(row, "period_start"), _time(row, "period_end")
    if end <= start:
        raise CellError("period_end", row["period_end"], "write a time after period_start")
    amount = _amount(row)
    return Reading(
        source=f"erp/{row['facility']}",
        facility=row["facility"],
        material=row["material"],
        direction=_direction(row),
        form=Form.PLAN,
        source_kind=SourceKind.ERP,
        quantity=amount.amount,
        unit=amount.unit,
        period_start=start,
        period_end=end,
        observed_at=_time(row, "changed_at"),
        quality=Quality.ESTIMATED,
        data_kind=data_kind,
        basis=Basis.DRY if amount.kind == "mass" else Basis.NOT_APPLICABLE,
        document=f"{row['document']}/{row['line']}",
        revision=_revision(row),
        flags=DOCUMENT_FLAGS.get(data_kind, ()),
    )


def _direction(row: Mapping[str, str]) -> Direction:
    try:
        return Direction(row["direction"])
    except ValueError:
        fix = "write SUPPLY or DEMAND"
        raise CellError("direction", row["direction"], fix) from None


def _amount(row: Mapping[str, str]) -> BaseQuantity:
    try:
        quantity = Decimal(row["quantity"])
    except InvalidOperation:
        fix = "write a number with a decimal point and no thousands separator"
        raise CellError("quantity", row["quantity"], fix) from None
    if not quantity.is_finite() or quantity < 0:
        raise CellError("quantity", row["quantity"], "write a number that is not negative")
    try:
        return to_base(quantity, find_unit(row["unit"]))
    except UnitError as error:
        choice = f": write one of {', '.join(error.could_be)}" if error.could_be else ""
        raise CellError("unit", row["unit"], f"{error.message}{choice}") from None


def _revision(row: Mapping[str, str]) -> int:
    if not row["revision"].isdecimal() or int(row["revision"]) < 1:
        raise CellError("revision", row["revision"], "write a whole number from 1")
    return int(row["revision"])


def _time(row: Mapping[str, str], column: str) -> datetime:
    try:
        time = datetime.fromisoformat(row[column])
    except ValueError:
        fix = "write ISO 8601, for example 2007-03-01T00:00:00-05:00"
        raise CellError(column, row[column], fix) from None
    if time.tzinfo is None:
        raise CellError(column, row[column], "add the offset from UTC, for example -05:00")
    return time


class PlanStream:
    """Plan lines in the order in which they were written."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = sorted(readings, key=lambda reading: reading.observed_at)

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield the lines changed in (after, until]."""
        return (reading for reading in self._readings if after < reading.observed_at <= until)
