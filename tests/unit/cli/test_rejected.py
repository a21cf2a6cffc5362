"""Rejected records: selecting, showing and publishing them again."""

from __future__ import annotations

import pytest

from cli.rejected import RejectedRecord, SelectionError, hex_dump, parse_coordinates, republished
from schemas.routing import partition_for
from schemas.topic_files import AVAILABILITY, topic_files


def record(code: str, facility: str | None, partition: int = 2) -> RejectedRecord:
    return RejectedRecord(AVAILABILITY, partition, 7, code, facility, b"key", b"value")


@pytest.mark.parametrize(
    "text", ["", "topic", "topic:1", "topic:1:2:3", "topic:-1:2", "t'; DROP:1:2", "t:1:x"]
)
def test_coordinates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(SelectionError):
        parse_coordinates(text)


def test_a_record_goes_back_to_its_partition_with_the_same_bytes() -> None:
    again = republished(record("unknown_facility", "plant"))
    assert (again.tp.topic, again.tp.partition) == (AVAILABILITY, 2)
    assert (again.key, again.value) == (b"key", b"value")


def test_a_record_from_a_wrong_partition_goes_where_it_belongs() -> None:
    count = topic_files()[AVAILABILITY].partitions
    for facility in ("a", "b", "c", "d", "e"):
        again = republished(record("wrong_partition", facility))
        assert again.tp.partition == partition_for(facility, count)


def test_bytes_are_shown_whole() -> None:
    content = bytes(range(40))
    shown = "".join(line[10:57] for line in hex_dump(content))
    assert bytes.fromhex(shown.replace(" ", "")) == content
