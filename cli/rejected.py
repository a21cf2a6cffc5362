"""`synergy rejected list|show|replay`: records that were not accepted, with their reasons and bytes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cli.questions import ask
from cli.store_client import StoreClient
from cli.tables import aligned
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicPartition
from runtime.settings import load
from schemas.routing import partition_for
from schemas.topic_files import topic_files

Form = Literal["text", "json"]
COORDINATES = re.compile(r"([a-z0-9.]+):(\d+):(\d+)")
CODE = re.compile(r"[a-z_]+")
COLUMNS = (
    "origin.topic AS topic, origin.partition AS partition, origin.offset AS offset, code, field, facility, source, "
    "stage, toString(_timestamp) AS at, message"
)
BYTES_A_LINE = 16
PAGE = 100
"""Records that are read and published at once: each may have a megabyte."""


class SelectionError(Exception):
    """A code or coordinates were typed wrongly, or select nothing."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"{text!r}: {why}")
        self.text = text


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One rejected record as the ledger has it. `partition` is where it was, not where it belongs."""

    topic: str
    partition: int
    offset: int
    code: str
    facility: str | None
    key: bytes | None
    value: bytes | None


def list_rejected(flags: Mapping[str, object], code: str | None, limit: int, form: Form) -> int:
    """Print the latest rejections, one line each. Raises SettingsError, StoreError, SelectionError."""
    with StoreClient(load(flags).settings.store.address) as store:
        statement = f"SELECT {COLUMNS} FROM rejected{_where(code)} ORDER BY _timestamp DESC, _offset DESC LIMIT {limit}"  # noqa: S608
        columns, rows = ask(store, statement)
    if form == "json":
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(objects, indent=2, ensure_ascii=False) + "\n")
        return 0
    shown = [[f"{row[0]}:{row[1]}:{row[2]}", *row[3:6], row[9]] for row in rows]
    lines = aligned(["record", "code", "field", "facility", "message"], shown)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def show_rejected(flags: Mapping[str, object], coordinates: str) -> int:
    """Print one rejection with its bytes. Raises SettingsError, StoreError, SelectionError."""
    topic, partition, offset = parse_coordinates(coordinates)
    with StoreClient(load(flags).settings.store.address) as store:
        where = _where_at(topic, partition, offset)
        wanted = f"{COLUMNS}, hex(key), hex(value)"
        columns, rows = ask(store, f"SELECT {wanted} FROM rejected WHERE {where} LIMIT 1")  # noqa: S608
    if not rows:
        raise SelectionError(coordinates, "no such record was rejected")
    *facts, key, value = rows[0]
    for name, fact in zip(columns, facts, strict=False):
        if fact is not None:
            sys.stdout.write(f"{name:<10} {fact}\n")
    for name, text in (("key", key), ("value", value)):
        content = bytes.fromhex(str(text or ""))
        sys.stdout.write(f"{name:<10} {len(content)} bytes\n")
        sys.stdout.writelines(f"           {line}\n" for line in hex_dump(content))
    return 0


def replay_rejected(
    flags: Mapping[str, object], code: str | None, coordinates: Sequence[str]
) -> int:
    """Publish rejected records again, after what they were rejected for has been mended.

    They keep their identity, so a record that was counted meanwhile is not counted twice.

    Raises:
        SettingsError, StoreError, SelectionError, PublishError: nothing more is published.
    """
    if not code and not coordinates:
        raise SelectionError("", "name coordinates or a --code")
    settings = load(flags).settings
    publisher = KafkaPublisher(settings.kafka.client())
    published = 0
    with StoreClient(settings.store.address) as store:
        named = (_at(store, text) for text in coordinates)
        for records in named if coordinates else _pages(store, _checked(code)):
            for record in records:
                publisher.publish(republished(record))
            publisher.flush()
            published += len(records)
    sys.stdout.write(f"{published} records published again\n")
    return 0


def republished(record: RejectedRecord) -> OutRecord:
    """Return the record as it is published again: in its place, or where it belongs if it was in a wrong one.

    >>> republished(RejectedRecord("synergy.availability.v1", 2, 7, "unknown_facility", "f", b"k", b"v")).tp
    TopicPartition(topic='synergy.availability.v1', partition=2)
    """
    partition = record.partition
    if record.code == "wrong_partition" and record.facility is not None:
        partition = partition_for(record.facility, topic_files()[record.topic].partitions)
    return OutRecord(TopicPartition(record.topic, partition), record.key, record.value)


def parse_coordinates(text: str) -> tuple[str, int, int]:
    """Return topic, partition and offset of `topic:partition:offset`. Raises SelectionError.

    >>> parse_coordinates("synergy.availability.v1:3:1204")
    ('synergy.availability.v1', 3, 1204)
    """
    found = COORDINATES.fullmatch(text)
    if found is None:
        raise SelectionError(
            text, "write topic:partition:offset, as `synergy rejected list` shows it"
        )
    return found[1], int(found[2]), int(found[3])


def hex_dump(content: bytes) -> Iterator[str]:
    r"""Yield lines of offset, hexadecimal and text.

    >>> list(hex_dump(b"ab\x00"))
    ['00000000  61 62 00                                         ab.']
    """
    for start in range(0, len(content), BYTES_A_LINE):
        part = content[start : start + BYTES_A_LINE]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{start:08x}  {part.hex(' '):<47}  {text}"


def _at(store: StoreClient, coordinates: str) -> list[RejectedRecord]:
    where = _where_at(*parse_coordinates(coordinates))
    found = _records(store, f"{where} LIMIT 1 BY origin")
    if not found:
        raise SelectionError(coordinates, "no such record was rejected")
    return found


def _pages(store: StoreClient, code: str) -> Iterator[list[RejectedRecord]]:
    """Yield the records that have been rejected with a code until now; those that come back meanwhile are not."""
    latest_of = f"SELECT toString(max(_timestamp)) FROM rejected WHERE code = '{code}'"  # noqa: S608
    _, [[latest]] = ask(store, latest_of)
    until = f"code = '{code}' AND _timestamp <= toDateTime64('{latest}', 3, 'UTC')"
    place = "(origin.topic, origin.partition, origin.offset)"
    after = "('', -1, -1)"
    while page := _records(
        store, f"{until} AND {place} > {after} ORDER BY {place} LIMIT 1 BY origin LIMIT {PAGE}"
    ):
        yield page
        last = page[-1]
        after = f"('{last.topic}', {last.partition}, {last.offset})"


def _records(store: StoreClient, where: str) -> list[RejectedRecord]:
    columns = "origin.topic, origin.partition, origin.offset, code, facility, hex(key), hex(value)"
    _, rows = ask(store, f"SELECT {columns} FROM rejected WHERE {where}")  # noqa: S608
    return [
        RejectedRecord(row[0], row[1], row[2], row[3], row[4], _bytes(row[5]), _bytes(row[6]))
        for row in rows
    ]


def _bytes(text: object) -> bytes | None:
    return None if text is None else bytes.fromhex(str(text))


def _where(code: str | None) -> str:
    return f" WHERE code = '{_checked(code)}'" if code else ""


def _where_at(topic: str, partition: int, offset: int) -> str:
    return f"origin = ('{topic}', {partition}, {offset})"


def _checked(code: str | None) -> str:
    if code is None or CODE.fullmatch(code) is None:
        raise SelectionError(str(code), "a code is a word like unknown_facility")
    return code
