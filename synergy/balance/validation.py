"""Which readings are refused, and why.

Pure: no clock, no I/O, no threads (gate: import-linter). The checks are masks over whole columns; only refused rows
cost a message. A reading that breaks several rules gets the first reason of `REASONS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from synergy.balance.readings import UNKNOWN, WRONG_PARTITION, Readings
from synergy.balance.terms import (
    BASES,
    DAY_US,
    EARLIEST_US,
    FLOW,
    FOREVER,
    FUTURE_US,
    LATEST_US,
    MOST_VALUE,
    PLAN,
    STOCK,
    STOCK_LIMIT_DAYS,
    Bools,
    Int64s,
    MaterialRule,
    Refusal,
    moment,
)

UNITS = ("GRM", "LTR", "KJO")

REASONS: Mapping[str, tuple[str, str]] = {
    "wrong_partition": (
        "facility",
        "facility {facility!r} does not belong to this partition: send to murmur2(facility) mod"
        " the number of partitions",
    ),
    "unknown_facility": (
        "facility",
        "facility {facility!r} is not enrolled: publish it to the facilities topic, then replay"
        " this reading",
    ),
    "unknown_material": (
        "material",
        "material {material!r} is not in the catalogue: use a catalogue id, or add the material",
    ),
    "wrong_unit": (
        "unit",
        "unit {unit!r} is not the base unit of {material!r}: convert the quantity and send it in"
        " {expected}",
    ),
    "sequence_not_positive": (
        "sequence",
        "sequence {sequence} is below 1: count from 1 for each source, facility and epoch",
    ),
    "period_out_of_range": (
        "period_start",
        "period_start {period_start} or period_end {period_end} lies outside the years 1970 to 2199:"
        " send microseconds since 1970 in UTC",
    ),
    "period_end_before_start": (
        "period_end",
        "period_end {period_end} is not after period_start {period_start}: a flow and a plan need"
        " a period of some length, a stock may be an instant",
    ),
    "period_in_future": (
        "period_end",
        "period_end {period_end} is more than 10 minutes after the log took the reading: mend the clock or the"
        " time zone of the source",
    ),
    "negative_quantity": (
        "quantity",
        "quantity {quantity} is negative: only a flow that names in corrects the reading it mends"
        " may be negative",
    ),
    "absurd_quantity": (
        "quantity",
        "quantity {quantity} from {period_start} to {period_end} is beyond what one facility can"
        " have of {material!r} ({limit} a day): check unit and scale",
    ),
    "bad_property": (
        "properties",
        "properties holds a value that is no number below a million million, or a time outside 1970 to"
        " now: send only finished analyses",
    ),
    "mixed_basis": (
        "basis",
        "basis {basis} differs from the basis of the sums of this series, and dry and wet masses"
        " are never added: convert the quantity to the other basis",
    ),
    "declared_lost": (
        "sequence",
        "sequence {sequence} came after it, or one above it, was declared lost: if the ledger has no"
        " reading of it that counts, send it again under the next sequence",
    ),
}
CODES = ("", *REASONS)
"""Reason codes by number; 0 is none."""
DECLARED_LOST = CODES.index("declared_lost")
"""The only reason that what was seen before decides; see `synergy.balance.identities`."""

Reasons: TypeAlias = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rules of all materials as columns, by number of the material; the last row stands for no material."""

    numbers: Mapping[str, int]
    rules: Sequence[MaterialRule]
    unit: Int64s
    per_day: npt.NDArray[np.float64]
    stale_after: Int64s

    @classmethod
    def of(cls, rules: Mapping[str, MaterialRule]) -> Self:
        """Make the columns. Raises ValueError for a unit that is not a base unit."""
        listed = [rules[name] for name in sorted(rules)]
        return cls(
            numbers={name: number for number, name in enumerate(sorted(rules))},
            rules=listed,
            unit=np.array([UNITS.index(rule.unit) for rule in listed] + [UNKNOWN], np.int64),
            per_day=np.array([float(rule.max_per_day) for rule in listed] + [np.inf]),
            stale_after=np.array([rule.stale_after_us for rule in listed] + [FOREVER], np.int64),
        )

    def number(self, material: str) -> int:
        """Return the number of a material, or UNKNOWN."""
        return self.numbers.get(material, UNKNOWN)


def unit_number(unit: str) -> int:
    """Return the number of a base unit, or UNKNOWN."""
    return UNITS.index(unit) if unit in UNITS else UNKNOWN


def examine(readings: Readings, limits: Limits, frame: pl.DataFrame, arrived_us: Int64s) -> Reasons:
    """Return for each reading the number in CODES of the first rule it breaks, 0 for none.

    `arrived_us` is when the log took each row.
    """
    flawed = np.zeros(len(readings), np.int8)
    material = readings.material
    length = readings.end - readings.start
    masks = {
        "wrong_partition": readings.facility == WRONG_PARTITION,
        "unknown_facility": readings.facility == UNKNOWN,
        "unknown_material": material == UNKNOWN,
        "wrong_unit": readings.unit != limits.unit[material],
        "sequence_not_positive": readings.sequence < 1,
        "period_out_of_range": (np.minimum(readings.start, readings.end) < EARLIEST_US)
        | (np.maximum(readings.start, readings.end) >= LATEST_US),
        "period_end_before_start": length < (readings.form != STOCK),
        "period_in_future": (readings.end > arrived_us[readings.row] + FUTURE_US)
        & (readings.form != PLAN),
        "negative_quantity": _negative(readings, frame),
        "absurd_quantity": _absurd(readings, limits, material),
        "bad_property": _bad_property(frame, arrived_us),
    }
    for code, mask in reversed(masks.items()):
        if mask.any():
            flawed[mask] = CODES.index(code)
    return flawed


def _negative(readings: Readings, frame: pl.DataFrame) -> Bools:
    negative = readings.quantity < 0
    if negative.any():
        correction = frame["corrects"].is_not_null().to_numpy() & (readings.form == FLOW)
        negative &= ~correction
    return negative


def _absurd(readings: Readings, limits: Limits, material: Int64s) -> Bools:
    """Compare |quantity| x day with the limit x length: in floats, exactly where they are close."""
    length = readings.end - readings.start
    length[readings.form == STOCK] = STOCK_LIMIT_DAYS * DAY_US
    amount = np.abs(readings.quantity.astype(np.float64)) * DAY_US
    allowed = limits.per_day[material] * length
    absurd = amount > allowed
    close = np.flatnonzero(np.abs(amount - allowed) <= allowed * 1e-9)
    for row in close.tolist():
        exact = limits.rules[int(material[row])].max_per_day * int(length[row])
        absurd[row] = abs(int(readings.quantity[row])) * DAY_US > exact
    return absurd


def _bad_property(frame: pl.DataFrame, arrived_us: Int64s) -> Bools:
    bad = np.zeros(frame.height, np.bool_)
    counts = frame["properties"].list.len()
    if not counts.max():
        return bad
    sampled = pl.col("sampled_at").to_physical()
    until = pl.col("valid_until").to_physical()
    flawed = (
        frame.select(
            row=pl.int_range(pl.len()), arrived=pl.Series(arrived_us), properties="properties"
        )
        .filter(pl.col("properties").list.len() > 0)
        .explode("properties")
        .unnest("properties")
        .filter(
            ~pl.col("value").is_between(-MOST_VALUE, MOST_VALUE)
            | ~sampled.is_between(EARLIEST_US, pl.col("arrived") + FUTURE_US)
            | ~until.is_between(EARLIEST_US, LATEST_US)
        )
    )
    bad[flawed["row"].to_numpy()] = True
    return bad


def explain(frame: pl.DataFrame, reasons: Reasons, limits: Limits) -> tuple[Refusal, ...]:
    """Return a refusal with its message for every reading that has a reason."""
    rows = np.flatnonzero(reasons)
    if not rows.size:
        return ()
    wanted = frame[rows.tolist()].with_columns(
        pl.col("period_start", "period_end").to_physical(),
        basis=pl.Series([BASES[place].value for place in frame["basis"].gather(rows)]),
    )
    return tuple(
        _refusal(int(row), CODES[int(reasons[row])], values, limits)
        for row, values in zip(rows, wanted.iter_rows(named=True), strict=True)
    )


def _refusal(row: int, code: str, values: dict[str, object], limits: Limits) -> Refusal:
    field, text = REASONS[code]
    material = limits.number(str(values["material"]))
    if material != UNKNOWN:
        rule = limits.rules[material]
        values = {**values, "expected": rule.unit, "limit": f"{rule.max_per_day} {rule.unit}"}
    for name in ("period_start", "period_end"):
        values[name] = _readable(values[name])
    return Refusal(
        row=row,
        code=code,
        field=field,
        message=text.format_map(values),
        facility=str(values["facility"]),
        source=str(values["source"]),
    )


def _readable(time_us: object) -> str:
    if isinstance(time_us, int) and EARLIEST_US <= time_us < LATEST_US:
        return moment(time_us).isoformat()
    return str(time_us)
