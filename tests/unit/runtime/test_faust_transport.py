"""A fetch is read batch by batch; it has to give what aiokafka gives record by record."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from runtime.faust_transport import BatchConsumerThread, read_all

TP = TopicPartition("readings", 0)
PRODUCER, OTHER = 7, 8
CONTROL = 0x20
ABORT = struct.pack(">hh", 0, 0)
"""Version and type of the marker that ends an aborted transaction."""


@dataclass
class _Position:
    """Stands for aiokafka's state of an assigned partition."""

    position: int
    paused: bool = False

    def consumed_to(self, position: int) -> None:
        self.position = position


@dataclass
class _Assignment:
    state: _Position
    active: bool = True

    def state_value(self, _tp: object) -> _Position:
        return self.state


def _batch(
    base: int, values: list[bytes], producer: int | None = None, control: bool = False
) -> bytes:
    """Return a record batch as a broker stores it; with a producer it is transactional."""
    own = -1 if producer is None else producer
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=producer is not None, producer_id=own,
        producer_epoch=0, base_sequence=0, batch_size=1 << 20,
    )  # fmt: skip
    for place, value in enumerate(values):
        key = ABORT if control else b"k%d" % place
        builder.append(place, 1_000 + base + place, key, value, [])
    made = bytearray(builder.build())
    made[0:8] = struct.pack(">q", base)
    if control:
        made[22] |= CONTROL
    return bytes(made)


LOG = {
    2: _batch(0, [b"a", b"b", b"c"]),
    3: _batch(3, [b"lost"], PRODUCER),
    4: _batch(4, [b"kept"], OTHER),
    5: _batch(5, [b""], PRODUCER, control=True),
    6: _batch(6, [b"again"], PRODUCER),
    10: _batch(9, [b"behind a hole", b"last"]),
}
"""Record batches by their last offset."""


def _fetch(position: int) -> tuple[FetchResult, _Position]:
    """Return what a broker sends for a position: from the batch that holds it on."""
    sent = b"".join(batch for last, batch in LOG.items() if last >= position)
    aborted = [(PRODUCER, 3)] if position <= 5 else []
    records = PartitionRecords(
        TP, MemoryRecords(sent), aborted, position, None, None, False, READ_COMMITTED
    )
    state = _Position(position)
    found = FetchResult(TP, assignment=_Assignment(state), partition_records=records, backoff=0)
    return found, state


@pytest.mark.parametrize("position", range(11))
def test_it_gives_what_aiokafka_gives_record_by_record(position: int) -> None:
    expected, state = _fetch(position)
    wanted: Sequence[Any] = cast(Any, expected).getall()
    found, ours = _fetch(position)
    batch = read_all(TP, found, 5)
    assert batch is not None
    assert (batch.start, batch.next, batch.generation) == (position, 11, 5)
    assert ours.position == state.position == 11
    assert [tuple(record)[:4] for record in batch.records] == [
        (one.offset, one.key, one.value, one.timestamp) for one in wanted
    ]


def test_what_was_aborted_is_left_out_and_a_hole_is_passed() -> None:
    found, _ = _fetch(2)
    batch = read_all(TP, found, 1)
    assert batch is not None
    assert list(batch.records.values) == [b"c", b"kept", b"again", b"behind a hole", b"last"]
    assert list(batch.records.offsets) == [2, 4, 6, 9, 10]


def test_a_fetch_from_before_a_seek_is_dropped() -> None:
    found, state = _fetch(2)
    state.position = 4
    assert read_all(TP, found, 1) is None
    assert state.position == 4


@pytest.mark.parametrize("came", [("readings", "facilities"), ("facilities", "readings")])
def test_of_one_fetch_the_first_topics_are_handed_on_first(came: tuple[str, ...]) -> None:
    thread: Any = object.__new__(BatchConsumerThread)
    thread._first = ("facilities",)
    thread._paused = set()
    tps = [TopicPartition(topic, 0) for topic in came]
    thread._generations = dict.fromkeys(tps, 1)
    fetcher = SimpleNamespace(
        _records={tp: _fetch(0)[0] for tp in tps},
        _notify=lambda _: None,
        _wait_consume_future=None,
    )
    handed_on = [tp.topic for tp, _ in thread._drain(fetcher)]
    assert handed_on == ["facilities", "readings"]
