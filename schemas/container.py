"""Avro object containers as blocks are read from: header, schema with our extra fields, sizes of numbers.

https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType

Int64s: TypeAlias = npt.NDArray[np.int64]

SYNC_MARKER: Final = bytes(16)
_VARINT_STEPS: Final = tuple(1 << (7 * count) for count in range(1, 10))


def varint(number: int) -> bytes:
    """Return a 64-bit number as Avro writes it.

    >>> varint(-65).hex()
    '8101'
    """
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def varint_sizes(values: Int64s) -> Int64s:
    """Return how many bytes each number takes in Avro, shape (n,).

    >>> varint_sizes(np.array([0, -64, 64, -(2**63)])).tolist()
    [1, 1, 2, 10]
    """
    return size_steps(((values << 1) ^ (values >> 63)).view(np.uint64), _VARINT_STEPS)


def size_steps(magnitudes: npt.NDArray[np.uint64], steps: tuple[int, ...]) -> Int64s:
    """Return 1 + how many of the ascending steps each magnitude reaches, shape (n,)."""
    if not len(magnitudes):
        return np.ones(0, dtype=np.int64)
    least = bisect_right(steps, int(magnitudes.min()))
    most = bisect_right(steps, int(magnitudes.max()))
    sizes = np.full(len(magnitudes), 1 + least)
    for step in steps[least:most]:
        sizes += magnitudes >= np.uint64(step)
    return sizes


def container_header(definition: Mapping[str, Any]) -> bytes:
    """Return everything of a container before its first block, uncompressed codec, sync marker of zeros."""
    schema = json.dumps(definition, separators=(",", ":")).encode()
    entries = [(b"avro.schema", schema), (b"avro.codec", b"null")]
    coded = b"".join(varint(len(part)) + part for entry in entries for part in entry)
    return b"Obj\x01" + varint(len(entries)) + coded + varint(0) + SYNC_MARKER


def block_definition(
    record: RecordType, before: tuple[dict[str, str], ...], after: tuple[dict[str, str], ...]
) -> dict[str, Any]:
    """Return the schema of a record for polars, between extra fields.

    Enums are ints: polars makes symbols global categories and panics at an index that is none. Named types are repeated
    under a name of their own: polars resolves no references.
    """
    fields = [
        {"name": field.name, "type": _definition(field.type, f"{record.name}_{field.name}")}
        for field in record.fields
    ]
    return {"type": "record", "name": record.name, "fields": [*before, *fields, *after]}


def _definition(kind: AvroType, path: str) -> object:
    match kind:
        case RecordType(_, _, fields):
            nested = [
                {"name": field.name, "type": _definition(field.type, f"{path}_{field.name}")}
                for field in fields
            ]
            return {"type": "record", "name": path, "fields": nested}
        case ArrayType(items):
            return {"type": "array", "items": _definition(items, path)}
        case Nullable(item):
            return ["null", _definition(item, path)]
        case EnumType():
            return "int"
        case Primitive(logical="timestamp-micros"):
            return {"type": "long", "logicalType": "timestamp-micros"}
        case Primitive(logical="decimal"):
            return {
                "type": "bytes",
                "logicalType": "decimal",
                "precision": kind.precision,
                "scale": kind.scale,
            }
        case Primitive():
            return kind.kind
