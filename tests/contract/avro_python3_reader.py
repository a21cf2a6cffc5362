"""Run by an interpreter that has avro-python3 alone: reads bodies from stdin, writes what it read to stdout.

Input and output are JSON lists; an entry of the input has the schema's text and the body in hexadecimal, bytes in the
output are hexadecimal too.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any, cast

import avro.io
import avro.schema


def readable(value: Any) -> Any:
    """Return the value as JSON allows it."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {name: readable(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [readable(item) for item in items]
    return value


def read(text: str, body: bytes) -> Any:
    """Return the one record that is the whole body."""
    stream = io.BytesIO(body)
    found = avro.io.DatumReader(avro.schema.parse(text)).read(avro.io.BinaryDecoder(stream))
    if stream.read():
        raise ValueError("bytes are left over")
    return readable(found)


if __name__ == "__main__":
    entries = json.load(sys.stdin)
    found = [read(entry["schema"], bytes.fromhex(entry["body"])) for entry in entries]
    json.dump(found, sys.stdout)
