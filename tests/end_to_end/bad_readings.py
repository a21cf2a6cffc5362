"""Everything that can be wrong with a reading, with what the product has to say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from schemas.codec import HEADER_BYTES, Codec
from schemas.errors import DECODE_CODES
from schemas.events import (
    Availability,
    Basis,
    Coordinates,
    DataKind,
    Direction,
    Form,
    Position,
    Property,
    Rejected,
    SourceKind,
)
from schemas.routing import partition_for
from synergy.balance.validation import REASONS
from tests.end_to_end.pipeline import PARTITIONS
from tests.end_to_end.plants import MINUTE, TONNE, facility, named_for_partition, now

UNKNOWN_ID = 987_654
MOST_BYTES = 999_600  # with the rest of the record just below what Kafka's clients send by default
Make = Callable[[Codec, Availability], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One fault: how a good reading gets it, the reason code, and words that the message must have.

    `says` names what is wrong and how to mend it; `kept_in` is the ledger's table for records that are no event.
    """

    make: Make
    code: str
    field: str | None = None
    says: tuple[str, ...]
    kept_in: str | None = None


def changed(**changes: object) -> Make:
    """Return a fault of values: well-formed, and against a rule."""
    return lambda codec, good: codec.encode(replace(good, **changes))  # type: ignore[arg-type]


def _misplaced(codec: Codec, good: Availability) -> bytes:
    at = Coordinates(topic="t", partition=0, offset=0)
    position = Position(
        programme="forged",
        facility=good.facility,
        material=good.material,
        direction=Direction.SUPPLY,
        as_of=good.period_end,
        applied=at,
        latest=at,
        latest_source=good.source,
        latest_sequence=good.sequence,
        source_kind=SourceKind.METER,
        data_kind=DataKind.MEASURED,
        unit="GRM",
        quantity_24h=1,
        days_seen=1,
        firm_per_day=1,
        interruptible_per_day=0,
        quality_good=1.0,
        quality_uncertain=0.0,
        quality_estimated=0.0,
        stale=False,
        late=0,
        basis=Basis.DRY,
    )
    return codec.encode(position)


def _swapped(codec: Codec, good: Availability, old: bytes, new: bytes) -> bytes:
    value = codec.encode(good)
    assert value.count(old) == 1
    return value.replace(old, new)


def _neighbour(good: Availability, step: int) -> str:
    """Return a facility that nobody has enrolled, so many partitions behind the reading's own."""
    partition = (partition_for(good.facility, PARTITIONS) + step) % PARTITIONS
    return named_for_partition(f"{good.facility}-nobody", partition, PARTITIONS)


_NOT_A_NUMBER = Property(
    name="loi", value=math.nan, unit="%", sampled_at=datetime(2026, 1, 1, tzinfo=UTC)
)
_FUTURE = now() + timedelta(minutes=30)  # 20 beyond what is allowed, in case the test starts late

BAD: Mapping[str, Bad] = {
    "wrong_avro": Bad(
        make=lambda codec, good: codec.encode(good)[:HEADER_BYTES] + b"\x48" + b"\xff" * 80,
        code="wrong_avro",
        field="id",
        says=("UTF-8", "encode strings"),
        kept_in="undecodable",
    ),
    "no_uuid": Bad(
        make=lambda codec, good: _swapped(codec, good, str(good.id).encode(), b"x" * 36),
        code="wrong_avro",
        field="id",
        says=("UUID", "8-4-4-4-12"),
        kept_in="undecodable",
    ),
    "json": Bad(
        make=lambda _codec, good: b'{"facility": "' + good.facility.encode() + b'"}',
        code="not_framed",
        says=("Confluent framing", "a zero byte"),
        kept_in="undecodable",
    ),
    "too_short": Bad(
        make=lambda _codec, _good: b"\x00\x01",
        code="not_framed",
        says=("Confluent framing",),
        kept_in="undecodable",
    ),
    "as_large_as_a_record_may_be": Bad(
        make=lambda codec, good: codec.encode(good) + b"\xa5" * MOST_BYTES,
        code="trailing_bytes",
        says=(f"{MOST_BYTES} bytes follow", "send one record a value"),
        kept_in="undecodable",
    ),
    "empty_value": Bad(
        make=lambda _codec, _good: b"",
        code="not_framed",
        says=("nothing", "Confluent framing"),
        kept_in="undecodable",
    ),
    "empty_body": Bad(
        make=lambda codec, good: codec.encode(good)[:HEADER_BYTES],
        code="empty_body",
        says=("no body", "send a whole record"),
        kept_in="undecodable",
    ),
    "truncated": Bad(
        make=lambda codec, good: codec.encode(good)[:-9],
        code="truncated",
        field="data_kind",
        says=("too early", "send the whole record"),
        kept_in="undecodable",
    ),
    "trailing_bytes": Bad(
        make=lambda codec, good: codec.encode(good) + b"\x00\x00\x00",
        code="trailing_bytes",
        says=("3 bytes follow", "send one record a value"),
        kept_in="undecodable",
    ),
    "a_whole_record_behind_the_body": Bad(
        make=lambda codec, good: codec.encode(good) + codec.encode(good)[HEADER_BYTES:],
        code="trailing_bytes",
        says=("bytes follow", "send one record a value"),
        kept_in="undecodable",
    ),
    "unknown_schema_id": Bad(
        make=lambda codec, good: (
            b"\x00" + UNKNOWN_ID.to_bytes(4, "big") + codec.encode(good)[HEADER_BYTES:]
        ),
        code="unknown_schema_id",
        says=(str(UNKNOWN_ID), "register the schema"),
        kept_in="undecodable",
    ),
    "tombstone": Bad(
        make=lambda _codec, _good: None,
        code="tombstone",
        says=("no tombstones", "send a reading"),
        kept_in="tombstones",
    ),
    "another_record_type": Bad(
        make=_misplaced,
        code="misplaced",
        says=(
            "Position does not belong on synergy.availability.v1",
            "send it to synergy.positions.v1",
        ),
        kept_in="undecodable",
    ),
    "a_rejection_sent_back": Bad(
        make=lambda codec, good: codec.encode(
            Rejected(
                origin=Coordinates(topic="t", partition=0, offset=0),
                code="wrong_unit",
                message="m",
                value=codec.encode(good),
                stage="balance",
            )
        ),
        code="misplaced",
        says=(
            "Rejected does not belong on synergy.availability.v1",
            "send it to synergy.rejected.v1",
        ),
        kept_in="undecodable",
    ),
    "a_facility_here": Bad(
        make=lambda codec, good: codec.encode(facility(good.facility, "forged")),
        code="misplaced",
        says=(
            "Facility does not belong on synergy.availability.v1",
            "send it to synergy.facilities.v1",
        ),
        kept_in="undecodable",
    ),
    "unknown_facility": Bad(
        make=lambda codec, good: codec.encode(replace(good, facility=_neighbour(good, 0))),
        code="unknown_facility",
        field="facility",
        says=("not enrolled", "publish it to the facilities topic"),
    ),
    "wrong_partition": Bad(
        make=lambda codec, good: codec.encode(replace(good, facility=_neighbour(good, 1))),
        code="wrong_partition",
        field="facility",
        says=("does not belong to this partition", "send to murmur2(facility)"),
    ),
    "unknown_material": Bad(
        make=changed(material="unobtainium"),
        code="unknown_material",
        field="material",
        says=("unobtainium", "use a catalogue id"),
    ),
    "wrong_unit": Bad(
        make=changed(unit="TNE"),
        code="wrong_unit",
        field="unit",
        says=("unit 'TNE'", "convert the quantity and send it in GRM"),
    ),
    "sequence_zero": Bad(
        make=changed(sequence=0),
        code="sequence_not_positive",
        field="sequence",
        says=("sequence 0", "count from 1"),
    ),
    "before_1970": Bad(
        make=changed(period_start=datetime(1, 1, 1, tzinfo=UTC)),
        code="period_out_of_range",
        field="period_start",
        says=("outside the years 1970 to 2199", "send microseconds since 1970 in UTC"),
    ),
    "period_end_before_start": Bad(
        make=lambda codec, good: codec.encode(replace(good, period_end=good.period_start - MINUTE)),
        code="period_end_before_start",
        field="period_end",
        says=("period_end", "need a period of some length"),
    ),
    "period_in_future": Bad(
        make=changed(period_end=_FUTURE),
        code="period_in_future",
        field="period_end",
        says=("more than 10 minutes after the log took", "mend the clock or the time zone"),
    ),
    "negative_quantity": Bad(
        make=changed(quantity=-TONNE),
        code="negative_quantity",
        field="quantity",
        says=("quantity -1000000 is negative", "names in corrects"),
    ),
    "absurd_quantity": Bad(
        make=changed(quantity=10**15),
        code="absurd_quantity",
        field="quantity",
        says=("beyond what one facility can have", "check unit and scale"),
    ),
    "the_largest_number": Bad(
        make=changed(quantity=2**63 - 1),
        code="absurd_quantity",
        field="quantity",
        says=("9223372036854775807", "check unit and scale"),
    ),
    "a_negative_correction_of_a_stock": Bad(
        make=changed(quantity=-TONNE, form=Form.STOCK, corrects="1"),
        code="negative_quantity",
        field="quantity",
        says=("only a flow",),
    ),
    "texts_without_end": Bad(
        make=changed(flags=("x" * 300_000, "y" * 300_000), formula="z" * 300_000),
        code="too_large",
        says=("bytes", "shorten"),
    ),
    "bad_property": Bad(
        make=changed(properties=(_NOT_A_NUMBER,)),
        code="bad_property",
        field="properties",
        says=("no number below", "send only finished analyses"),
    ),
    "mixed_basis": Bad(
        make=changed(basis=Basis.AS_RECEIVED),
        code="mixed_basis",
        field="basis",
        says=("dry and wet masses are never added", "convert the quantity"),
    ),
}

CODES = frozenset((*DECODE_CODES, *REASONS, "tombstone", "misplaced", "too_large"))
"""Every reason for which the balance stage may reject, but `internal_error`: no input is known to cause that."""
