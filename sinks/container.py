"""Blocks of records as the ledger inserts them: made of the raw record bodies, which Python itself never decodes.

Avro has no record length: a body that ends early, runs on or hides a second record would forge its neighbours. So a
block is decoded with a check value, drawn for the block, and the row behind every body; `decoded` sees when they are
not where they should be. Its columns go to the database as an Arrow stream (`arrow_stream`); what can't be decoded by
block goes there as an Avro container of the writer's fields and the lineage (`event_container`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import TypeVar, cast

import polars

from runtime.log import TopicPartition
from runtime.sink_source import Columns

_SYNC = b"synergy-ledger-1"
_RECORDS_A_BLOCK = 1000
_CHECK = {"name": "_check", "type": {"type": "fixed", "name": "LedgerCheck", "size": 8}}
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
_FRAME = {"name": "_frame", "type": {"type": "fixed", "name": "LedgerFrame", "size": 5}}
_ROW = {"name": "_row", "type": "long"}
_MILLISECONDS = polars.Datetime("ms", "UTC")
T = TypeVar("T")
_LONG_OFFSET = 64
"""From this offset on, its encoding has more than one byte."""
_FIRST_BYTES = [bytes((low << 1 | 0x80,)) for low in range(64)]
_LAST_BYTES = [bytes((low << 1,)) for low in range(64)]
FRAME_LENGTH = 5
"""Length of the Confluent framing: a zero byte and the schema id, big-endian."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which partition of which topic the records come from."""

    tp: TopicPartition
    topic_id: str


@dataclass(frozen=True, slots=True)
class ContainerFormat:
    """How records of one writer schema become containers for one table.

    `columns` are the fields that the table takes; `ignored` are the writer's fields that it has no column for (their
    bytes are kept in `_value`). `by_block` is False for a schema with an optional enum: polars panics on one.
    """

    table: str
    schema_id: int
    header: bytes
    checked_header: bytes
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    by_block: bool = True


def event_format(
    table: str, schema_id: int, writer_schema: str, table_columns: frozenset[str]
) -> ContainerFormat:
    """Make the format for events of a writer schema (its JSON text)."""
    fields = (_CHECK, *_LINEAGE, _SCHEMA_ID, _VALUE)
    return _format(
        table,
        schema_id,
        cast("dict[str, object]", json.loads(writer_schema)),
        fields,
        table_columns,
    )


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
    return _format(table, 0, schema, (_CHECK, *_LINEAGE), table_columns)


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
        _header({**schema, "fields": [*own, *lineage]}),
        _header({**schema, "fields": [_FRAME, *own, _CHECK, _ROW]}),
        tuple(name for name in names if name in table_columns),
        tuple(name for name in names if name not in table_columns and name != "_check"),
        not any(_is_optional_enum(field["type"]) for field in own),
    )


def _header(schema: Mapping[str, object]) -> bytes:
    text = json.dumps(schema, separators=(",", ":")).encode()
    meta = _long(2) + encode_text("avro.schema", text, "avro.codec", "null") + _long(0)
    return b"Obj\x01" + meta + _SYNC


def _is_optional_enum(kind: object) -> bool:
    branches = cast("list[object]", kind) if isinstance(kind, list) else []
    found = (cast("Mapping[str, object]", one) for one in branches if isinstance(one, Mapping))
    return any(one.get("type") == "enum" for one in found)


def event_container(form: ContainerFormat, place: Place, columns: Columns, check: bytes) -> bytes:
    """Make a container of framed events. Every value is framed with the format's schema id.

    The sink's hot path: what repeats is encoded once, and rows are joined a block at a time.
    """
    constant, schema_id = _constant_lineage(place), _long(form.schema_id)
    times = _Remembered[int](lambda timestamp_ms: constant + _long(timestamp_ms))
    keys = _Remembered["bytes | None"](lambda key: _optional_bytes(key) + schema_id)
    lengths = _Remembered[int](_long)
    values = cast("list[bytes]", columns.values)
    rows = zip(
        [value[FRAME_LENGTH:] for value in values],
        [check] * len(values),
        _offsets(columns.offsets),
        map(times.__getitem__, columns.timestamps_ms),
        map(keys.__getitem__, columns.keys),
        map(lengths.__getitem__, map(len, values)),
        values,
        strict=True,
    )
    return _container(form, rows)


def plain_container(
    form: ContainerFormat, place: Place, columns: Columns, bodies: Sequence[bytes], check: bytes
) -> bytes:
    """Make a container of rows whose own fields are already encoded in `bodies`."""
    constant = _constant_lineage(place)
    rows = (
        (body, check, _long(offset), constant, _long(timestamp_ms), _optional_bytes(key))
        for body, offset, timestamp_ms, key in zip(
            bodies, columns.offsets, columns.timestamps_ms, columns.keys, strict=True
        )
    )
    return _container(form, rows)


def encode_text(*texts: str | bytes) -> bytes:
    """Encode strings or bytes as Avro fields, one after the other."""
    return b"".join(_bytes(text if isinstance(text, bytes) else text.encode()) for text in texts)


def decoded(form: ContainerFormat, columns: Columns, check: bytes) -> polars.DataFrame | None:
    """Return the records' own columns, or None when some body is not used to its last byte and no further."""
    try:
        frame = polars.read_avro(io.BytesIO(_checked_container(form, columns, check)))
        rows = polars.Series(range(len(columns)), dtype=polars.Int64)
        found, drawn = frame.get_column("_row"), polars.Series([check], dtype=polars.Binary)
        if found.len() != rows.len() or not (found == rows).all():
            return None
        return frame if bool((frame.get_column("_check") == drawn).all()) else None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic of polars is no Exception
        return None


def _checked_container(form: ContainerFormat, columns: Columns, check: bytes) -> bytes:
    values = cast("list[bytes]", columns.values)
    data = b"".join(chain.from_iterable(zip(values, repeat(check), _row_numbers(len(values)))))
    return form.checked_header + _long(len(values)) + _long(len(data)) + data + _SYNC


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


def _constant_lineage(place: Place) -> bytes:
    topic, topic_id = place.tp.topic.encode(), place.topic_id.encode()
    return _bytes(topic) + _bytes(topic_id) + _long(place.tp.partition)


def _container(form: ContainerFormat, rows: Iterator[tuple[bytes, ...]]) -> bytes:
    parts = [form.header]
    while block := tuple(islice(rows, _RECORDS_A_BLOCK)):
        data = b"".join(chain.from_iterable(block))
        parts += (_long(len(block)), _long(len(data)), data, _SYNC)
    return b"".join(parts)


def _long(value: int) -> bytes:
    """Encode a long of Avro: zigzag, then seven bits a byte, lowest first."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


@lru_cache(maxsize=8)
def _row_numbers(count: int) -> tuple[bytes, ...]:
    return tuple(map(_long, range(count)))


def _offsets(offsets: Sequence[int]) -> Iterator[bytes]:
    """Encode offsets: of 64 that follow each other, all but the first byte is the same."""
    block, rest = -1, b""
    for offset in offsets:
        if offset >> 6 != block:
            block = offset >> 6
            rest = _long(block << 6)[1:]
        yield (_LAST_BYTES if offset < _LONG_OFFSET else _FIRST_BYTES)[offset & 63] + rest


def _bytes(value: bytes) -> bytes:
    return _long(len(value)) + value


def _optional_bytes(value: bytes | None) -> bytes:
    return b"\x00" if value is None else b"\x02" + _bytes(value)


class _Remembered(dict[T, bytes]):
    """Keeps what was encoded: timestamps, keys and lengths of one container repeat."""

    def __init__(self, encode: Callable[[T], bytes]) -> None:
        super().__init__()
        self._encode = encode

    def __missing__(self, value: T) -> bytes:
        found = self[value] = self._encode(value)
        return found
