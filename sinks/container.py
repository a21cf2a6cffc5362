"""Avro object containers made of raw record bodies: what the ledger inserts, never decoded in Python.

A container has one schema: the writer's, with the lineage fields behind its own. The first of them is a check value
drawn for the container; it and the offset stand behind every body, so a body that ends early, runs on or hides a second
record shifts them, and the block check below sees that. Avro itself has no record length and would not.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
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
    extended = json.dumps({**schema, "fields": [*own, *lineage]}, separators=(",", ":")).encode()
    names = [str(field["name"]) for field in (*own, *lineage)]
    return ContainerFormat(
        table,
        schema_id,
        b"Obj\x01"
        + _long(2)
        + encode_text("avro.schema", extended, "avro.codec", "null")
        + _long(0)
        + _SYNC,
        tuple(name for name in names if name in table_columns),
        tuple(name for name in names if name not in table_columns and name != "_check"),
        not any(_is_optional_enum(field["type"]) for field in own),
    )


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


def read_sound(container: bytes, offsets: Sequence[int], check: bytes) -> polars.DataFrame | None:
    """Return the container's rows if they are exactly these: each body was used to its last byte and no further."""
    try:
        frame = polars.read_avro(io.BytesIO(container))
        found = frame.get_column("_offset")
        if (
            found.len() != len(offsets)
            or not (found == polars.Series(offsets, dtype=polars.Int64)).all()
        ):
            return None
        drawn = polars.Series([check], dtype=polars.Binary)
        return frame if bool((frame.get_column("_check") == drawn).all()) else None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic of polars is no Exception
        return None


def arrow_stream(frame: polars.DataFrame, form: ContainerFormat) -> bytes:
    """Write the columns that the table takes as an Arrow stream of one record batch."""
    stream = io.BytesIO()
    taken = frame.select(form.columns).rechunk()
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
