"""Errors of the package `schemas`, under one root."""

from __future__ import annotations

from typing import Final, Literal

DecodeCode = Literal[
    "empty_body", "not_framed", "unknown_schema_id", "truncated", "trailing_bytes", "wrong_avro"
]
DECODE_CODES: Final[tuple[DecodeCode, ...]] = (
    "empty_body",
    "not_framed",
    "unknown_schema_id",
    "truncated",
    "trailing_bytes",
    "wrong_avro",
)


class SchemaError(Exception):
    """Root of the errors of the package."""


class DefinitionError(SchemaError):
    """A schema file, topic file or table shipped with the product is wrong."""


class EncodeError(SchemaError):
    """An event has a value that its schema can't hold."""

    def __init__(self, record: str, field: str | None, message: str) -> None:
        super().__init__(f"{record}.{field}: {message}" if field else f"{record}: {message}")
        self.record = record
        self.field = field
        self.message = message


class DecodeError(SchemaError):
    """The bytes of a value are no event; `code` is the reason code of the rejected record.

    `field` is the path of the first field that is wrong, for example `properties[0].value`, when it is known.
    """

    def __init__(self, code: DecodeCode, field: str | None, message: str) -> None:
        super().__init__(f"{code} at {field}: {message}" if field else f"{code}: {message}")
        self.code: DecodeCode = code
        self.field = field
        self.message = message
