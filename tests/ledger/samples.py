"""Events as writers put them on topics, and a registry that knows their schemas."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import fastavro

AVRO = Path(__file__).parents[2] / "schemas" / "avro"
SCHEMA_IDS = {
    path.stem: number for number, path in enumerate(sorted(AVRO.glob("*.avsc")), start=100)
}
NOON = datetime(2007, 3, 1, 12, 0, tzinfo=UTC)
PLACE = {"topic": "synergy.availability.v1", "partition": 0, "offset": 7}


@dataclass(frozen=True, slots=True)
class FileSchemas:
    """A registry of the shipped schemas: `SCHEMA_IDS` by file name."""

    texts: Mapping[int, str]

    def text(self, schema_id: int) -> str | None:
        return self.texts.get(schema_id)


def registry() -> FileSchemas:
    return FileSchemas(
        {number: (AVRO / f"{name}.avsc").read_text("utf-8") for name, number in SCHEMA_IDS.items()}
    )


def frame(name: str, event: Mapping[str, object]) -> bytes:
    """Encode an event of the schema file `name` with Confluent framing."""
    parsed = fastavro.parse_schema(json.loads((AVRO / f"{name}.avsc").read_text("utf-8")))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, parsed, dict(event))
    return b"\x00" + SCHEMA_IDS[name].to_bytes(4, "big") + body.getvalue()


def availability(sequence: int, **changes: object) -> dict[str, object]:
    start = NOON + timedelta(minutes=15 * sequence)
    return {
        "id": UUID(int=sequence),
        "source": "meter-1",
        "facility": "mill",
        "epoch": 1,
        "sequence": sequence,
        "material": "fly-ash",
        "direction": "SUPPLY",
        "form": "FLOW",
        "source_kind": "METER",
        "quantity": 1000 + sequence,
        "unit": "GRM",
        "period_start": start,
        "period_end": start + timedelta(minutes=15),
        "observed_at": start + timedelta(minutes=16),
        "quality": "GOOD",
        "data_kind": "MEASURED",
        "basis": "DRY",
        "flags": ["substitute"],
        "properties": [
            {
                "name": "loi",
                "value": 6.5,
                "unit": "%",
                "method": None,
                "lot": "L1",
                "sampled_at": NOON,
                "valid_until": None,
            }
        ],
    } | changes


def tick(**changes: object) -> dict[str, object]:
    return {"programme": "ohio-valley", "time": NOON, "state": "RUNNING", "speed": 60.0} | changes


def rejected(offset: int, **changes: object) -> dict[str, object]:
    return {
        "origin": {**PLACE, "offset": offset},
        "code": "wrong_unit",
        "message": "the unit is wrong",
        "key": b"\xff",
        "stage": "balance",
    } | changes


def every_record() -> Mapping[str, dict[str, object]]:
    """Return one event of each schema file, with every optional field filled."""
    reason = {
        "code": "too_far",
        "subject": "kiln",
        "value": 1.5,
        "limit": 1.0,
        "unit": "km",
        "text": "by road",
    }
    facts: dict[str, object] = {
        "programme": "ohio-valley",
        "park": "north",
        "name": "Mill",
        "name_zh": "磨坊",
        "latitude": 39.5,
        "longitude": -80.5,
        "industry": "3510",
        "permits": ["hazardous:10 02 07"],
        "blocked": ["kiln"],
        "valid_from": NOON,
        "valid_to": NOON,
        "provenance": "REAL",
        "source": "register",
        "capacity": 800.0,
        "capacity_unit": "MW",
        "country": "US",
    }
    return {
        "alert": {
            "id": UUID(int=1),
            "programme": "ohio-valley",
            "rule": "stale",
            "severity": "WARNING",
            "state": "RAISED",
            "subject": "mill",
            "reasons": [reason],
            "coordinates": PLACE,
            "programme_time": NOON,
        },
        "availability": availability(
            1,
            moisture=0.25,
            formula="ash_from_heat",
            document="PO-7",
            revision=2,
            corrects="x",
        ),
        "command": {
            "id": UUID(int=2),
            "programme": "ohio-valley",
            "action": "accept",
            "subject": "m",
            "revision": 1,
            "side": "GIVER",
            "actor": "ann",
            "reason": "fits",
            "quantity": 5,
            "sent_at": NOON,
        },
        "facility": {"id": "mill", **facts},
        "facility_facts": {"facility": "mill", **facts, "removed": True},
        "match": _match(reason),
        "outcome": {
            "command": UUID(int=2),
            "programme": "ohio-valley",
            "accepted": False,
            "reason": "outdated",
            "allowed": ["decline"],
            "subject": "m",
            "revision": 3,
            "coordinates": PLACE,
        },
        "position": _position(),
        "rejected": rejected(7, field="unit", facility="mill", source="meter-1", value=b"\x00\xff"),
        "tick": tick(chapter="network tour"),
        "transaction": {
            "id": UUID(int=3),
            "programme": "ohio-valley",
            "agreement": UUID(int=4),
            "delivery": UUID(int=5),
            "match": UUID(int=6),
            "state": "weighed",
            "revision": 1,
            "giver": "mill",
            "receiver": "kiln",
            "material": "fly-ash",
            "unit": "GRM",
            "quantity": 9,
            "reason": "wet",
            "actor": "ann",
            "command": UUID(int=2),
            "corrects": UUID(int=7),
            "programme_time": NOON,
        },
        "unmatched": {
            "programme": "ohio-valley",
            "facility": "mill",
            "material": "fly-ash",
            "direction": "SUPPLY",
            "resolved": False,
            "reasons": [reason],
            "programme_time": NOON,
        },
    }


def _match(reason: Mapping[str, object]) -> dict[str, object]:

    money = Decimal("-1.2345")
    return {
        "id": UUID(int=6),
        "programme": "ohio-valley",
        "market": "ash",
        "revision": 1,
        "state": "PROPOSED",
        "giver": "mill",
        "receiver": "kiln",
        "material": "fly-ash",
        "use": "cement-raw-feed",
        "need": "kiln/ash",
        "treatment": "dryer",
        "unit": "GRM",
        "quantity_per_day": 10,
        "firm_per_day": 6,
        "interruptible_per_day": 4,
        "distance_km": 12.5,
        "distance_method": "great circle x 1.3",
        "verdict": "UNKNOWN",
        "margins": [
            {
                "property": "loi",
                "limit": 6.0,
                "relation": "AT_MOST",
                "value": 5.5,
                "unit": "%",
                "source": "ASTM C618",
            }
        ],
        "value": [
            {
                "side": "GIVER",
                "name": "avoided disposal",
                "low": money,
                "base": money,
                "high": money,
                "data_kind": "ASSUMED",
                "source": "tariff",
            }
        ],
        "gain_giver": money,
        "gain_receiver": money,
        "gain_low": money,
        "gain_high": money,
        "price_low": money,
        "price_high": money,
        "currency": "USD",
        "price_year": 2007,
        "co2e_kg_per_day": -3.5,
        "data_kind": "ESTIMATED",
        "reasons": [reason],
        "supply_position": PLACE,
        "need_position": PLACE,
        "sources": [PLACE],
        "programme_time": NOON,
    }


def _position() -> dict[str, object]:
    return {
        "programme": "ohio-valley",
        "facility": "mill",
        "material": "fly-ash",
        "direction": "SUPPLY",
        "as_of": NOON,
        "applied": PLACE,
        "latest": PLACE,
        "latest_source": "meter-1",
        "latest_sequence": 9,
        "source_kind": "METER",
        "data_kind": "MEASURED",
        "unit": "GRM",
        "quantity_24h": 96,
        "days_seen": 3,
        "firm_per_day": 90,
        "interruptible_per_day": 6,
        "stock": 1000,
        "stock_at": NOON,
        "plan_per_day": 100,
        "quality_good": 0.5,
        "quality_uncertain": 0.25,
        "quality_estimated": 0.25,
        "stale": False,
        "late": 1,
        "formula": "ash_from_heat",
        "basis": "DRY",
        "flags": ["substitute"],
        "properties": [
            {
                "name": "loi",
                "value": 6.5,
                "unit": "%",
                "method": "ASTM",
                "lot": "L1",
                "sampled_at": NOON,
                "valid_until": NOON,
            }
        ],
        "means": [{"name": "loi", "value": 6.25, "unit": "%", "quantity": 96}],
    }
