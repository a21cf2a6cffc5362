"""The ledger on the embedded engine: every record type, every kind of bad bytes, the views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from runtime.clickhouse import EmbeddedEngine, open_database
from runtime.ledger_database import Encoding, StatementFailedError
from runtime.log import TopicPartition
from runtime.sink_source import Columns
from schemas.topic_files import topics_of
from sinks.container import Place
from sinks.ledger_opening import Permissions
from sinks.ledger_rows import Block, RowSorter
from sinks.ledger_store import DatabaseStore
from sinks.ledger_tables import EVENT_TABLES, TABLE_OF_RECORD, read_columns
from sinks.writers import Writers
from tests.ledger.engine import EngineLedger, open_ledger
from tests.ledger.samples import (
    NOON,
    SCHEMA_IDS,
    availability,
    every_record,
    frame,
    registry,
    rejected,
)

AVAILABILITY = TopicPartition("synergy.availability.v1", 0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[EngineLedger]:
    with open_ledger(tmp_path / "ledger") as opened:
        yield opened


def _table(name: str) -> str:
    record = "".join(part.title() for part in name.split("_"))
    return TABLE_OF_RECORD[f"synergy.v1.{record}"]


def _plain(value: object) -> object:
    """Return a value as the driver gives it: naive UTC times, tuples and dicts of records alike."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dict):
        return [_plain(part) for part in cast("dict[str, object]", value).values()]
    if isinstance(value, list | tuple):
        return [_plain(part) for part in cast("Sequence[object]", value)]
    return value


@pytest.mark.parametrize("name", sorted(SCHEMA_IDS))
def test_every_field_of_every_record_type_arrives(ledger: EngineLedger, name: str) -> None:
    event = every_record()[name]
    ledger.append(name, event)
    ledger.drain()
    names = [key for key in event if not isinstance(event[key], bytes)]
    columns = ", ".join(f"`{key}`" for key in names)
    row = ledger.one(f"SELECT {columns} FROM {_table(name)}")  # noqa: S608
    assert [_plain(value) for value in row] == [_plain(event[key]) for key in names]


def test_bytes_of_a_rejected_record_arrive_unchanged(ledger: EngineLedger) -> None:
    ledger.append("rejected", rejected(3, value=b"\x00\xff\n"))
    ledger.drain()
    assert ledger.one("SELECT hex(key), hex(value) FROM rejected") == ("FF", "00FF0A")


def test_each_row_says_where_its_record_is_and_keeps_its_bytes(ledger: EngineLedger) -> None:
    ledger.append("availability", availability(1), partition=1)
    ledger.append("availability", availability(2), partition=1)
    ledger.drain()
    row = ledger.one(
        "SELECT _topic, _topic_id, _partition, _offset, toUnixTimestamp64Milli(_timestamp), _schema_id, "
        "_key, hex(_value) FROM availability WHERE sequence = 2"
    )
    assert row == (
        "synergy.availability.v1",
        "id-of-synergy.availability.v1",
        1,
        1,
        1_172_750_400_123,
        SCHEMA_IDS["availability"],
        "key",
        frame("availability", availability(2)).hex().upper(),
    )


GOOD = frame("availability", availability(1))
BAD = {
    "empty value": (b"", "not_framed"),
    "four bytes": (b"\x00\x00\x00\x00", "not_framed"),
    "no framing": (b"junk that is long enough", "not_framed"),
    "unknown schema id": (b"\x00\x00\x00\xff\xff" + GOOD[5:], "unknown_schema_id"),
    "empty body": (GOOD[:5], "empty_body"),
    "truncated": (GOOD[:-3], "truncated"),
    "one byte left": (GOOD + b"\x00", "trailing_bytes"),
    "a whole record behind the body": (GOOD + GOOD[5:], "trailing_bytes"),
    "bytes of another record type": (
        GOOD[:5] + frame("tick", every_record()["tick"])[5:],
        "wrong_avro",
    ),
    "no UTF-8": (GOOD.replace(b"meter-1", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9"), "wrong_avro"),
    "an enum symbol that does not exist": (
        GOOD.replace(b"fly-ash\x00", b"fly-ash\x7e"),
        "wrong_avro",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_record_is_kept_with_its_reason_and_costs_its_neighbours_nothing(
    ledger: EngineLedger, case: str
) -> None:
    value, reason = BAD[case]
    for sequence in range(1, 6):
        ledger.append("availability", availability(sequence))
    offset = ledger.append_bytes(value)
    for sequence in range(6, 11):
        ledger.append("availability", availability(sequence))
    ledger.drain()
    assert ledger.all("SELECT reason, _offset, hex(_value) FROM undecodable") == [
        (reason, offset, value.hex().upper())
    ]
    rows = ledger.all("SELECT sequence, quantity FROM availability ORDER BY sequence")
    assert rows == [(sequence, 1000 + sequence) for sequence in range(1, 11)]


def test_all_bad_records_in_one_range_are_kept(ledger: EngineLedger) -> None:
    for value, _ in BAD.values():
        ledger.append_bytes(value)
        ledger.append_bytes(GOOD)
    ledger.drain()
    assert ledger.one("SELECT count() FROM availability") == (len(BAD),)
    assert ledger.one("SELECT count() FROM undecodable") == (len(BAD),)


@pytest.mark.parametrize("name", sorted(SCHEMA_IDS.keys() - {"availability", "tick"}))
def test_a_record_on_the_topic_of_others_is_no_row_of_its_table(
    ledger: EngineLedger, name: str
) -> None:
    value = frame(name, every_record()[name])
    ledger.append("availability", availability(1))
    offset = ledger.append_bytes(value)
    ledger.append("availability", availability(2))
    ledger.drain()
    assert ledger.all("SELECT reason, _offset, hex(_value) FROM undecodable") == [
        ("misplaced", offset, value.hex().upper())
    ]
    assert ledger.one(f"SELECT count() FROM {_table(name)}") == (0,)  # noqa: S608
    assert ledger.one("SELECT count() FROM availability_counted") == (2,)


def test_a_record_that_only_the_database_refuses_is_kept_as_undecodable(
    ledger: EngineLedger,
) -> None:
    wide = frame("availability", availability(2, revision=None))
    marker = wide.rindex(b"\x00\x00\x02\x14substitute")
    overflow = wide[:marker] + b"\x02\x80\x80\x80\x80\x80\x80\x01" + wide[marker + 1 :]
    ledger.append("availability", availability(1))
    offset = ledger.append_bytes(overflow)
    ledger.append("availability", availability(3))
    ledger.drain()
    assert ledger.all("SELECT sequence FROM availability ORDER BY 1") == [(1,), (3,)]
    assert ledger.all("SELECT reason, message, _offset FROM undecodable") == [
        (
            "wrong_avro",
            "revision: the number is longer than its type; write the record with the schema of its id",
            offset,
        )
    ]


def test_many_records_that_the_database_refuses_are_told_apart_without_asking_it_for_each(
    ledger: EngineLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    accepts = DatabaseStore.accepts

    def counted(store: DatabaseStore, block: Block) -> bool:
        asked.append(len(block.records))
        return accepts(store, block)

    monkeypatch.setattr(DatabaseStore, "accepts", counted)
    identity = str(availability(1)["id"]).encode()
    for _ in range(100):
        ledger.append_bytes(GOOD.replace(identity, b"x" * len(identity)))
        ledger.append_bytes(GOOD)
    ledger.drain()
    assert ledger.one("SELECT count() FROM availability") == (100,)
    assert ledger.one("SELECT count(), any(message) FROM undecodable")[0] == 100
    assert len(asked) <= 3


def test_a_record_without_a_value_is_a_tombstone(ledger: EngineLedger) -> None:
    offset = ledger.append_bytes(None)
    ledger.drain()
    assert ledger.all("SELECT _offset, _key FROM tombstones") == [(offset, "key")]


def test_a_second_run_adds_only_what_is_new(ledger: EngineLedger) -> None:
    ledger.append("availability", availability(1))
    ledger.drain()
    ledger.append("availability", availability(2))
    sink = ledger.drain()
    assert ledger.one("SELECT count(), uniqExact(sequence) FROM availability") == (2, 2)
    assert sink.status.repaired == 0


def _sorter(ledger: EngineLedger) -> RowSorter:
    columns = read_columns(ledger.database)
    return RowSorter(columns, Writers(columns, registry()), lambda: b"8 bytes.")


def _block(ledger: EngineLedger, encoding: Encoding) -> Block:
    """Return a good reading: in Arrow as it is sorted at first, in Avro as a repair makes it."""
    records = Columns([5], [1], [None], [GOOD])
    place = Place(AVAILABILITY, "id")
    (block,) = _sorter(ledger).sort(place, records)
    if encoding == "Avro":
        block = _sorter(ledger).events(place, records, GOOD[:5])
    assert block.encoding == encoding
    return block


def _insert(ledger: EngineLedger, block: Block, token: str) -> None:
    DatabaseStore(ledger.database).insert(block, token)


@pytest.mark.parametrize("name", sorted(SCHEMA_IDS))
def test_both_encodings_make_the_same_rows(ledger: EngineLedger, name: str) -> None:
    record = "".join(part.title() for part in name.split("_"))
    place = Place(TopicPartition(topics_of(record)[0].name, 0), "id")
    value = frame(name, every_record()[name])
    records = Columns([5, 6], [1, 2], [b"k", None], [value, value])
    (sorted_block,) = _sorter(ledger).sort(place, records)
    repair = _sorter(ledger).events(place, records, value[:5])
    rows: list[list[tuple[object, ...]]] = []
    for token, block in (("sorted", sorted_block), ("repair", repair)):
        _insert(ledger, block, token)
        rows.append(ledger.all(f"SELECT * FROM {block.table} ORDER BY _offset"))  # noqa: S608
        ledger.database.command(f"TRUNCATE TABLE {block.table}")
    assert len(rows[0]) == 2
    assert rows[0] == rows[1]
    assert repair.encoding == "Avro"


def test_a_padded_number_is_no_matter_for_the_fast_way(ledger: EngineLedger) -> None:
    """Polars drops what a number has too much; a body that is not the shortest is left to the engine's reader."""
    plain = frame("availability", availability(1))
    place = plain.index(b"meter-1") - 1
    padded = plain[:place] + b"\x8e\x00" + plain[place + 1 :]
    (block,) = _sorter(ledger).sort(Place(AVAILABILITY, "id"), Columns([5], [1], [None], [padded]))
    assert block.encoding == "Avro"


@pytest.mark.parametrize("encoding", ["Avro", "ArrowStream"])
def test_a_token_keeps_one_copy_and_a_new_token_adds_another(
    ledger: EngineLedger, encoding: Encoding
) -> None:
    block = _block(ledger, encoding)
    for token, rows in (("a", 1), ("a", 1), ("b", 2)):
        _insert(ledger, block, token)
        assert ledger.one("SELECT count() FROM availability") == (rows,)


def _torn(block: Block) -> Block:
    """Give an Avro block a bad tail, and an Arrow stream none."""
    bad = block.rows + b"\x02\x08torn" if block.encoding == "Avro" else block.rows[:-200]
    return replace(block, rows=bad)


@pytest.mark.parametrize("encoding", ["Avro", "ArrowStream"])
def test_a_torn_insert_writes_nothing(ledger: EngineLedger, encoding: Encoding) -> None:
    block = _block(ledger, encoding)
    with pytest.raises(StatementFailedError):
        _insert(ledger, _torn(block), "t")
    assert ledger.one("SELECT count() FROM availability") == (0,)


@pytest.mark.parametrize("encoding", ["Avro", "ArrowStream"])
def test_what_the_database_accepts_is_tried_without_keeping_it(
    ledger: EngineLedger, encoding: Encoding
) -> None:
    store = DatabaseStore(ledger.database)
    block = _block(ledger, encoding)
    assert store.accepts(block)
    assert not store.accepts(_torn(block))
    assert ledger.one("SELECT count() FROM availability") == (0,)
    assert ledger.one("SELECT count() FROM system.tables WHERE name LIKE 'probe%'") == (0,)


def test_the_lowest_offset_of_an_identity_counts_and_rejected_readings_do_not(
    ledger: EngineLedger,
) -> None:
    for sequence in (1, 2, 1, 3, 2, 1):
        ledger.append("availability", availability(sequence))
    ledger.append("rejected", rejected(1))
    ledger.append("rejected", rejected(3))
    ledger.drain()
    counted = ledger.all("SELECT sequence, _offset FROM availability_counted ORDER BY 1")
    assert counted == [(1, 0), (2, 4)]


def test_a_rejection_does_not_speak_of_what_a_topic_made_again_has_at_its_offset(
    ledger: EngineLedger,
) -> None:
    for sequence in (1, 2, 3):
        ledger.append("availability", availability(sequence))
    ledger.append("rejected", rejected(1))
    ledger.drain()
    ledger.topics.recreate(AVAILABILITY.topic)
    ledger.permissions = Permissions(accept_new_topic=True)
    ledger.now_ms += 3_600_000
    for sequence in (11, 12, 13):
        ledger.append("availability", availability(sequence))
    ledger.append("rejected", rejected(2))
    ledger.drain()
    counted = ledger.all("SELECT sequence, _offset FROM availability_counted ORDER BY 1")
    assert counted == [(1, 0), (3, 2), (11, 0), (12, 1)]


def test_tonnes_are_spread_over_days_in_whole_grams(ledger: EngineLedger) -> None:
    start = datetime(2007, 3, 1, 12, 0, tzinfo=UTC)
    long = {"period_start": start, "period_end": start + timedelta(hours=42)}
    ledger.append("availability", availability(1, quantity=10, **long))
    ledger.append("availability", availability(2, quantity=-10, **long))
    ledger.append("availability", availability(3, quantity=5, data_kind="SIMULATED"))
    ledger.append("availability", availability(4, quantity=7, quality="BAD"))
    ledger.append("availability", availability(5, quantity=9, form="STOCK"))
    ledger.drain()
    rows = ledger.all(
        "SELECT day, data_kind, grams_counted, readings_started, bad_readings_started "
        "FROM tonnes_per_day ORDER BY day, data_kind"
    )
    assert rows == [
        (date(2007, 3, 1), "MEASURED", 2 - 3, 2, 1),
        (date(2007, 3, 1), "SIMULATED", 5, 1, 0),
        (date(2007, 3, 2), "MEASURED", 6 - 6, 0, 0),
        (date(2007, 3, 3), "MEASURED", 2 - 1, 0, 0),
    ]


def test_the_tonnes_of_a_facility_that_has_moved_count_for_its_programme_only(
    ledger: EngineLedger,
) -> None:
    facility = every_record()["facility"]
    for programme in ("ohio-valley", "hebei"):
        ledger.append("facility", facility | {"programme": programme})
    ledger.append("availability", availability(1, quantity=5))
    ledger.drain()
    counted = ledger.all("SELECT programme, grams_counted FROM tonnes_per_day")
    assert counted == [("hebei", 5)]


def test_the_latest_position_and_match_win(ledger: EngineLedger) -> None:
    records = every_record()
    for quantity in (1, 2, 3):
        ledger.append("position", records["position"] | {"quantity_24h": quantity})
        ledger.append("match", records["match"] | {"revision": quantity})
    ledger.drain()
    assert ledger.one("SELECT quantity_24h FROM positions_latest") == (3,)
    assert ledger.one("SELECT revision FROM matches_latest") == (3,)


def test_rows_are_counted_by_table(ledger: EngineLedger) -> None:
    ledger.append("availability", availability(1))
    ledger.append_bytes(None)
    ledger.drain()
    counted = ledger.all("SELECT * FROM ledger_rows WHERE rows > 0 OR table = 'matches'")
    assert counted == [("availability", 1), ("matches", 0), ("tombstones", 1)]


def test_every_table_of_events_merges_late(ledger: EngineLedger) -> None:
    late = ledger.all(
        "SELECT name FROM system.tables WHERE create_table_query LIKE '%merge_selector_base = 20%'"
    )
    assert {str(name) for (name,) in late} == set(EVENT_TABLES)


def test_what_is_written_survives_the_process(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger") as first:
        first.append("availability", availability(1))
        first.drain()
    database = open_database(EmbeddedEngine(path=tmp_path / "ledger"))
    found = database.query("SELECT period_start FROM availability").rows
    database.close()
    assert found == (((NOON + timedelta(minutes=15)).replace(tzinfo=None),),)
