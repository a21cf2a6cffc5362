"""A synthetic load for benchmarks: readings of many plants, encoded from templates, the same every time.

What differs between two readings of a series is a handful of bytes: id, sequence, quantity and times. The
rest is encoded once. A test proves that the bytes are what the codec writes for the same event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha1

from producers.errors import LoadTemplateError
from producers.reading import Reading
from schemas.events import (
    Basis,
    DataKind,
    Direction,
    Event,
    Facility,
    Form,
    Provenance,
    Quality,
    SourceKind,
)
from schemas.identity import READING_NAMESPACE, series_key

EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MATERIALS = ("fly_ash", "bottom_ash", "fgd_gypsum")
NAMESPACE = READING_NAMESPACE.bytes
QUANTITIES = 997
QUARTER_HOUR = timedelta(minutes=15)
FRAME_BYTES = 5
ID_BYTES = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How many series send how often.

    The first `facilities` x `materials` readings are for the period that starts at `start`, the next for
    the period after it, and so on: each series advances evenly. Each gives 1 to 2 t a quarter of an hour, in shorter
    periods less.
    """

    facilities: int
    materials: tuple[str, ...] = MATERIALS
    start: datetime
    period: timedelta = QUARTER_HOUR
    epoch: int = 1
    programme: str = "load"

    @property
    def series(self) -> int:
        """Number of series."""
        return self.facilities * len(self.materials)


@dataclass(frozen=True, slots=True)
class LoadRecord:
    """One encoded reading and where it goes."""

    facility: str
    key: bytes
    value: bytes


def load_facility(plan: LoadPlan, number: int) -> Facility:
    """Return the made-up plant with this number."""
    return Facility(
        id=_facility_id(number),
        programme=plan.programme,
        name=f"Load plant {number} (sample)",
        latitude=(number % 120) - 60.0,
        longitude=(number % 340) - 170.0,
        industry="3510",
        valid_from=EPOCH_START,
        provenance=Provenance.SAMPLE,
        source="synthetic load of a benchmark",
        country="US",
    )


def load_reading(plan: LoadPlan, number: int) -> Reading:
    """Return the reading with this number, counted from 0, as an object."""
    round_number, series = divmod(number, plan.series)
    facility, material = divmod(series, len(plan.materials))
    start = plan.start + round_number * plan.period
    return Reading(
        source=_source(facility),
        facility=_facility_id(facility),
        material=plan.materials[material],
        direction=Direction.SUPPLY,
        form=Form.FLOW,
        source_kind=SourceKind.METER,
        quantity=_quantity(plan, number),
        unit="GRM",
        period_start=start,
        period_end=start + plan.period,
        observed_at=start + plan.period,
        quality=Quality.GOOD,
        data_kind=DataKind.SIMULATED,
        basis=Basis.DRY,
    )


def load_sequence(plan: LoadPlan, number: int) -> int:
    """Return the sequence of the reading with this number: it counts per source and facility, from 1."""
    round_number, series = divmod(number, plan.series)
    return round_number * len(plan.materials) + series % len(plan.materials) + 1


def load_records(
    plan: LoadPlan, encode: Callable[[Event], bytes], count: int
) -> Iterator[LoadRecord]:
    """Yield the first `count` readings, encoded; the same bytes every time.

    Args:
        plan: Who sends how often.
        encode: The codec's encoding; it is asked once a series.
        count: How many; a last round that is not full is cut.
    """
    templates = [_template(plan, number, encode) for number in range(min(plan.series, count))]
    quantities = [_long(_quantity(plan, number)) for number in range(QUANTITIES)]
    per_facility = len(plan.materials)
    number = 0
    while number < count:
        round_number = number // plan.series
        times = _times(plan.start + round_number * plan.period, plan.period)
        first_sequence = round_number * per_facility + 1
        sequences = [first_sequence + material for material in range(per_facility)]
        encoded = [_long(sequence) for sequence in sequences]
        for template in templates[: count - number]:
            material = template.material
            identity = template.identity + str(sequences[material]).encode()
            value = b"".join(
                (
                    template.frame,
                    _reading_id(identity),
                    template.before_sequence,
                    encoded[material],
                    template.before_quantity,
                    quantities[number % QUANTITIES],
                    template.before_times,
                    times,
                    template.after_times,
                )
            )
            yield LoadRecord(template.facility, template.key, value)
            number += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """The bytes of one series between those that differ from reading to reading."""

    facility: str
    key: bytes
    material: int
    identity: bytes
    frame: bytes
    before_sequence: bytes
    before_quantity: bytes
    before_times: bytes
    after_times: bytes


def _template(plan: LoadPlan, number: int, encode: Callable[[Event], bytes]) -> _Template:
    reading = load_reading(plan, number)
    sequence = load_sequence(plan, number)
    value = encode(reading.identified(plan.epoch, sequence))
    frame = value[: FRAME_BYTES + 1]
    names = _text(reading.source) + _text(reading.facility) + _long(plan.epoch)
    parts = value[FRAME_BYTES + 1 + ID_BYTES :]
    before_sequence, parts = _cut(parts, names)
    _, parts = _cut(parts, _long(sequence))
    enums = len((Direction, Form, SourceKind))
    kind = _text(reading.material)
    before_quantity, parts = _cut(parts, kind + parts[len(kind) : len(kind) + enums])
    _, parts = _cut(parts, _long(reading.quantity))
    before_times, parts = _cut(parts, _text(reading.unit))
    _, after_times = _cut(parts, _times(reading.period_start, plan.period))
    return _Template(
        facility=reading.facility,
        key=series_key(reading.facility, reading.material, reading.direction),
        material=number % len(plan.materials),
        identity=f"{reading.source}\n{reading.facility}\n{plan.epoch}\n".encode(),
        frame=frame,
        before_sequence=before_sequence,
        before_quantity=before_quantity,
        before_times=before_times,
        after_times=after_times,
    )


def _cut(value: bytes, expected: bytes) -> tuple[bytes, bytes]:
    if not value.startswith(expected):
        message = "the schema of Availability has other fields than this module knows: mend it"
        raise LoadTemplateError(message)
    return expected, value[len(expected) :]


def _reading_id(identity: bytes) -> bytes:
    """Return the text of `schemas.identity.reading_id` as bytes, without making objects."""
    digest = bytearray(sha1(NAMESPACE + identity, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode()


def _times(start: datetime, period: timedelta) -> bytes:
    end = start + period
    times = (start, end, end)
    return b"".join(_long((time - EPOCH_START) // MICROSECOND) for time in times)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _long(len(encoded)) + encoded


def _long(number: int) -> bytes:
    """Return the Avro encoding of a long: zigzag, then seven bits a byte, least first."""
    left = number << 1 if number >= 0 else (-number << 1) - 1
    encoded = bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


def _facility_id(number: int) -> str:
    return f"load_plant_{number:05d}"


def _source(number: int) -> str:
    return f"load/{number:05d}"


def _quantity(plan: LoadPlan, number: int) -> int:
    """Return grams. What does not follow the period is soon more than a plant can have, and is rejected."""
    in_quarter_hour = 1_000_000 + 1_009 * (number % QUANTITIES)
    return max(1, in_quarter_hour * plan.period // QUARTER_HOUR)
