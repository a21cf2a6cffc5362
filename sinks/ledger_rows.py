"""What becomes of the records of one offset range: rows of event tables, tombstones, or undecodable records.

Sorting gives the same result whenever the range is read again: it depends on the bytes and on the registry's schemas
alone. Records are checked in blocks; in a block that is not sound each record is decoded alone and must use every byte
of its body, so that a bad one never costs its neighbours anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from runtime.ledger_database import Encoding
from runtime.sink_source import Columns
from sinks.container import (
    FRAME_LENGTH,
    ContainerFormat,
    Place,
    arrow_stream,
    encode_text,
    event_container,
    plain_container,
    plain_format,
)
from sinks.ledger_tables import TOMBSTONES, UNDECODABLE, TableColumns
from sinks.writers import Bad, Writer, Writers

_UNDECODABLE_FIELDS = (
    {"name": "reason", "type": "string"},
    {"name": "message", "type": "string"},
    {"name": "_value", "type": "bytes"},
)


@dataclass(frozen=True, slots=True)
class Block:
    """Checked rows for one table. `label` tells the blocks of one range apart."""

    table: str
    label: str
    columns: tuple[str, ...]
    records: Columns
    rows: bytes
    encoding: Encoding = "Avro"


@dataclass(frozen=True, slots=True)
class RowSorter:
    """Sorts records into blocks. `draw_check` gives eight bytes that nobody who writes records can know."""

    tables: TableColumns
    writers: Writers
    draw_check: Callable[[], bytes]

    def sort(self, place: Place, records: Columns) -> tuple[Block, ...]:
        """Return the blocks of these records. Raises SchemasUnavailableError."""
        blocks: list[Block] = []
        bad: dict[int, Bad] = {}
        for frame, group in _by_frame(records):
            if frame is None:
                blocks.append(self._tombstones(place, group))
                continue
            writer = self._writer(frame, place.tp.topic)
            if isinstance(writer, Bad):
                bad |= dict.fromkeys(group.offsets, writer)
            else:
                block, unsound = self._events(writer, place, group)
                blocks += [] if block is None else [block]
                bad |= unsound
        if bad:
            blocks.append(self.undecodable(place, records.only(bad.keys()), bad))
        return tuple(blocks)

    def events(self, place: Place, records: Columns, frame: bytes) -> Block:
        """Return the block of records that were found sound before; all of them, if any, have this frame."""
        writer = self.writers.of(frame)
        if isinstance(writer, Bad):
            raise TypeError(writer.message)
        return _block(writer.form, records, event_container(writer.form, place, records))

    def undecodable(self, place: Place, records: Columns, bad: Mapping[int, Bad]) -> Block:
        """Return the block that keeps these records with the reason why each of them is no event."""
        form = plain_format(UNDECODABLE, _UNDECODABLE_FIELDS, self.tables.of(UNDECODABLE))
        bodies = [
            encode_text(bad[offset].reason, bad[offset].message, value or b"")
            for offset, value in zip(records.offsets, records.values, strict=True)
        ]
        return _block(form, records, plain_container(form, place, records, bodies))

    def explained(self, value: bytes) -> Bad | None:
        """Return what is wrong with a value that the database refused, if more than that can be said."""
        writer = self.writers.of(value[:FRAME_LENGTH])
        return writer if isinstance(writer, Bad) else writer.explained(value)

    def _writer(self, frame: bytes, topic: str) -> Writer | Bad:
        """Return the writer of these records, or why none of them is an event of this topic.

        A record on a topic that is not its own is what somebody claims, not what its owner said.
        """
        writer = self.writers.of(frame)
        return writer if isinstance(writer, Bad) else writer.misplaced(topic) or writer

    def _tombstones(self, place: Place, group: Columns) -> Block:
        form = plain_format(TOMBSTONES, (), self.tables.of(TOMBSTONES))
        return _block(form, group, plain_container(form, place, group, [b""] * len(group)))

    def _events(
        self, writer: Writer, place: Place, group: Columns
    ) -> tuple[Block | None, dict[int, Bad]]:
        form = writer.form
        frame = writer.columns(cast("list[bytes]", group.values), self.draw_check())
        if frame is not None:
            stream = arrow_stream(form, place, group, frame)
            return _block(form, group, stream, "ArrowStream"), {}
        bad = dict(_faults(writer, group))
        good = group.only(set(group.offsets) - bad.keys())
        if not len(good):
            return None, bad
        return _block(form, good, event_container(form, place, good)), bad


def _faults(writer: Writer, group: Columns) -> Iterator[tuple[int, Bad]]:
    """Yield the bad ones of a group that is not sound as a whole, decoding each record alone."""
    for offset, value in zip(group.offsets, group.values, strict=True):
        fault = writer.fault(cast("bytes", value))
        if fault is not None:
            yield offset, fault


def _block(
    form: ContainerFormat, records: Columns, rows: bytes, encoding: Encoding = "Avro"
) -> Block:
    label = f"{form.table}#{form.schema_id}" if form.schema_id else form.table
    return Block(form.table, label, form.columns, records, rows, encoding)


def _by_frame(records: Columns) -> Iterator[tuple[bytes | None, Columns]]:
    """Group records by their framing, each group in offset order; None is the group without a value."""
    frames = [None if value is None else value[:FRAME_LENGTH] for value in records.values]
    if len(set(frames)) == 1:
        yield frames[0], records
        return
    places: dict[bytes | None, list[int]] = {}
    for index, frame in enumerate(frames):
        places.setdefault(frame, []).append(index)
    for frame, indexes in places.items():
        yield frame, records.at(indexes)
