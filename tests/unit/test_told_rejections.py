"""A balance that reads its input again says nothing that it had said of the same records before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runtime.log import Record, TopicPartition
from schemas.topic_files import AVAILABILITY, FACILITIES, REJECTED
from stream_processors.rejection import Fault, rejected
from stream_processors.told_rejections import PREFIX, ToldRejections
from tests.market.values import CODEC

FAULT = Fault("empty_body", None, "nothing")


@dataclass(frozen=True)
class Kept:
    """Implements `runtime.stage.Past` on lists."""

    topics: Mapping[str, list[Record]]

    def bounds(self, topic: str) -> tuple[int, int]:
        records = self.topics.get(topic, [])
        return (records[0].offset, records[-1].offset + 1) if records else (0, 0)

    def reached(self, topic: str) -> int:
        return self.bounds(topic)[0]

    def read(self, topic: str, start: int, end: int) -> Iterator[Record]:
        return (one for one in self.topics.get(topic, []) if start <= one.offset < end)

    def part(self, key: bytes) -> bytes | None:
        return None


def said(offset: int, value: bytes, at_ms: int, stage: str = "balance") -> Record:
    origin = TopicPartition(AVAILABILITY, 0)
    event = rejected(stage, origin, Record(offset, b"k", value), FAULT)
    return Record(offset, b"k", CODEC.encode(event), at_ms)


def told(present: list[Record], rejections: list[Record]) -> ToldRejections:
    past = Kept({AVAILABILITY: present, REJECTED: rejections})
    return ToldRejections.of(past, CODEC, "balance", (AVAILABILITY, FACILITIES))


def test_only_the_very_records_that_were_rejected_are_known() -> None:
    present = [Record(n, b"k", b"bad %d" % n, 1_000 + n) for n in range(3, 9)]
    found = told(
        present,
        [
            said(2, b"bad 2", 1_100),  # retention has passed it
            said(3, b"bad 3", 1_100),
            said(4, b"other bytes", 1_100),  # of a topic that was made anew since
            said(5, b"bad 5", 900),  # said before the record was there
            said(6, b"bad 6", 1_100, stage="market"),
            said(7, b"bad 7", 1_100),
            Record(99, b"k", b"no event", 1_100),
        ],
    )
    assert [n for n in range(10) if found.has(AVAILABILITY, n)] == [3, 7]
    assert not found.has(FACILITIES, 3)


def test_it_is_kept_across_openings_until_the_input_has_passed_it() -> None:
    found = told([Record(3, b"k", b"bad", 5)], [said(3, b"bad", 6)])
    parts = found.take_parts({AVAILABILITY: 2})
    assert list(parts) == [PREFIX + AVAILABILITY.encode() + b"|0"]
    assert found.take_parts({AVAILABILITY: 3}) == {}
    again = ToldRejections.restore({key: value for key, value in parts.items() if value})
    assert again.has(AVAILABILITY, 3)
    assert again.take_parts({AVAILABILITY: 3}) == {}
    assert again.take_parts({AVAILABILITY: 4}) == dict.fromkeys(parts)
    assert not again.has(AVAILABILITY, 3)
    assert again.take_parts({AVAILABILITY: 5}) == {}


def test_a_first_state_knows_of_none_and_writes_nothing() -> None:
    assert told([], []).take_parts({}) == {}
