"""Schemas that are not the product's and have the name of one of its records: another subject may register any."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fastavro
import pytest

from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import AVRO, FileSchemas, availability

SHIPPED: Any = json.loads((AVRO / "availability.avsc").read_text("utf-8"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[EngineLedger]:
    with open_ledger(tmp_path / "ledger") as opened:
        yield opened


def _written_as(changed: Mapping[str, object], event: Mapping[str, object]) -> bytes:
    body = io.BytesIO()
    schema = {**SHIPPED, **changed}
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), dict(event))
    return body.getvalue()


def _fields(*more: Mapping[str, object], **types: object) -> Mapping[str, object]:
    known = [{**one, "type": types.get(one["name"], one["type"])} for one in SHIPPED["fields"]]
    return {"fields": [*known, *more]}


FOREIGN: Mapping[str, tuple[Mapping[str, object], Mapping[str, object], str]] = {
    "another type": (_fields(quantity="string"), {"quantity": "lots"}, "quantity"),
    "a type that would be rounded": (_fields(quantity="double"), {"quantity": 1.5}, "quantity"),
    "nothing where there is a number": (
        _fields(quantity=["null", "long"]),
        {"quantity": None},
        "null",
    ),
    "a record where there is a number": (
        _fields(
            quantity={"type": "record", "name": "Q", "fields": [{"name": "n", "type": "long"}]}
        ),
        {"quantity": {"n": 5}},
        "quantity",
    ),
    "a name of the ledger": (
        _fields({"name": "_offset", "type": "long"}),
        {"_offset": 7},
        "_offset",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_schema_of_the_same_name_that_says_something_else_stops_nothing(
    ledger: EngineLedger, case: str
) -> None:
    changed, values, named = FOREIGN[case]
    schema = {**SHIPPED, **changed}
    ledger.schemas = FileSchemas({**ledger.schemas.texts, 999: json.dumps(schema)})
    ledger.append("availability", availability(1))
    ledger.append_bytes(
        b"\x00" + (999).to_bytes(4, "big") + _written_as(changed, availability(2, **values))
    )
    ledger.append("availability", availability(3))
    ledger.drain()
    [(reason, message)] = ledger.all("SELECT reason, message FROM undecodable")
    assert reason == "wrong_schema"
    assert named in str(message)
    assert ledger.all("SELECT sequence FROM availability ORDER BY 1") == [(1,), (3,)]


def test_a_schema_with_a_field_more_is_read(ledger: EngineLedger) -> None:
    changed = _fields({"name": "shift", "type": "string", "default": ""})
    schema = {**SHIPPED, **changed}
    ledger.schemas = FileSchemas({**ledger.schemas.texts, 999: json.dumps(schema)})
    ledger.append_bytes(
        b"\x00" + (999).to_bytes(4, "big") + _written_as(changed, availability(2, shift="night"))
    )
    ledger.drain()
    assert ledger.all("SELECT sequence, quantity FROM availability") == [(2, 1002)]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "enum", "name": "Availability", "namespace": "synergy.v1", "symbols": ["A"]},
        {"type": "fixed", "name": "Availability", "namespace": "synergy.v1", "size": 4},
        {**SHIPPED, "fields": [{**SHIPPED["fields"][0], "order": "bad"}, *SHIPPED["fields"][1:]]},
        {**SHIPPED, "fields": [SHIPPED["fields"][0], *SHIPPED["fields"]]},
    ],
    ids=["an enum", "a fixed", "an order that is none", "a field twice"],
)
def test_whatever_has_the_name_of_a_record_stops_nothing(ledger: EngineLedger, schema: Any) -> None:
    ledger.schemas = FileSchemas({**ledger.schemas.texts, 999: json.dumps(schema)})
    ledger.append("availability", availability(1))
    ledger.append_bytes(b"\x00" + (999).to_bytes(4, "big") + b"\x00")
    ledger.append("availability", availability(3))
    ledger.drain()
    assert ledger.all("SELECT reason FROM undecodable") in (
        [("wrong_schema",)],
        [("unknown_record",)],
    )
    assert ledger.all("SELECT sequence FROM availability ORDER BY 1") == [(1,), (3,)]
