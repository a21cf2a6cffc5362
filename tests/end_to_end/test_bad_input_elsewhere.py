"""Bad input on the other topics: facilities (balance), commands and positions (market)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from runtime.log import OutRecord, TopicPartition
from schemas import topic_files
from schemas.events import Command, Coordinates, Outcome, Rejected
from schemas.routing import partition_for
from tests.end_to_end.bad_readings import BAD
from tests.end_to_end.pipeline import PARTITIONS, Pipeline
from tests.end_to_end.plants import facility, named_for_partition, reading

pytestmark = pytest.mark.kafka

PROGRAMME = "bad-elsewhere"
PARTITION = partition_for(PROGRAMME, PARTITIONS)
JUNK: Mapping[str, tuple[bytes, str]] = {
    "garbage": (b"\xde\xad\xbe\xef" * 8, "not_framed"),
    "an unknown schema": (b"\x00\x7f\xff\xff\xffbody", "unknown_schema_id"),
    "no body": (b"", "not_framed"),
}
BAD_FACILITIES: Mapping[str, tuple[dict[str, Any], str]] = {
    "nowhere": ({"latitude": math.nan}, "latitude"),
    "off-the-map": ({"longitude": 181.0}, "longitude"),
    "endless": ({"capacity": math.inf}, "capacity"),
    "over-before": ({"valid_to": datetime(1980, 1, 1, tzinfo=UTC)}, "valid_to"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """Records that were published to one partition, and the offset of the first."""

    records: Sequence[OutRecord]
    first: int

    def at(self, record: OutRecord) -> Coordinates:
        """Return where a record lies."""
        offset = self.first + [id(one) for one in self.records].index(id(record))
        return Coordinates(topic=record.tp.topic, partition=record.tp.partition, offset=offset)


def publish(pipeline: Pipeline, records: Sequence[OutRecord]) -> Sent:
    """Publish records of one partition that nobody else writes to now."""
    [tp] = {record.tp for record in records}
    first = pipeline.log.bounds(tp)[1]
    pipeline.publish(records)
    assert [one.value for one in pipeline.log.read(tp, first, first + len(records))] == [
        one.value for one in records
    ]
    return Sent(records, first)


def rejection(pipeline: Pipeline, sent: Sent, record: OutRecord) -> Rejected:
    """Return the one rejection of a record, which the ledger has too, with its bytes."""
    at = sent.at(record)
    [one] = pipeline.eventually(
        f"{at} is rejected", lambda: [one for one in _rejections(pipeline, at) if one.origin == at]
    )
    assert (one.key, one.value) == (record.key, record.value)
    where = f"origin = ('{at.topic}', {at.partition}, {at.offset})"
    rows = pipeline.eventually(
        f"{at} is in the ledger's rejections",
        lambda: pipeline.sql(f"SELECT code, stage, hex(value) FROM rejected WHERE {where}"),
    )
    assert rows == [[one.code, one.stage, (record.value or b"").hex().upper()]]
    return one


def _rejections(pipeline: Pipeline, at: Coordinates) -> list[Rejected]:
    return pipeline.events(topic_files.REJECTED, Rejected, [at.partition])


def undecodable(pipeline: Pipeline, sent: Sent, record: OutRecord) -> list[Any]:
    """Return what the ledger says of a record that is no event: reason and bytes."""
    at = sent.at(record)
    where = f"_topic = '{at.topic}' AND _partition = {at.partition} AND _offset = {at.offset}"
    [row] = pipeline.eventually(
        f"{at} is among the undecodable",
        lambda: pipeline.sql(f"SELECT reason, hex(_value) FROM undecodable WHERE {where}"),
    )
    return list(row)


def command(number: int, subject: str = "no-match") -> Command:
    return Command(
        id=UUID(int=number),
        programme=PROGRAMME,
        action="accept",
        subject=subject,
        actor="operator",
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_bad_facilities_are_rejected_and_the_others_enrolled(pipeline: Pipeline) -> None:
    ids = [named_for_partition(f"enrolled-{n}", PARTITION, PARTITIONS) for n in range(3)]
    good = [pipeline.record(topic_files.FACILITIES, one, facility(one, PROGRAMME)) for one in ids]
    tp = good[0].tp
    junk = {name: OutRecord(tp, b"junk", value) for name, (value, _) in JUNK.items()}
    elsewhere = named_for_partition("elsewhere", (PARTITION + 1) % PARTITIONS, PARTITIONS)
    other = pipeline.record(topic_files.FACILITIES, elsewhere, facility(elsewhere, PROGRAMME))
    wrong_place = other._replace(tp=tp)
    wrong_key = good[2]._replace(key=b"somebody-else")
    misplaced = OutRecord(tp, b"c", pipeline.codec.encode(command(9)))
    flawed = {
        name: pipeline.record(
            topic_files.FACILITIES, ids[2], facility(ids[2], PROGRAMME, **changes)
        )
        for name, (changes, _) in BAD_FACILITIES.items()
    }
    bad = [*junk.values(), wrong_place, wrong_key, misplaced, *flawed.values()]
    sent = publish(pipeline, [good[0], *bad, good[1]])
    pipeline.eventually(
        "the good facilities are shown",
        lambda: (
            {row["id"] for row in pipeline.get("facilities", programme=PROGRAMME)} == set(ids[:2])
        ),
    )
    for name, (_, code) in JUNK.items():
        found = rejection(pipeline, sent, junk[name])
        assert (found.code, found.stage) == (code, "balance")
        assert undecodable(pipeline, sent, junk[name])[0] == code
    for name, (_, field) in BAD_FACILITIES.items():
        found = rejection(pipeline, sent, flawed[name])
        assert (found.code, found.field, found.facility) == ("bad_facility", field, ids[2])
    place = rejection(pipeline, sent, wrong_place)
    assert (place.code, place.facility) == ("wrong_partition", elsewhere)
    assert rejection(pipeline, sent, wrong_key).field == "id"
    assert rejection(pipeline, sent, misplaced).code == "misplaced"
    assert undecodable(pipeline, sent, misplaced)[0] == "misplaced"


def test_a_facility_that_left_is_refused_until_it_is_enrolled_again(pipeline: Pipeline) -> None:
    name = named_for_partition("leaver", PARTITION, PARTITIONS)
    enrolment = pipeline.record(topic_files.FACILITIES, name, facility(name, PROGRAMME))

    def shown() -> bool:
        return name in {row["id"] for row in pipeline.get("facilities", programme=PROGRAMME)}

    def positions() -> list[dict[str, Any]]:
        return pipeline.get("positions", programme=PROGRAMME, facility=name)

    pipeline.publish([enrolment])
    pipeline.eventually("it is enrolled", shown)
    pipeline.publish([pipeline.record(topic_files.AVAILABILITY, name, reading(name, 1))])
    pipeline.eventually("it has a position", positions)
    pipeline.publish([enrolment._replace(value=None)])
    pipeline.eventually("it has left", lambda: not shown())
    assert positions() == []
    sent = publish(pipeline, [pipeline.record(topic_files.AVAILABILITY, name, reading(name, 2))])
    assert rejection(pipeline, sent, sent.records[0]).code == "unknown_facility"


def test_a_position_or_a_novel_among_commands_is_rejected(pipeline: Pipeline) -> None:
    tp = TopicPartition(topic_files.COMMANDS, PARTITION)
    forged = OutRecord(
        tp, b"x", BAD["another_record_type"].make(pipeline.codec, reading("forger", 1))
    )
    novel = OutRecord(
        tp, b"x", pipeline.codec.encode(replace(command(77), reason="because " * 5_000))
    )
    sent = publish(pipeline, [forged, novel])
    assert rejection(pipeline, sent, forged).code == "misplaced"
    assert undecodable(pipeline, sent, forged)[0] == "misplaced"
    assert rejection(pipeline, sent, novel).code == "too_large"
    assert pipeline.get("positions", facility="forger") == []
    assert pipeline.get("unmatched", facility="forger") == []


@pytest.mark.parametrize("name", JUNK)
def test_junk_among_commands_is_rejected_by_the_market_and_each_command_answered(
    pipeline: Pipeline, name: str
) -> None:
    value, code = JUNK[name]
    number = 1_000 * (1 + list(JUNK).index(name))
    tp = TopicPartition(topic_files.COMMANDS, PARTITION)
    before, after = (
        OutRecord(tp, b"no-match", pipeline.codec.encode(command(number + n))) for n in (0, 1)
    )
    junk = OutRecord(tp, b"no-match", value)
    sent = publish(pipeline, [before, junk, after])
    found = rejection(pipeline, sent, junk)
    assert (found.code, found.stage) == (code, "market")
    assert undecodable(pipeline, sent, junk) == [code, value.hex().upper()]
    answers = pipeline.eventually(
        "both commands are answered",
        lambda: both if len(both := _answers(pipeline, number)) == 2 else [],
    )
    assert [(one.accepted, one.reason) for one in answers] == [(False, "unknown_match")] * 2
    assert [one.coordinates.offset for one in answers] == [sent.first, sent.first + 2]


def _answers(pipeline: Pipeline, number: int) -> list[Outcome]:
    wanted = {UUID(int=number), UUID(int=number + 1)}
    told = pipeline.events(topic_files.OUTCOMES, Outcome, [PARTITION])
    return [one for one in told if one.command in wanted]


def test_junk_and_strangers_among_positions_are_rejected_and_the_market_goes_on(
    pipeline: Pipeline,
) -> None:
    name = named_for_partition("behind-junk", PARTITION, PARTITIONS)
    tp = TopicPartition(topic_files.POSITIONS, PARTITION)
    junk = [OutRecord(tp, b"x", value) for value, _ in JUNK.values()]
    stranger = OutRecord(tp, b"x", pipeline.codec.encode(reading(name, 1)))
    sent = publish(pipeline, [*junk, stranger])
    for record, (_, code) in zip(junk, JUNK.values(), strict=True):
        found = rejection(pipeline, sent, record)
        assert (found.code, found.stage) == (code, "market")
        assert undecodable(pipeline, sent, record)[0] == code
    found = rejection(pipeline, sent, stranger)
    assert (found.code, found.stage) == ("misplaced", "market")
    assert "send it to synergy.availability.v1" in found.message
    assert undecodable(pipeline, sent, stranger)[0] == "misplaced"
    assert pipeline.sql(f"SELECT 1 FROM availability WHERE facility = '{name}'") == []
    pipeline.publish([pipeline.record(topic_files.FACILITIES, name, facility(name, PROGRAMME))])
    pipeline.eventually(
        "it is enrolled",
        lambda: name in {row["id"] for row in pipeline.get("facilities", programme=PROGRAMME)},
    )
    pipeline.publish([pipeline.record(topic_files.AVAILABILITY, name, reading(name, 1))])
    pipeline.eventually(
        "the market says why it has no match",
        lambda: pipeline.get("unmatched", programme=PROGRAMME, facility=name),
    )
