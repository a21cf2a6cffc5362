"""What the ledger's database promises: migrations, one owner, and readers that can't change or leave anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.clickhouse import ClickHouseServer, EmbeddedEngine, open_database
from runtime.ledger_database import (
    DatabaseLockedError,
    DatabaseUnavailableError,
    LedgerDatabase,
    QueryLimits,
    QueryRefusedError,
    ReadOnlyDatabase,
    StatementFailedError,
)
from sinks.migrate import (
    Migration,
    MigrationChangedError,
    MigrationUnknownError,
    migrate,
    shipped,
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[LedgerDatabase]:
    opened = open_database(EmbeddedEngine(path=tmp_path / "ledger"))
    yield opened
    opened.close()


@pytest.fixture
def reader(database: LedgerDatabase) -> Iterator[ReadOnlyDatabase]:
    database.command("CREATE TABLE readings (n Int64) ENGINE = MergeTree ORDER BY n")
    database.command("INSERT INTO readings SELECT number FROM numbers(2000)")
    limits = QueryLimits(
        seconds=1.0, result_rows=10, read_rows=100_000, memory_bytes=64 * 1024 * 1024
    )
    opened = database.reader(limits)
    yield opened
    opened.close()


def test_migrations_run_once(database: LedgerDatabase) -> None:
    assert migrate(database, shipped()) == shipped()
    assert migrate(database, shipped()) == ()


def test_shipped_migrations_are_numbered_without_gaps() -> None:
    assert [migration.version for migration in shipped()] == list(range(1, len(shipped()) + 1))


@pytest.mark.parametrize("migration", shipped(), ids=lambda migration: migration.name)
def test_every_statement_may_be_repeated(migration: Migration) -> None:
    statements = list(migration.statements())
    assert statements
    for statement in statements:
        ways = ("IF NOT EXISTS", "OR REPLACE", "MODIFY SETTING", "MATERIALIZE")
        assert any(way in statement for way in ways), statement[:80]


def test_a_migration_that_was_interrupted_is_run_again(database: LedgerDatabase) -> None:
    migrations = shipped()
    database.command(next(migrations[0].statements()))
    assert migrate(database, migrations) == migrations


def test_a_changed_migration_is_refused_and_nothing_is_run(database: LedgerDatabase) -> None:
    first = Migration(1, "one", "CREATE TABLE IF NOT EXISTS a (n Int8) ENGINE = Memory;\n")
    second = Migration(2, "two", "CREATE TABLE IF NOT EXISTS b (n Int8) ENGINE = Memory;\n")
    migrate(database, [first])
    with pytest.raises(MigrationChangedError) as caught:
        migrate(database, [replace(first, text=first.text + "-- changed\n"), second])
    assert caught.value.version == 1
    assert database.query("EXISTS TABLE b").rows == ((0,),)


def test_a_ledger_newer_than_the_program_is_refused(database: LedgerDatabase) -> None:
    first = Migration(1, "one", "CREATE TABLE IF NOT EXISTS a (n Int8) ENGINE = Memory;\n")
    migrate(database, [first, replace(first, version=2)])
    with pytest.raises(MigrationUnknownError) as caught:
        migrate(database, [first])
    assert caught.value.versions == (2,)


def test_comments_and_semicolons_inside_a_line_are_no_statements() -> None:
    text = "-- a; comment;\nSELECT ';';\n\n  -- another\nSELECT 2;\n"
    assert list(Migration(1, "x", text).statements()) == ["SELECT ';'", "SELECT 2"]


def test_a_wrong_statement_fails_with_the_engines_code(database: LedgerDatabase) -> None:
    with pytest.raises(StatementFailedError) as caught:
        database.command("CREATE TABLE x")
    assert caught.value.code == 80


def test_a_reader_reads(reader: ReadOnlyDatabase) -> None:
    found = reader.query(
        "SELECT max(n) AS top FROM readings WHERE n < {below:Int64};", {"below": 7}
    )
    assert found.columns == ("top",)
    assert found.rows == ((6,),)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "-- why\nWITH x AS (SELECT 1 AS a) SELECT a FROM x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SHOW TABLES",
        "DESCRIBE readings",
        "EXISTS TABLE readings",
        "EXPLAIN SELECT 1",
        "SELECT URLHierarchy('http://a/b') FROM readings LIMIT 1",
    ],
)
def test_a_reader_answers_every_kind_of_query(reader: ReadOnlyDatabase, sql: str) -> None:
    assert reader.query(sql).rows


REFUSED = {
    "INSERT INTO readings VALUES (1)": "not_a_query",
    "DROP TABLE readings": "not_a_query",
    "CREATE TABLE x (n Int8) ENGINE = Memory": "not_a_query",
    "ALTER TABLE readings DELETE WHERE 1": "not_a_query",
    "SET readonly = 0": "not_a_query",
    "KILL QUERY WHERE 1": "not_a_query",
    "SYSTEM SHUTDOWN": "not_a_query",
    "": "not_a_query",
    "SELECT 1; DROP TABLE readings": "several_statements",
    "SELECT 1 INTO OUTFILE 'stolen.txt'": "writes_a_file",
    "SELECT 1 INTO/**/OutFile 'stolen.txt'": "writes_a_file",
    "SELECT file('/etc/passwd')": "reaches_outside",
    "SELECT `\\x66ile`('/etc/passwd')": "reaches_outside",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])": "reaches_outside",
    "EXPLAIN SELECT file('/etc/passwd')": "reaches_outside",
    "DESCRIBE (SELECT file('/etc/passwd'))": "reaches_outside",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')": "reaches_outside",
    "SELECT * FROM url('http://localhost/')": "reaches_outside",
    "SELECT * FROM remote('localhost', 'system.one')": "reaches_outside",
    "SELECT sleep(3)": "reaches_outside",
    "SELECT * FROM sqlite('/tmp/x', 'y')": "reaches_outside",
    "SELECT * FROM gcs('http://bucket.storage/key')": "reaches_outside",
    "SELECT * FROM oss('http://bucket.storage/key')": "reaches_outside",
    "SELECT * FROM cosn('http://bucket.storage/key')": "reaches_outside",
    "SELECT * FROM clusterAllReplicas('default', system.one)": "reaches_outside",
    "SELECT * FROM postgresql('host:1', 'd', 't', 'u', 'p')": "reaches_outside",
    "SELECT * FROM loop(readings)": "read_only",
    "SELECT sum(cityHash64(repeat(toString(n), 200000))) FROM readings": "too_much",
    "SELECT n FROM readings": "too_much",
    "SELECT count() FROM numbers(1000000000)": "too_much",
    "SELECT groupArray(repeat('x', 1000000)) FROM readings": "too_much",
    "SELECT 1 SETTINGS max_execution_time = 1000": "read_only",
    "SELECT 1 SETTINGS readonly = 0": "read_only",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_a_reader_refuses_with_a_reason_and_says_what_to_do(
    reader: ReadOnlyDatabase, database: LedgerDatabase, sql: str
) -> None:
    with pytest.raises(QueryRefusedError) as caught:
        reader.query(sql)
    assert caught.value.reason == REFUSED[sql]
    assert caught.value.fix
    assert database.query("SELECT count() FROM readings").rows == ((2000,),)
    assert reader.query("SELECT count() FROM readings").rows == ((2000,),)
    assert not Path("stolen.txt").exists()


def test_a_reader_says_what_it_does_not_understand(reader: ReadOnlyDatabase) -> None:
    with pytest.raises(StatementFailedError, match="Unknown expression identifier"):
        reader.query("SELECT nothing FROM readings")


def test_a_second_process_is_told_who_owns_the_ledger(
    database: LedgerDatabase, tmp_path: Path
) -> None:
    del database
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from runtime.clickhouse import EmbeddedEngine, open_database\n"
        "from runtime.ledger_database import DatabaseLockedError\n"
        "try:\n"
        "    open_database(EmbeddedEngine(path=Path(sys.argv[1])))\n"
        "except DatabaseLockedError as error:\n"
        "    print('locked:', error.path)\n"
    )
    path = tmp_path / "ledger"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == f"locked: {path}"


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailableError):
        open_database(ClickHouseServer(host="127.0.0.1", port=1))


def test_two_paths_in_one_process_are_no_lock(database: LedgerDatabase, tmp_path: Path) -> None:
    del database
    with pytest.raises(DatabaseUnavailableError) as caught:
        open_database(EmbeddedEngine(path=tmp_path / "other"))
    assert not isinstance(caught.value, DatabaseLockedError)
