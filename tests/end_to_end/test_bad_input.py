"""Bad input between good neighbours: rejected with a reason and its bytes, and nobody else is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from runtime.log import OutRecord, TopicPartition
from schemas import topic_files
from schemas.events import Availability, Coordinates, Rejected
from sinks.measure import DOUBLED, POSITIONS_DIFFERING, STREAMS, measure, query
from tests.end_to_end.bad_readings import BAD, CODES, Bad
from tests.end_to_end.pipeline import Pipeline, Row
from tests.end_to_end.plants import KILOGRAM, facility, reading

pytestmark = pytest.mark.kafka

PROGRAMME = "bad-input"
AROUND = 10  # good readings on either side
DOUBLE = "resent"


@dataclass(frozen=True, slots=True)
class Sent:
    """A bad record: its fault, its bytes, and where it lies."""

    bad: Bad
    record: OutRecord
    at: Coordinates


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was sent and what came of it, read once for all tests."""

    sent: Mapping[str, Sent]
    good: Mapping[str, tuple[Availability, ...]]
    rejections: Mapping[Coordinates, list[Rejected]]


def plant_of(case: str) -> str:
    return f"bad-{case}"


def neighbours(plant: str) -> tuple[Availability, ...]:
    """Good readings 1 to 10 and 12 to 21: between them is room for a bad one."""
    sequences = [*range(1, AROUND + 1), *range(AROUND + 2, 2 * AROUND + 2)]
    return tuple(reading(plant, sequence) for sequence in sequences)


@pytest.fixture(scope="module")
def outcome(pipeline: Pipeline) -> Outcome:
    """Publish every case in one go, so that a partition gets good and bad ones of all kinds in one batch."""
    plants = [*map(plant_of, BAD), DOUBLE]
    pipeline.publish(
        pipeline.record(topic_files.FACILITIES, plant, facility(plant, PROGRAMME))
        for plant in plants
    )
    pipeline.eventually(
        "the facilities are enrolled",
        lambda: len(pipeline.get("facilities", programme=PROGRAMME)) == len(plants),
    )
    good = {plant: neighbours(plant) for plant in plants}
    before = pipeline.ends(topic_files.AVAILABILITY)
    faulty = {case: _bad_record(pipeline, case) for case in BAD}
    batch: list[OutRecord] = []
    for case, plant in zip([*BAD, None], plants, strict=True):
        first, second = good[plant][:AROUND], good[plant][AROUND:]
        middle = _resent(good[plant]) if case is None else ()
        batch += [pipeline.record(topic_files.AVAILABILITY, plant, one) for one in first]
        batch += [pipeline.record(topic_files.AVAILABILITY, plant, one) for one in middle]
        batch += [] if case is None else [faulty[case]]
        batch += [pipeline.record(topic_files.AVAILABILITY, plant, one) for one in second]
    pipeline.publish(batch)
    pipeline.settle()
    rejections: dict[Coordinates, list[Rejected]] = {}
    for event in pipeline.events(topic_files.REJECTED, Rejected):
        rejections.setdefault(event.origin, []).append(event)
    places = _places(pipeline, batch, before)
    sent = {case: Sent(BAD[case], record, places[id(record)]) for case, record in faulty.items()}
    return Outcome(sent, good, rejections)


def _bad_record(pipeline: Pipeline, case: str) -> OutRecord:
    """Put the fault into reading 11. It goes where its facility says, as a sender would do that knows no better."""
    good = reading(plant_of(case), AROUND + 1)
    record = pipeline.record(topic_files.AVAILABILITY, good.facility, good)
    return record._replace(value=BAD[case].make(pipeline.codec, good))


def _resent(good: tuple[Availability, ...]) -> tuple[Availability, ...]:
    """The same reading again, and another one under a sequence that was used."""
    return good[4], replace(good[5], quantity=good[5].quantity + KILOGRAM)


def _places(
    pipeline: Pipeline, batch: list[OutRecord], before: Mapping[int, int]
) -> dict[int, Coordinates]:
    """Return where each record lies, by its identity in this process."""
    found = list(pipeline.read(topic_files.AVAILABILITY))
    places: dict[int, Coordinates] = {}
    for number, first in before.items():
        ours = [record for record in batch if record.tp.partition == number]
        theirs = [
            record for tp, record in found if tp.partition == number and record.offset >= first
        ]
        assert [one.value for one in ours] == [one.value for one in theirs]
        for our, their in zip(ours, theirs, strict=True):
            places[id(our)] = Coordinates(
                topic=topic_files.AVAILABILITY, partition=number, offset=their.offset
            )
    return places


cases = pytest.mark.parametrize("case", list(BAD))


@cases
def test_the_rejected_topic_says_what_is_wrong_and_keeps_the_bytes(
    outcome: Outcome, case: str
) -> None:
    sent = outcome.sent[case]
    [found] = outcome.rejections[sent.at]
    assert (found.code, found.stage) == (sent.bad.code, "balance")
    assert found.field == sent.bad.field
    for words in sent.bad.says:
        assert words in found.message
    assert (found.key, found.value) == (sent.record.key, sent.record.value)


@cases
def test_the_ledger_keeps_the_rejection_with_bytes_and_coordinates(
    outcome: Outcome, pipeline: Pipeline, case: str
) -> None:
    sent = outcome.sent[case]
    value = None if sent.record.value is None else sent.record.value.hex().upper()
    assert sent.record.key is not None
    found = pipeline.sql(
        "SELECT code, field, stage, hex(key), hex(value) FROM rejected WHERE "
        f"origin = ('{sent.at.topic}', {sent.at.partition}, {sent.at.offset})"
    )
    expected = [sent.bad.code, sent.bad.field, "balance", sent.record.key.hex().upper(), value]
    assert found == [expected]


@cases
def test_what_is_no_reading_at_all_is_kept_apart(
    outcome: Outcome, pipeline: Pipeline, case: str
) -> None:
    sent = outcome.sent[case]
    at = f"_topic = '{sent.at.topic}' AND _partition = {sent.at.partition} AND _offset = {sent.at.offset}"
    held: dict[str, list[Row]] = {
        "undecodable": pipeline.sql(f"SELECT reason, hex(_value) FROM undecodable WHERE {at}"),
        "tombstones": pipeline.sql(f"SELECT hex(_key) FROM tombstones WHERE {at}"),
        "availability": pipeline.sql(f"SELECT 1 FROM availability WHERE {at}"),
    }
    kept_in = sent.bad.kept_in or "availability"
    rows: dict[str, list[object]] = {
        "undecodable": [sent.bad.code, (sent.record.value or b"").hex().upper()],
        "tombstones": [(sent.record.key or b"").hex().upper()],
        "availability": [1],
    }
    assert held == {table: [rows[table]] if table == kept_in else [] for table in rows}


@pytest.mark.parametrize("plant", [*map(plant_of, BAD), DOUBLE])
def test_the_neighbours_are_counted_to_the_gram(
    outcome: Outcome, pipeline: Pipeline, plant: str
) -> None:
    good = outcome.good[plant]
    tonnes = sum(one.quantity for one in good) / 1_000_000
    [shown] = pipeline.get("positions", programme=PROGRAMME, facility=plant)
    assert shown["quantity_24h"] == round(tonnes, 3)
    [[counted, grams]] = pipeline.sql(
        f"SELECT count(), sum(quantity) FROM availability_counted WHERE facility = '{plant}'"
    )
    assert (counted, grams) == (len(good), sum(one.quantity for one in good))


def test_every_reason_code_of_the_stage_is_tried() -> None:
    of_a_whole_source = {"declared_lost"}  # no fault of one reading: test_lost_readings.py
    assert {bad.code for bad in BAD.values()} == CODES - of_a_whole_source


def test_nothing_else_is_rejected(outcome: Outcome) -> None:
    ours = {sent.at for sent in outcome.sent.values()}
    others = [
        one
        for at, found in outcome.rejections.items()
        for one in found
        if at not in ours and (one.key or b"").startswith((b"bad-", DOUBLE.encode()))
    ]
    assert others == []


def test_what_was_sent_twice_is_kept_twice_counted_once_and_called_resent(
    outcome: Outcome, pipeline: Pipeline
) -> None:
    good = outcome.good[DOUBLE]
    [[rows]] = pipeline.sql(f"SELECT count() FROM availability WHERE facility = '{DOUBLE}'")
    assert rows == len(good) + 2
    streams = [row for row in pipeline.sql(query(STREAMS)) if row[1] == DOUBLE]
    [[doubled]] = pipeline.sql(query(DOUBLED))
    found = measure([], streams, int(doubled))
    assert (found.resent, found.duplicated) == (2, 0)
    counted = pipeline.sql(
        f"SELECT sequence, quantity FROM availability_counted WHERE facility = '{DOUBLE}' ORDER BY sequence"
    )
    assert counted == [[one.sequence, one.quantity] for one in good]


@pytest.mark.usefixtures("outcome")
def test_every_published_position_equals_its_readings(pipeline: Pipeline) -> None:
    [[positions, differing]] = pipeline.sql(query(POSITIONS_DIFFERING))
    assert positions > 0
    assert differing == 0


@pytest.mark.usefixtures("outcome")
def test_a_forged_position_reaches_no_screen(pipeline: Pipeline) -> None:
    assert pipeline.get("positions", programme="forged") == []
    assert pipeline.sql("SELECT 1 FROM positions WHERE programme = 'forged'") == []


@pytest.mark.usefixtures("outcome")
def test_rest_shows_the_latest_rejections(pipeline: Pipeline) -> None:
    shown = {row["origin"]["offset"] for row in pipeline.get("rejected")}
    assert shown


@pytest.mark.usefixtures("outcome")
def test_no_process_ended_and_none_complains(pipeline: Pipeline) -> None:
    assert set(pipeline.restarts().values()) == {0}
    for name in ("balance", "market", "store"):
        for line in pipeline.log_lines(name):
            assert '"level": "error"' not in line
            assert "Traceback" not in line


def test_the_partitions_move_on(outcome: Outcome, pipeline: Pipeline) -> None:
    heads = pipeline.heads("balance")
    for sent in outcome.sent.values():
        assert heads[sent.at.partition].next[topic_files.AVAILABILITY] > sent.at.offset
        tp = TopicPartition(sent.at.topic, sent.at.partition)
        ledger = pipeline.log.group_positions("synergy.ledger", [tp])[tp]
        assert ledger > sent.at.offset
