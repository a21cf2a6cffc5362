"""Writer schemas as the ledger knows them: which table their records go to, and how one record is decoded alone."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import fastavro
import polars
from fastavro.types import Schema

from schemas.avro_files import parse_schema, record_schemas
from schemas.block_reader import MOST_ROWS, BlockReader
from schemas.body import check_body
from schemas.compatibility import Definition, unreadable
from schemas.errors import DecodeError, DefinitionError, SchemaError
from schemas.symbols import with_symbols
from schemas.topic_files import topic_files
from sinks.container import FRAME_LENGTH, ContainerFormat, event_format
from sinks.ledger_tables import TABLE_OF_RECORD, TableColumns

MOST_TEXT = 500


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
    """Why a record is no event: the reason codes are those of the stages' rejections."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Writer:
    """One writer schema: how its records become rows, and how one of them is decoded alone.

    `reader` reads blocks as this product decodes the record; None when the schema has what this program does not know.
    """

    form: ContainerFormat
    record: str
    structure: Schema
    reader: BlockReader | None

    def misplaced(self, topic: str) -> Bad | None:
        """Return what is wrong with these records on a topic, or None where its file names them."""
        known = topic_files().get(topic)
        if known is None or self.record in known.records:
            return None
        takes = ", ".join(known.records)
        return Bad("misplaced", f"{self.record} does not belong on {topic}, which takes {takes}")

    def fault(self, value: bytes) -> Bad | None:
        """Return what is wrong with a framed value, or None when its body is used to the last byte."""
        body = io.BytesIO(value[FRAME_LENGTH:])
        try:
            fastavro.schemaless_reader(body, self.structure, None)
        except Exception as error:  # the decoder raises whatever the bytes lead it to
            return self.explained(value) or Bad(
                "wrong_avro",
                f"the body is no {self.record}: {type(error).__name__}: {error}"[:MOST_TEXT],
            )
        left = len(value) - FRAME_LENGTH - body.tell()
        if not left:
            return None
        return self.explained(value) or Bad(
            "trailing_bytes", f"{left} bytes follow the {self.record}: send one record a value"
        )

    def columns(self, values: Sequence[bytes], check: bytes) -> polars.DataFrame | None:
        """Return framed values by column, or None when any is not the shortest encoding of one valid record.

        Args:
            values: all framed with this writer's schema id.
            check: random, drawn for these values and told to nobody.
        """
        if self.reader is None or len(values) > MOST_ROWS:
            return None
        frame = self.reader.read(self.reader.lay_out(values, int.from_bytes(check) >> 1))
        return None if frame is None else with_symbols(frame, self.reader.record)

    def explained(self, value: bytes) -> Bad | None:
        """Return what the product's own decoder says of a value; it also looks at times, UUIDs and texts."""
        if self.reader is None:
            return None
        try:
            check_body(self.reader.record, value[FRAME_LENGTH:])
        except DecodeError as error:
            where = f"{error.field}: " if error.field else ""
            return Bad(error.code, f"{where}{error.message}"[:MOST_TEXT])
        return None


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
                f"the value starts with {frame.hex() or 'nothing'}: send Avro in Confluent framing "
                "(a zero byte, the schema id as four bytes, the body)",
            )
        schema_id = int.from_bytes(frame[1:], "big")
        known = self._known.get(schema_id)
        if known is None:
            text = self.schemas.text(schema_id)
            if text is None:
                return Bad(
                    "unknown_schema_id",
                    f"the registry has no schema with id {schema_id}: register it, then publish",
                )
            known = self._known[schema_id] = self._learn(schema_id, text)
        return known

    def _learn(self, schema_id: int, text: str) -> Writer | Bad:
        try:
            structure = fastavro.parse_schema(cast("Schema", _structure(json.loads(text))))
        except Exception as error:  # JSON and Protobuf schemas have ids too
            return Bad("unknown_record", f"schema {schema_id} is no Avro: {type(error).__name__}")
        name = str(structure.get("name", "")) if isinstance(structure, dict) else ""
        table = TABLE_OF_RECORD.get(name)
        if table is None:
            return Bad(
                "unknown_record",
                f"schema {schema_id} is of {name or 'no record'}: the ledger has no such table",
            )
        record = name.rpartition(".")[2]
        differs = _differs(cast("dict[str, object]", json.loads(text)), record)
        if differs is not None:
            return Bad("wrong_schema", f"schema {schema_id} is no {record}: {differs}"[:MOST_TEXT])
        form = event_format(table, schema_id, text, self.tables.of(table))
        return Writer(form, record, structure, _reader(text))


def _differs(schema: dict[str, object], record: str) -> str | None:
    """Return why what such a schema writes is no event for the tables, though its name is that of one.

    A subject keeps its own versions compatible, and nobody keeps another subject from using the name.
    """
    if schema.get("type") != "record":
        return f"it is of type {schema.get('type')}, not a record"
    own = [
        str(one["name"])
        for one in cast("list[dict[str, object]]", schema["fields"])
        if str(one["name"]).startswith("_")
    ]
    if own:
        return f"names such as {own[0]} are the ledger's own: rename the field"
    shipped = cast("Definition", _structure(json.loads(record_schemas()[record].text)))
    try:
        return unreadable(shipped, cast("Definition", _structure(schema)))
    except SchemaError as error:
        return str(error)


def _reader(text: str) -> BlockReader | None:
    try:
        return BlockReader(parse_schema(text).type)
    except DefinitionError:
        return None


def _structure(schema: object) -> object:
    """Return the schema without logical types: whether the bytes fit is a question of structure alone."""
    if isinstance(schema, list):
        return [_structure(item) for item in cast("list[object]", schema)]
    if isinstance(schema, dict):
        items = cast("dict[str, object]", schema).items()
        return {name: _structure(value) for name, value in items if name != "logicalType"}
    return schema
