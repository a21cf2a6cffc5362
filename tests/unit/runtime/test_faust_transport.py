"""A fetch is read batch by batch; it has to give what aiokafka gives record by record."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from structlog.testing import capture_logs

from runtime.clock import SystemClock
from runtime.faust_transport import BatchConsumerThread
from runtime.kafka_log import KafkaConnection
from runtime.log import RecordsDamagedError
from runtime.whole_batches import read_all
from runtime.worker import Worker, WorkerSettings

TP = TopicPartition("readings", 0)
PRODUCER, OTHER = 7, 8
CONTROL = 0x20
ABORT = struct.pack(">hh", 0, 0)
"""Version and type of the marker that ends an aborted transaction."""


@dataclass
class _Position:
    """Stands for aiokafka's state of an assigned partition."""

    position: int
    lso: int | None = None
    paused: bool = False

    def consumed_to(self, position: int) -> None:
        self.position = position


@dataclass
class _Assignment:
    states: dict[TopicPartition, _Position]
    active: bool = True

    def state_value(self, tp: TopicPartition) -> _Position:
        return self.states[tp]


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


def _result(
    tp: TopicPartition, assignment: _Assignment, sent: bytes | None = None, *, checked: bool = False
) -> FetchResult:
    """Return what a broker sends for a position: from the batch that holds it on."""
    position = assignment.states[tp].position
    if sent is None:
        sent = b"".join(batch for last, batch in LOG.items() if last >= position)
    aborted = [(PRODUCER, 3)] if position <= 5 else []
    records = PartitionRecords(
        tp, MemoryRecords(sent), aborted, position, None, None, checked, READ_COMMITTED
    )
    return FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


DAMAGED = LOG[4].replace(b"kept", b"Kept")


def test_what_precedes_a_batch_whose_checksum_is_wrong_is_read_and_then_nothing() -> None:
    states = _Assignment({TP: _Position(0)})
    batch = read_all(TP, _result(TP, states, LOG[2] + DAMAGED + LOG[10], checked=True), 5)
    assert batch is not None
    assert (batch.start, batch.next, list(batch.records.values)) == (0, 3, [b"a", b"b", b"c"])
    again = _result(TP, states, DAMAGED + LOG[10], checked=True)
    with pytest.raises(RecordsDamagedError, match=r"readings\[0\].*offset 3.*CRC"):
        read_all(TP, again, 5)
    assert states.states[TP].position == 3
    assert not again.has_more()


def _fetch(position: int) -> tuple[FetchResult, _Position]:
    state = _Position(position)
    return _result(TP, _Assignment({TP: state})), state


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


END = 11
"""Where the log ends."""
FACILITIES, READINGS = TopicPartition("facilities", 0), TopicPartition("readings", 0)
ELSEWHERE = TopicPartition("readings", 1)


@dataclass
class _Intake:
    """A thread with fetched records of two partitions, of which facilities are to be taken in first."""

    came: Sequence[TopicPartition]
    facilities_end: int = END
    thread: Any = field(init=False)
    fetcher: Any = field(init=False)

    def __post_init__(self) -> None:
        ends = {FACILITIES: self.facilities_end, READINGS: END, ELSEWHERE: END}
        beside = {TopicPartition("facilities", 1): _Position(END, END)}
        states = {tp: _Position(0, end) for tp, end in ends.items()} | beside
        self.thread = object.__new__(BatchConsumerThread)
        self.thread._first = ("facilities",)
        self.thread._paused, self.thread._damaged = set(), set()
        self.thread._generations = dict.fromkeys(self.came, 1)
        self.fetcher = SimpleNamespace(
            _records={tp: _result(tp, _Assignment(states)) for tp in self.came},
            _notify=lambda _: None,
            _wait_consume_future=None,
        )

    def handed_on(self) -> list[TopicPartition]:
        return [tp for tp, _ in self.thread._drain(self.fetcher)]


@pytest.mark.parametrize("came", [(READINGS, FACILITIES), (FACILITIES, READINGS)])
def test_of_one_fetch_the_first_topics_are_handed_on_first(came: Sequence[TopicPartition]) -> None:
    assert _Intake(came).handed_on() == [FACILITIES, READINGS]


def test_readings_wait_while_facilities_of_their_partition_are_not_handed_on() -> None:
    intake = _Intake((READINGS, ELSEWHERE, FACILITIES))
    intake.thread._paused = {FACILITIES}
    assert intake.handed_on() == [ELSEWHERE]
    intake.thread._paused.clear()
    assert intake.handed_on() == [FACILITIES, READINGS]


def test_readings_wait_for_facilities_that_did_not_fit_into_the_fetch() -> None:
    intake = _Intake((READINGS, FACILITIES), facilities_end=END + 1)
    assert intake.handed_on() == [FACILITIES]
    assert intake.handed_on() == []
    assert list(intake.fetcher._records) == [READINGS]


def test_the_intake_of_a_damaged_partition_ends_and_the_others_go_on() -> None:
    intake = _Intake((READINGS, ELSEWHERE))
    intake.thread._first = ()
    with capture_logs() as told:
        for _ in range(2):
            states = _Assignment({READINGS: _Position(3), ELSEWHERE: _Position(0)})
            intake.fetcher._records = {
                READINGS: _result(READINGS, states, DAMAGED, checked=True),
                ELSEWHERE: _result(ELSEWHERE, states),
            }
            assert intake.handed_on() == [ELSEWHERE]
    assert [line["code"] for line in told] == ["records_damaged"]
    assert "restore the partition" in told[0]["event"]
    assert "other topics" not in told[0]["event"]


def test_a_damaged_first_topic_says_that_the_others_wait() -> None:
    intake = _Intake((FACILITIES, READINGS))
    states = _Assignment({FACILITIES: _Position(3, END), READINGS: _Position(0, END)})
    intake.fetcher._records = {
        FACILITIES: _result(FACILITIES, states, DAMAGED, checked=True),
        READINGS: _result(READINGS, states),
    }
    with capture_logs() as told:
        assert intake.handed_on() == []
    assert "also of its other topics" in told[0]["event"]


def test_a_worker_names_what_is_to_be_taken_in_first(tmp_path: Path) -> None:
    settings = WorkerSettings(
        stage="balance", group="g", inputs=("readings", "facilities"), changelog="changes",
        partitions=1, data=tmp_path, first=("facilities",),
    )  # fmt: skip
    stage: Any = None
    worker: Any = Worker(settings, stage, KafkaConnection("127.0.0.1:1"), SystemClock())
    assert worker._app.first_topics == ("facilities",)
