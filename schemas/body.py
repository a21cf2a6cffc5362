"""The strict check of one Avro body: the authority on whether bytes are an event, and on which field is wrong.

fastavro and polars are lenient: both take a negative union index, fastavro counts a negative enum index from the end
of the symbols, polars drops the bits of a long that is too long. Whatever they accept is compared with this walk
whenever it is not the plain, shortest encoding.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.avro_types import ArrayType, AvroType, EnumType, Nullable, Primitive, RecordType
from schemas.errors import DecodeError

UUID_PATTERN: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
# Years 1 to 9999: what datetime holds. A time beyond is an error of unit (nanoseconds), not a time.
FIRST_MICROSECOND: Final = -62_135_596_800_000_000
LAST_MICROSECOND: Final = 253_402_300_799_999_999

_UUID: Final = re.compile(UUID_PATTERN.removesuffix("$") + r"\Z")
_LONG_BYTES: Final = 10
_INT_BYTES: Final = 5


def check_body(record: RecordType, body: bytes) -> None:
    """Check that `body` is exactly one record: every field valid and every byte used.

    Raises:
        DecodeError: `empty_body`, `truncated`, `trailing_bytes` or `wrong_avro`, with the path of the field.
    """
    if not body:
        raise DecodeError("empty_body", None, f"the value has no body: send a whole {record.name}")
    walk = _Walk(body)
    walk.record(record, "")
    if walk.position != len(body):
        extra = len(body) - walk.position
        raise DecodeError(
            "trailing_bytes",
            None,
            f"{extra} bytes follow the {record.name}: send one record a value, written with the schema of its id",
        )


class _Walk:
    """One walk over one body."""

    __slots__ = ("body", "position")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.position = 0

    def record(self, record: RecordType, path: str) -> None:
        for field in record.fields:
            self.value(field.type, f"{path}.{field.name}" if path else field.name)

    def value(self, kind: AvroType, path: str) -> None:
        match kind:
            case Nullable(item):
                branch = self.integer(path, _LONG_BYTES)
                if branch not in (0, 1):
                    raise _wrong(path, f"the union has branches 0 and 1, found {branch}")
                if branch:
                    self.value(item, path)
            case EnumType(name, symbols):
                index = self.integer(path, _INT_BYTES)
                if not 0 <= index < len(symbols):
                    raise _wrong(path, f"{name} has symbols 0 to {len(symbols) - 1}, found {index}")
            case ArrayType(items):
                self.array(items, path)
            case RecordType():
                self.record(kind, path)
            case Primitive():
                self.primitive(kind, path)

    def array(self, items: AvroType, path: str) -> None:
        index = 0
        while count := self.integer(path, _LONG_BYTES):
            # A negative count is followed by the size of the block in bytes.
            size = self.integer(path, _LONG_BYTES) if count < 0 else None
            start = self.position
            for _ in range(abs(count)):
                self.value(items, f"{path}[{index}]")
                index += 1
            if size is not None and self.position - start != size:
                raise _wrong(path, f"a block says {size} bytes and has {self.position - start}")

    def primitive(self, kind: Primitive, path: str) -> None:
        match kind.kind:
            case "boolean":
                if (byte := self.take(1, path)[0]) > 1:
                    raise _wrong(path, f"a boolean is byte 0 or 1, found {byte}")
            case "double":
                self.take(8, path)
            case "int":
                self.integer(path, _INT_BYTES)
            case "long":
                number = self.integer(path, _LONG_BYTES)
                if kind.logical and not FIRST_MICROSECOND <= number <= LAST_MICROSECOND:
                    raise _wrong(
                        path, f"{number} microseconds since 1970 is outside the years 1 to 9999"
                    )
            case "string":
                self.text(kind, path)
            case "bytes":
                self.decimal(kind, self.sized(path), path)

    def text(self, kind: Primitive, path: str) -> None:
        try:
            text = self.sized(path).decode()
        except UnicodeDecodeError as error:
            raise _wrong(path, "the text is not UTF-8: encode strings in UTF-8") from error
        if kind.logical and not _UUID.match(text):
            raise _wrong(path, f"{text[:40]!r} is no UUID in the form 8-4-4-4-12")

    def decimal(self, kind: Primitive, content: bytes, path: str) -> None:
        if kind.logical is None:
            return
        if not content:
            raise _wrong(path, "a decimal has at least one byte")
        if abs(int.from_bytes(content, "big", signed=True)) >= 10**kind.precision:
            raise _wrong(path, f"the decimal has more than {kind.precision} digits")

    def sized(self, path: str) -> bytes:
        size = self.integer(path, _LONG_BYTES)
        if size < 0:
            raise _wrong(path, f"a length is not negative, found {size}")
        return self.take(size, path)

    def take(self, size: int, path: str) -> bytes:
        start = self.position
        if start + size > len(self.body):
            missing = start + size - len(self.body)
            raise DecodeError(
                "truncated", path, f"the body ends {missing} bytes too early: send the whole record"
            )
        self.position = start + size
        return self.body[start : self.position]

    def integer(self, path: str, most_bytes: int) -> int:
        number = 0
        for index in range(most_bytes):
            byte = self.take(1, path)[0]
            number |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if number >> (32 if most_bytes == _INT_BYTES else 64):
                    break
                return (number >> 1) ^ -(number & 1)
        raise _wrong(path, "the number is longer than its type")


def _wrong(path: str, what: str) -> DecodeError:
    return DecodeError("wrong_avro", path, f"{what}; write the record with the schema of its id")
