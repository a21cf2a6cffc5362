"""Row encoding and decoding: one event to one Kafka value and back.

A value is Avro in Confluent framing: a zero byte, the schema id as four bytes big-endian, the body. fastavro reads and
writes bodies with the logical types taken off; UUIDs, times and decimals are converted here, exactly and strictly.

This module is pure: no I/O beyond the packaged schema files, no clock (gate: import-linter and ruff TID251).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import groupby
from types import MappingProxyType
from typing import Final, cast

import fastavro
from fastavro.validation import ValidationError, validate

from schemas.avro_files import RecordSchema, record_schemas
from schemas.body import check_body
from schemas.column_writer import FEWEST, write_bodies
from schemas.conversion import Plain, from_plain, plain_definition, to_plain
from schemas.errors import DecodeError, DefinitionError, EncodeError
from schemas.events import Event

MAGIC: Final = b"\x00"
HEADER_BYTES: Final = 5


def frame_header(schema_id: int) -> bytes:
    """Return the five bytes before a body.

    >>> frame_header(258).hex()
    '0000000102'
    """
    return MAGIC + schema_id.to_bytes(4, "big")


def schema_id_of(value: bytes) -> int:
    """Return the schema id of a framed value.

    Raises:
        DecodeError: `not_framed` or `empty_body`.
    """
    if len(value) < HEADER_BYTES or value[0] != 0:
        raise DecodeError(
            "not_framed",
            None,
            f"the value starts with {value[:HEADER_BYTES].hex() or 'nothing'}: send Avro in Confluent framing "
            "(a zero byte, the schema id as four bytes, the body)",
        )
    if len(value) == HEADER_BYTES:
        raise DecodeError("empty_body", None, "the value has no body: send a whole record")
    return int.from_bytes(value[1:HEADER_BYTES], "big")


class Codec:
    """Encodes with the current schemas; decodes every schema id that it knows.

    Args:
        ids: schema id of the current version, by record name; a record without an id can be neither written nor read.
        earlier: schemas of other versions, by id; their records are read with the current schema's defaults.

    Raises:
        DefinitionError: a record is unknown or an id is used twice.
    """

    __slots__ = ("_readers", "_writers", "ids", "schemas")

    def __init__(
        self, ids: Mapping[str, int], earlier: Mapping[int, RecordSchema] = MappingProxyType({})
    ) -> None:
        current = record_schemas()
        if unknown := sorted(ids.keys() - current.keys()):
            raise DefinitionError(f"no schema file for {', '.join(unknown)} in schemas/avro/")
        schemas = {schema_id: current[record] for record, schema_id in ids.items()}
        if len(schemas) != len(ids) or schemas.keys() & earlier.keys():
            raise DefinitionError(f"a schema id is used twice: {dict(ids)} and {sorted(earlier)}")
        self.ids: Mapping[str, int] = MappingProxyType(dict(ids))
        self.schemas: Mapping[int, RecordSchema] = MappingProxyType({**schemas, **earlier})
        self._writers = {
            schema.event: _Writer(schema, schema_id) for schema_id, schema in schemas.items()
        }
        self._readers = {
            schema_id: _Reader(schema, current[schema.record], schema_id)
            for schema_id, schema in self.schemas.items()
        }

    def encode(self, event: Event) -> bytes:
        """Return the framed value of an event of `schemas.events`.

        Decimals are rounded half to even at the schema's scale; everything else is exact.

        Raises:
            EncodeError: the event's record has no id, or a field holds what its type can't: a time without zone, a
                number out of range, a symbol that is not of its enum.
        """
        writer = self._writers.get(type(event))
        if writer is None:
            raise EncodeError(
                type(event).__name__, None, f"no schema id for it among {dict(self.ids)}"
            )
        return writer.write(event)

    def encode_many(self, events: Iterable[Event]) -> list[bytes]:
        """Return the framed values of many events, in order. Raises as `encode`.

        Runs of one record are written by column, at a quarter of the CPU.
        """
        runs = (list(run) for _, run in groupby(events, type))
        return [value for run in runs for value in self._encode_run(run)]

    def _encode_run(self, run: list[Event]) -> list[bytes]:
        writer = self._writers.get(type(run[0]))
        if writer is not None and len(run) >= FEWEST:
            with suppress(Exception):  # the row codec says which field is wrong
                return writer.write_many(run)
        return [self.encode(event) for event in run]

    def decode(self, value: bytes) -> Event:
        """Return the event of a framed value; every byte of it was used.

        Raises:
            DecodeError: the value is no event; code and field say why.
        """
        return self._reader(value).read(value)

    def canonical(self, value: bytes) -> bytes:
        """Return the value with its body in the shortest encoding, by the schema it was written with.

        Raises:
            DecodeError: as `decode`.
        """
        return self._reader(value).rewrite(value)

    def record_name(self, value: bytes) -> str:
        """Return the record name of a framed value, without reading its body.

        Raises:
            DecodeError: `not_framed`, `empty_body` or `unknown_schema_id`.
        """
        return self._reader(value).schema.record

    def fits(self, value: bytes) -> bool:
        """Whether the body is one record from its first byte to its last; says nothing of what is in it. Quick."""
        reader = self._readers.get(int.from_bytes(value[1:HEADER_BYTES], "big"))
        return value[:1] == MAGIC and reader is not None and reader.fits(value)

    def reading(self, more: Mapping[int, RecordSchema]) -> Codec:
        """Return a codec that writes the same and reads more schema ids."""
        earlier = {
            schema_id: schema
            for schema_id, schema in self.schemas.items()
            if self.ids.get(schema.record) != schema_id
        }
        return Codec(self.ids, {**earlier, **more})

    def unknown_ids(self, values: Iterable[bytes | None]) -> frozenset[int]:
        """Return the schema ids of framed values that this codec can't read, to ask a registry for them."""
        headers = {value[:HEADER_BYTES] for value in values if value and len(value) > HEADER_BYTES}
        found = {int.from_bytes(header[1:], "big") for header in headers if header[0] == 0}
        return frozenset(found - self.schemas.keys())

    def fields_of(self, value: bytes) -> frozenset[str]:
        """Return the fields that the writer of a framed value knew; the others have the defaults of the present schema.

        Raises:
            DecodeError: the schema id is not known.
        """
        return frozenset(field.name for field in self._reader(value).schema.type.fields)

    def _reader(self, value: bytes) -> _Reader:
        schema_id = schema_id_of(value)
        reader = self._readers.get(schema_id)
        if reader is None:
            raise DecodeError(
                "unknown_schema_id",
                None,
                f"schema id {schema_id} is not known here: register the schema, then publish "
                f"(known: {', '.join(map(str, sorted(self.schemas)))})",
            )
        return reader


class _Writer:
    """Writes the events of one record."""

    __slots__ = ("_convert", "_header", "_parsed", "_record", "_type")

    def __init__(self, schema: RecordSchema, schema_id: int) -> None:
        self._record = schema.record
        self._type = schema.type
        self._header = frame_header(schema_id)
        self._parsed = fastavro.parse_schema(plain_definition(schema.definition))
        self._convert = to_plain(schema.type)

    def write(self, event: Event) -> bytes:
        plain = self._convert(event)
        stream = BytesIO()
        stream.write(self._header)
        try:
            fastavro.schemaless_writer(stream, self._parsed, plain)
        except Exception as error:  # fastavro raises many types for a wrong value
            raise self._explain(plain, error) from error
        return stream.getvalue()

    def write_many(self, events: Sequence[Event]) -> list[bytes]:
        """Raise whatever happens: `write` explains it."""
        return [self._header + body for body in write_bodies(self._type, events)]

    def _explain(self, plain: Plain, error: Exception) -> EncodeError:
        try:
            validate(plain, self._parsed, strict=True)
        except ValidationError as invalid:
            first = str(
                cast(object, invalid.errors[0])
            )  # "synergy.v1.Availability.sequence is <x> of type ..."
            field = first.partition(" is ")[0].rpartition(".")[2]
            return EncodeError(self._record, field, first)
        return EncodeError(self._record, None, f"{type(error).__name__}: {error}")


class _Reader:
    """Reads the values of one schema id into events of the current schema."""

    __slots__ = ("_convert", "_header", "_resolved", "_written", "schema")

    def __init__(self, schema: RecordSchema, current: RecordSchema, schema_id: int) -> None:
        self.schema = schema
        self._header = frame_header(schema_id)
        self._written = fastavro.parse_schema(plain_definition(schema.definition))
        self._convert = from_plain(current.type)
        self._resolved = (
            None
            if schema.type == current.type
            else fastavro.parse_schema(plain_definition(current.definition))
        )

    def read(self, value: bytes) -> Event:
        plain = self._plain(value)
        if self._resolved is not None:
            stream = BytesIO(value)
            stream.seek(HEADER_BYTES)
            plain = cast(Plain, fastavro.schemaless_reader(stream, self._written, self._resolved))
        try:
            return cast(Event, self._convert(plain))
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise self._explain(value, error) from error

    def fits(self, value: bytes) -> bool:
        stream = BytesIO(value)
        stream.seek(HEADER_BYTES)
        try:
            fastavro.schemaless_reader(stream, self._written, None)
        except Exception:  # fastavro raises many types for wrong bytes
            return False
        return stream.tell() == len(value)

    def rewrite(self, value: bytes) -> bytes:
        plain = self._plain(value)
        check_body(self.schema.type, value[HEADER_BYTES:])
        return self._write(plain)

    def _plain(self, value: bytes) -> Plain:
        """Read the body; what is not written in the shortest form has to pass the strict walk."""
        stream = BytesIO(value)
        stream.seek(HEADER_BYTES)
        try:
            plain = cast(Plain, fastavro.schemaless_reader(stream, self._written, None))
            shortest = self._write(plain)
        except Exception as error:  # fastavro raises many types for wrong bytes
            raise self._explain(value, error) from error
        if shortest != value:
            check_body(self.schema.type, value[HEADER_BYTES:])
        return plain

    def _write(self, plain: Plain) -> bytes:
        stream = BytesIO()
        stream.write(self._header)
        fastavro.schemaless_writer(stream, self._written, plain)
        return stream.getvalue()

    def _explain(self, value: bytes, error: Exception) -> DecodeError:
        try:
            check_body(self.schema.type, value[HEADER_BYTES:])
        except DecodeError as found:
            return found
        return DecodeError(
            "wrong_avro", None, f"{type(error).__name__}: {error}; write it with its id's schema"
        )
