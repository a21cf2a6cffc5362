"""Numbered SQL files with checksums, run one statement at a time on the embedded engine and on a server.

ClickHouse has no transaction around several statements, so a file whose run was interrupted is run again from its
start: every statement has to be repeatable (`IF NOT EXISTS`, `OR REPLACE`, `MODIFY SETTING`, `MATERIALIZE`), and a test
sees to it. Migrations only go forward. Files are named `NNN_name.sql`, as the tool clickhouse-migrations has it, so
that operators may use that one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from runtime.ledger_database import LedgerDatabase

_FILE_NAME = re.compile(r"^(\d{3})_([a-z0-9_]+)\.sql$")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY version
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `checksum` is the SHA-256 of its text."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self) -> Iterator[str]:
        """Yield the statements without comments. A semicolon at the end of a line ends a statement."""
        for part in _COMMENT.sub("", self.text).split(";\n"):
            statement = part.strip().removesuffix(";")
            if statement:
                yield statement


class MigrationError(Exception):
    """Root of the migration errors."""


class MigrationChangedError(MigrationError):
    """A file is not the one that was run on this ledger."""

    def __init__(self, migration: Migration, applied: str) -> None:
        super().__init__(
            f"migration {migration.version:03d}_{migration.name} was changed after it had been run here "
            f"(checksum {migration.checksum[:12]}, run with {applied[:12]}): "
            "restore the file and put the change into a new one"
        )
        self.version = migration.version


class MigrationUnknownError(MigrationError):
    """The ledger was migrated by a newer program."""

    def __init__(self, versions: Sequence[int]) -> None:
        super().__init__(
            f"this ledger has migrations {', '.join(f'{version:03d}' for version in versions)}, "
            "which this program does not know: use a program that is at least as new as the ledger"
        )
        self.versions = tuple(versions)


def shipped() -> tuple[Migration, ...]:
    """Return the migrations that ship with the program, in order."""
    found: list[Migration] = []
    for entry in resources.files("sinks").joinpath("migrations").iterdir():
        name = _FILE_NAME.match(entry.name)
        if name is not None:
            found.append(Migration(int(name.group(1)), name.group(2), entry.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


def migrate(database: LedgerDatabase, migrations: Sequence[Migration]) -> tuple[Migration, ...]:
    """Run what has not been run on this ledger yet and return it.

    Raises:
        MigrationChangedError: a file differs from the one that was run; nothing is run then.
        MigrationUnknownError: the ledger is newer than the program; nothing is run then.
    """
    database.command(_TABLE)
    applied = dict(_applied(database))
    unknown = sorted(applied.keys() - {migration.version for migration in migrations})
    if unknown:
        raise MigrationUnknownError(unknown)
    for migration in migrations:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise MigrationChangedError(migration, applied[migration.version])
    pending = tuple(migration for migration in migrations if migration.version not in applied)
    for migration in pending:
        for statement in migration.statements():
            database.command(statement)
        database.command(
            "INSERT INTO schema_migrations (version, name, checksum) "  # noqa: S608 - both are checked texts
            f"VALUES ({migration.version}, '{migration.name}', '{migration.checksum}')"
        )
    return pending


def _applied(database: LedgerDatabase) -> Iterator[tuple[int, str]]:
    for version, checksum in database.query("SELECT version, checksum FROM schema_migrations").rows:
        yield int(str(version)), str(checksum)
