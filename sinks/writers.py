"""Writer schemas as the ledger knows them: which table their records go to, and how one record is decoded alone."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Protocol, cast

import fastavro
from fastavro.types import Schema

from sinks.container import FRAME_LENGTH, ContainerFormat, event_format
from sinks.ledger_tables import TABLE_OF_RECORD, TableColumns


class WriterSchemas(Protocol):
    """Where the schemas come from that records were written with."""

    def text(self, schema_id: int) -> str | None:
        """Return the schema's JSON text, or None when the registry does not know the id.

        Raises:
            SchemasUnavailableError: the registry can't be asked, so nothing may be decided.
        """
        ...


class SchemasUnavailableError(Exception):
    """The schema registry can't be reached."""


@dataclass(frozen=True, slots=True)
class Bad:
    """Why a record is no event."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer schema: how its records become containers, and how one of them is decoded alone."""

    form: ContainerFormat
    structure: Schema

    def fault(self, value: bytes) -> Bad | None:
        """Return what is wrong with a framed value, or None when its body is used to the last byte."""
        body = io.BytesIO(value[FRAME_LENGTH:])
        try:
            fastavro.schemaless_reader(body, self.structure, None)
        except Exception as error:  # the decoder raises whatever the bytes lead it to
            return Bad(
                "wrong_avro",
                f"the body is no {self.form.table} record: {type(error).__name__}: {error}"[:500],
            )
        left = len(value) - FRAME_LENGTH - body.tell()
        return Bad("trailing_bytes", f"{left} bytes are left behind the record") if left else None


@dataclass(slots=True)
class Writers:
    """The writers seen so far, by schema id. A schema that the registry did not know is asked for again."""

    tables: TableColumns
    schemas: WriterSchemas
    _known: dict[int, Writer | Bad] = field(default_factory=dict[int, "Writer | Bad"])

    def of(self, frame: bytes) -> Writer | Bad:
        """Return the writer of values that start with this frame, or why there is none.

        Raises SchemasUnavailableError.
        """
        if len(frame) < FRAME_LENGTH or frame[0] != 0:
            return Bad(
                "not_framed",
                "the value does not start with a zero byte and a schema id of four bytes",
            )
        schema_id = int.from_bytes(frame[1:], "big")
        known = self._known.get(schema_id)
        if known is None:
            text = self.schemas.text(schema_id)
            if text is None:
                return Bad("unknown_schema", f"the registry has no schema with id {schema_id}")
            known = self._known[schema_id] = self._learn(schema_id, text)
        return known

    def _learn(self, schema_id: int, text: str) -> Writer | Bad:
        structure = fastavro.parse_schema(cast("Schema", _structure(json.loads(text))))
        name = str(structure.get("name", "")) if isinstance(structure, dict) else ""
        table = TABLE_OF_RECORD.get(name)
        if table is None:
            return Bad(
                "unknown_record",
                f"schema {schema_id} is of {name or 'no record'}: the ledger has no such table",
            )
        return Writer(event_format(table, schema_id, text, self.tables.of(table)), structure)


def _structure(schema: object) -> object:
    """Return the schema without logical types: whether the bytes fit is a question of structure alone."""
    if isinstance(schema, list):
        return [_structure(item) for item in cast("list[object]", schema)]
    if isinstance(schema, dict):
        items = cast("dict[str, object]", schema).items()
        return {name: _structure(value) for name, value in items if name != "logicalType"}
    return schema
