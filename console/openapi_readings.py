"""What `POST /api/v1/readings` takes and answers, as JSON schemas; a test compares the fields with the gateway's."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]
_TEXT: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 200}
_TIME: Final[Json] = {"type": "string", "format": "date-time"}
_NUMBER: Final[Json] = {"anyOf": [{"type": "number"}, {"type": "string"}]}
KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Chosen for each batch; the same key again adds nothing and is answered the same.",
    "schema": {"type": "string", "pattern": "^[!-~]{8,200}$"},
}
READING: Final[Json] = {
    "type": "object",
    "required": ["facility", "material", "direction", "quantity", "unit"],
    "additionalProperties": False,
    "properties": {
        "facility": _TEXT,
        "material": {**_TEXT, "description": "Id, name or alias in the catalogue."},
        "direction": {"type": "string", "enum": ["supply", "demand"]},
        "quantity": _NUMBER,
        "unit": {**_TEXT, "description": "UN/ECE Rec 20 code, symbol or name.", "example": "TNE"},
        "per": {"type": "string", "enum": ["h", "d", "min"], "description": "It is a rate."},
        "hours": {"type": "number", "exclusiveMinimum": 0, "maximum": 840},
        "period_start": _TIME,
        "period_end": _TIME,
        "form": {"type": "string", "enum": ["flow", "stock", "plan"], "default": "flow"},
        "properties": {"type": "object", "description": "Analyses.", "example": {"loi": 7.1}},
        "basis": {"type": "string", "enum": ["dry", "as_received", "not_applicable"]},
        "source": {**_TEXT, "description": "The meter's name."},
        "source_kind": {"type": "string", "enum": ["meter", "erp", "manual", "replay"]},
        "data_kind": {"type": "string", "enum": ["measured", "estimated", "assumed", "simulated"]},
        "quality": {"type": "string", "enum": ["good", "uncertain", "estimated", "bad"]},
        "formula": _TEXT,
        "document": _TEXT,
        "revision": {"type": "integer", "minimum": 1},
        "corrects": _TEXT,
    },
}
BATCH: Final[Json] = {
    "type": "object",
    "required": ["readings"],
    "additionalProperties": False,
    "properties": {
        "readings": {"type": "array", "minItems": 1, "maxItems": 1000, "items": READING}
    },
}
RECEIPT: Final[Json] = {
    "type": "object",
    "required": ["accepted", "key", "durable", "readings", "warnings"],
    "properties": {
        "accepted": {"type": "integer"},
        "key": {"type": "string"},
        "durable": {"type": "string", "enum": ["spool"]},
        "readings": {"type": "array", "items": {"type": "object"}},
        "warnings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "field", "message", "fix"],
                "properties": {
                    "index": {"type": "integer"},
                    "field": _TEXT,
                    "message": _TEXT,
                    "fix": _TEXT,
                },
            },
        },
    },
}
