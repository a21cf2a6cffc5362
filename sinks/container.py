"""Blocks of records as the ledger inserts them.

What was decoded by column goes to the database as an Arrow stream (`arrow_stream`). Everything else goes there as an
Avro object container: raw record bodies, each found sound before, with the lineage fields behind the writer's own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

import polars

from runtime.log import TopicPartition
from runtime.sink_source import Columns
from schemas.codec import HEADER_BYTES
from schemas.container import SYNC_MARKER, container_header, varint

_RECORDS_A_BLOCK = 1000
_LINEAGE: tuple[Mapping[str, object], ...] = (
    {"name": "_offset", "type": "long"},
    {"name": "_topic", "type": "string"},
    {"name": "_topic_id", "type": "string"},
    {"name": "_partition", "type": "int"},
    {"name": "_timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "_key", "type": ["null", "bytes"]},
)
_SCHEMA_ID: Mapping[str, object] = {"name": "_schema_id", "type": "int"}
_VALUE: Mapping[str, object] = {"name": "_value", "type": "bytes"}
_MILLISECONDS = polars.Datetime("ms", "UTC")
FRAME_LENGTH = HEADER_BYTES
"""Length of the Confluent framing: a zero byte and the schema id, big-endian."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which partition of which topic the records come from."""

    tp: TopicPartition
    topic_id: str


@dataclass(frozen=True, slots=True)
class ContainerFormat:
    """How records of one writer schema become rows of one table.

    `columns` are the fields that the table takes; `ignored` are the writer's fields that it has no column for (their
    bytes are kept in `_value`).
    """

    table: str
    schema_id: int
    header: bytes
    columns: tuple[str, ...]
    ignored: tuple[str, ...]


def event_format(
    table: str, schema_id: int, writer_schema: str, table_columns: frozenset[str]
) -> ContainerFormat:
    """Make the format for events of a writer schema (its JSON text)."""
    schema = cast("dict[str, object]", json.loads(writer_schema))
    return _format(table, schema_id, schema, (*_LINEAGE, _SCHEMA_ID, _VALUE), table_columns)


def plain_format(
    table: str, fields: Sequence[Mapping[str, object]], table_columns: frozenset[str]
) -> ContainerFormat:
    """Make the format for rows that the sink writes itself: undecodable records and tombstones."""
    schema: dict[str, object] = {
        "type": "record",
        "name": "Row",
        "namespace": "synergy.ledger",
        "fields": [*fields],
    }
    return _format(table, 0, schema, _LINEAGE, table_columns)


def _format(
    table: str,
    schema_id: int,
    schema: dict[str, object],
    lineage: Sequence[Mapping[str, object]],
    table_columns: frozenset[str],
) -> ContainerFormat:
    own = cast("list[Mapping[str, object]]", schema["fields"])
    names = [str(field["name"]) for field in (*own, *lineage)]
    return ContainerFormat(
        table,
        schema_id,
        container_header({**schema, "fields": [*own, *lineage]}),
        tuple(name for name in names if name in table_columns),
        tuple(name for name in names if name not in table_columns),
    )


def event_container(form: ContainerFormat, place: Place, columns: Columns) -> bytes:
    """Make a container of sound framed events. Every value is framed with the format's schema id."""
    values = cast("list[bytes]", columns.values)
    schema_id = varint(form.schema_id)
    rows = (
        (value[FRAME_LENGTH:], lineage, schema_id, _bytes(value))
        for value, lineage in zip(values, _lineage(place, columns), strict=True)
    )
    return _container(form, rows)


def plain_container(
    form: ContainerFormat, place: Place, columns: Columns, bodies: Sequence[bytes]
) -> bytes:
    """Make a container of rows whose own fields are already encoded in `bodies`."""
    return _container(form, zip(bodies, _lineage(place, columns), strict=True))


def encode_text(*texts: str | bytes) -> bytes:
    """Encode strings or bytes as Avro fields, one after the other."""
    return b"".join(_bytes(text if isinstance(text, bytes) else text.encode()) for text in texts)


def arrow_stream(
    form: ContainerFormat, place: Place, columns: Columns, frame: polars.DataFrame
) -> bytes:
    """Write decoded records, with where they stand in Kafka, as an Arrow stream of one record batch."""
    lineage = (
        polars.Series("_offset", columns.offsets, polars.Int64),
        polars.lit(place.tp.topic).alias("_topic"),
        polars.lit(place.topic_id).alias("_topic_id"),
        polars.lit(place.tp.partition, polars.Int32).alias("_partition"),
        polars.Series("_timestamp", columns.timestamps_ms, polars.Int64).cast(_MILLISECONDS),
        polars.Series("_key", columns.keys, polars.Binary),
        polars.lit(form.schema_id, polars.Int32).alias("_schema_id"),
        polars.Series("_value", columns.values, polars.Binary),
    )
    stream = io.BytesIO()
    taken = frame.with_columns(*lineage).select(form.columns).rechunk()
    taken.write_ipc_stream(stream, compat_level=polars.CompatLevel.oldest())
    return stream.getvalue()


def _lineage(place: Place, columns: Columns) -> Iterator[bytes]:
    constant = encode_text(place.tp.topic, place.topic_id) + varint(place.tp.partition)
    for offset, timestamp_ms, key in zip(
        columns.offsets, columns.timestamps_ms, columns.keys, strict=True
    ):
        last = b"\x00" if key is None else b"\x02" + _bytes(key)
        yield varint(offset) + constant + varint(timestamp_ms) + last


def _container(form: ContainerFormat, rows: Iterator[tuple[bytes, ...]]) -> bytes:
    parts = [form.header]
    while block := tuple(islice(rows, _RECORDS_A_BLOCK)):
        data = b"".join(chain.from_iterable(block))
        parts += (varint(len(block)), varint(len(data)), data, SYNC_MARKER)
    return b"".join(parts)


def _bytes(value: bytes) -> bytes:
    return varint(len(value)) + value
