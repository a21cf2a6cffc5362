"""Enum columns of a block as text: blocks are read with the index of each symbol (`schemas.container`)."""

from __future__ import annotations

import polars as pl

from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType


def with_symbols(frame: pl.DataFrame, record: RecordType) -> pl.DataFrame:
    """Return the decoded rows with symbols in place of their indexes, at every depth.

    Args:
        frame: rows as `BlockReader.read` gives them: every index is one of a symbol.
        record: their schema.
    """
    changed = [
        _symbols(field.type, pl.col(field.name)) for field in record.fields if _any_enum(field.type)
    ]
    return frame.with_columns(changed)


def _symbols(kind: AvroType, value: pl.Expr) -> pl.Expr:
    match kind:
        case EnumType(_, symbols):
            return value.cast(pl.UInt8).cat.to(pl.Enum(symbols))
        case Nullable(item):
            return _symbols(item, value)
        case ArrayType(items):
            return value.list.eval(_symbols(items, pl.element()))
        case RecordType(_, _, fields):
            inner = [
                _symbols(field.type, value.struct.field(field.name))
                for field in fields
                if _any_enum(field.type)
            ]
            return value.struct.with_fields(*inner)
        case Primitive():
            return value


def _any_enum(kind: AvroType) -> bool:
    match kind:
        case EnumType():
            return True
        case Nullable(inner) | ArrayType(inner):
            return _any_enum(inner)
        case RecordType(_, _, fields):
            return any(_any_enum(field.type) for field in fields)
        case Primitive():
            return False
