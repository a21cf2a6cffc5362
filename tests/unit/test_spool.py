"""The spool: identities, order, acknowledgement, and what it remembers."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.errors import SpoolError, SpoolWriteError
from producers.reading import Reading
from producers.spool import Receipt, Spool, SpooledRange, spooled_identities
from schemas.events import (
    Availability,
    Basis,
    DataKind,
    Direction,
    Form,
    Quality,
    SourceKind,
)
from schemas.identity import reading_id

START = datetime(2007, 3, 1, tzinfo=UTC)


def a_reading(source: str = "meter/1", facility: str = "plant", hour: int = 0) -> Reading:
    start = START + timedelta(hours=hour)
    return Reading(
        source=source,
        facility=facility,
        material="fly_ash",
        direction=Direction.SUPPLY,
        form=Form.FLOW,
        source_kind=SourceKind.METER,
        quantity=1000,
        unit="GRM",
        period_start=start,
        period_end=start + timedelta(hours=1),
        observed_at=start + timedelta(hours=1),
        quality=Quality.GOOD,
        data_kind=DataKind.MEASURED,
        basis=Basis.DRY,
    )


def encoded(event: Availability) -> bytes:
    return f"{event.source}|{event.facility}|{event.epoch}|{event.sequence}|{event.id}".encode()


@pytest.fixture
def open_spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    opened: list[Spool] = []

    def open_one(name: str = "a.spool", fresh_epoch: int = 7) -> Spool:
        opened.append(Spool(tmp_path / name, encoded, fresh_epoch))
        return opened[-1]

    yield open_one
    for spool in opened:
        spool.close()


def test_sequences_count_from_one_for_each_source_and_facility(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    spool.append([a_reading("m1", "a"), a_reading("m1", "b"), a_reading("m2", "a")], "p")
    spool.append([a_reading("m1", "a", 1)], "p")
    values = [row.value.decode().rsplit("|", 1)[0] for row in spool.unsent(0, 10)]
    assert values == ["m1|a|7|1", "m1|b|7|1", "m2|a|7|1", "m1|a|7|2"]


def test_the_id_is_a_function_of_the_identity_alone(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append([a_reading("m1", "a")], "p")
    (row,) = spool.unsent(0, 10)
    assert row.value.decode().endswith(str(reading_id("m1", "a", 7, 1)))
    assert reading_id("m1", "a", 7, 1) != reading_id("m1", "a", 7, 2)
    assert reading_id("m1", "ab", 7, 1) != reading_id("m1a", "b", 7, 1)


def test_the_record_key_is_the_series(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append([a_reading("m1", "a")], "p")
    assert spool.unsent(0, 1)[0].key == b"a|fly_ash|SUPPLY"


def test_a_reopened_spool_goes_on_with_epoch_sequences_position_and_unsent(
    open_spool: Callable[..., Spool],
) -> None:
    first = open_spool()
    first.append([a_reading(hour=0), a_reading(hour=1)], "here")
    first.acknowledge(first.unsent(0, 1)[0].place)
    first.close()
    again = open_spool(fresh_epoch=99)
    again.append([a_reading(hour=2)], "there")
    assert (again.epoch, again.position) == (7, "there")
    assert [row.value.split(b"|")[3] for row in again.unsent(0, 10)] == [b"2", b"3"]
    assert again.identities() == (SpooledRange("meter/1", "plant", 7, last=3, acknowledged=1),)


def test_an_acknowledged_spool_keeps_counting(open_spool: Callable[..., Spool]) -> None:
    first = open_spool()
    first.append([a_reading()], "p")
    first.acknowledge(first.unsent(0, 1)[0].place)
    first.close()
    again = open_spool(fresh_epoch=99)
    again.append([a_reading(hour=1)], "p")
    assert again.unsent(0, 10)[0].value.split(b"|")[2:4] == [b"7", b"2"]


def test_a_lost_spool_starts_with_a_higher_epoch_even_when_the_clock_went_back(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    open_spool(fresh_epoch=1000).close()
    for file in tmp_path.glob("a.spool*"):
        if file.suffix not in {".epoch", ".lock"}:
            file.unlink()
    assert open_spool(fresh_epoch=5).epoch == 1001


def test_a_failed_append_leaves_no_trace(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append([a_reading(hour=0)], "before")

    def broken() -> Iterator[Reading]:
        yield a_reading(hour=1)
        yield a_reading("new source", hour=1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        spool.append(broken(), "after")
    assert spool.position == "before"
    spool.append([a_reading(hour=1), a_reading("new source", hour=1)], "after")
    ranges = {(one.source, one.last) for one in spool.identities()}
    assert ranges == {("meter/1", 2), ("new source", 1)}


def test_unsent_pages_through_without_repeats(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append([a_reading(hour=hour) for hour in range(7)], "p")
    places: list[int] = []
    while rows := spool.unsent(places[-1] if places else 0, 3):
        places += [row.place for row in rows]
    assert places == sorted(set(places))
    assert len(places) == 7


def test_a_second_process_is_kept_out(open_spool: Callable[..., Spool]) -> None:
    first = open_spool()
    with pytest.raises(SpoolError, match="another process"):
        open_spool()
    first.close()
    open_spool()


def test_another_process_may_look_while_a_spool_is_written(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    assert spooled_identities(tmp_path / "a.spool") == ()
    spool = open_spool()
    spool.append([a_reading(hour=0)], "p")
    looked = spooled_identities(tmp_path / "a.spool")
    assert looked == (SpooledRange("meter/1", "plant", 7, last=1, acknowledged=0),)
    spool.append([a_reading(hour=1)], "p")
    assert spooled_identities(tmp_path / "a.spool") == spool.identities()


def test_a_file_that_is_no_spool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.spool").write_text("not a database, but long enough to be looked at")
    with pytest.raises(SpoolError):
        spooled_identities(tmp_path / "a.spool")


def test_a_file_of_another_version_is_refused(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    other = sqlite3.connect(tmp_path / "a.spool")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(SpoolError, match="version 99"):
        open_spool()


def keep(spool: Spool, key: str, received_us: int) -> None:
    spool.append_with_receipt(
        [a_reading(hour=0)], lambda events: Receipt(key, b"print", str(len(events)), received_us)
    )


def test_a_spool_of_the_version_before_learns_to_keep_receipts(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    open_spool().close()
    former = sqlite3.connect(tmp_path / "a.spool")
    former.executescript("DROP TABLE receipts; DROP TABLE ends; PRAGMA user_version = 1;")
    former.close()
    spool = open_spool()
    assert spool.receipt("key") is None
    keep(spool, "key", 5)
    assert spool.receipt("key") == Receipt("key", b"print", "1", 5)


def test_old_receipts_are_found_without_looking_at_the_others(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    open_spool().close()
    former = sqlite3.connect(tmp_path / "a.spool")
    former.executescript("DROP INDEX receipts_by_time; PRAGMA user_version = 2;")
    former.close()
    open_spool().close()
    with closing(sqlite3.connect(tmp_path / "a.spool")) as database:
        [plan] = database.execute("EXPLAIN QUERY PLAN DELETE FROM receipts WHERE received_us < 5")
    assert "receipts_by_time" in plan[3]


def test_receipts_are_forgotten_by_age_but_never_the_latest(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    for time in range(1, 6):
        keep(spool, str(time), time)
    spool.forget_receipts(3, 2)
    assert [time for time in range(1, 6) if spool.receipt(str(time)) is None] == [1, 2]
    spool.forget_receipts(100, 2)
    assert [time for time in range(1, 6) if spool.receipt(str(time)) is not None] == [4, 5]
    spool.forget_receipts(100, 3)
    assert spool.receipt("4") is not None


def test_a_receipt_is_stored_with_its_readings_or_not_at_all(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    for _ in range(2):
        with suppress(sqlite3.IntegrityError):
            spool.append_with_receipt(
                [a_reading(hour=0)], lambda events: Receipt("key", b"", str(len(events)), 5)
            )
    assert len(spool.unsent(0, 10)) == 1
    assert spool.append([a_reading(hour=1)], "p") == 1
    assert [one.last for one in spool.identities()] == [2]


@contextmanager
def full_disk() -> Generator[None]:
    """No file of this process may grow or change meanwhile."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_stores_nothing_and_the_spool_goes_on_once_there_is_room(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    spool.append([a_reading(hour=0)], "first")
    with full_disk():
        with pytest.raises(SpoolWriteError, match=r"a\.spool"):
            spool.append([a_reading(hour=1)], "second")
        with pytest.raises(SpoolWriteError):
            spool.acknowledge(1)
        with pytest.raises(SpoolWriteError):
            spool.append_with_receipt(
                [a_reading(hour=1)], lambda _: Receipt("key", b"", "answer", 5)
            )
    assert spool.position == "first"
    assert spool.receipt("key") is None
    assert len(spool.unsent(0, 10)) == 1
    spool.append([a_reading(hour=1)], "second")
    assert [one.place for one in spool.unsent(0, 10)] == [1, 2]
    [one] = spool.identities()
    assert (one.last, one.acknowledged) == (2, 0)
