"""What the embedded registry knows, and the one file that it is kept in.

The file has one JSON object a line, in the order of the events, each on disk before it is answered. Ids are numbered
from 1 and never change: a schema has the same id under every subject, and documentation does not make it another one.
A line that was cut off by a crash was never answered: it is dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Final, TextIO, cast, get_args

from runtime.registry.errors import (
    IncompatibleSchemaError,
    RegistryAnswerError,
    RegistryStateError,
)
from schemas.compatibility import InvalidSchemaError, Level, differences, fingerprint

DEFAULT_LEVEL: Final[Level] = "FULL_TRANSITIVE"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a subject."""

    subject: str
    version: int
    id: int
    text: str


class RegistryState:
    """The registry's subjects, schemas and levels. Safe for several threads; one process owns the file."""

    def __init__(self, path: Path) -> None:
        """Read the file, or start it.

        Raises:
            RegistryStateError: another process owns it, or it is damaged.
        """
        self._path = path
        self._lock = RLock()
        self._versions: dict[str, list[Version]] = {}
        self._texts: dict[int, str] = {}
        self._ids: dict[str, int] = {}
        self._levels: dict[str | None, Level] = {None: DEFAULT_LEVEL}
        self._file = _opened(path)
        try:
            self._replay()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Give the file up."""
        self._file.close()

    def subjects(self) -> list[str]:
        """Return the subjects in order."""
        with self._lock:
            return sorted(self._versions)

    def versions(self, subject: str) -> list[Version]:
        """Return the versions of a subject. Raises RegistryAnswerError 40401."""
        with self._lock:
            found = self._versions.get(subject)
            if not found:
                raise RegistryAnswerError(404, 40401, f"Subject '{subject}' not found.")
            return list(found)

    def version(self, subject: str, number: int) -> Version:
        """Return one version, -1 for the latest. Raises RegistryAnswerError 40401 or 40402."""
        found = self.versions(subject)
        if number == -1:
            return found[-1]
        if not 1 <= number <= len(found):
            raise RegistryAnswerError(404, 40402, f"Version {number} not found.")
        return found[number - 1]

    def text(self, schema_id: int) -> str:
        """Return the schema of an id. Raises RegistryAnswerError 40403."""
        with self._lock:
            if schema_id not in self._texts:
                raise RegistryAnswerError(404, 40403, f"Schema {schema_id} not found")
            return self._texts[schema_id]

    def uses(self, schema_id: int) -> list[Version]:
        """Return the versions that have an id. Raises RegistryAnswerError 40403."""
        self.text(schema_id)
        with self._lock:
            every = [version for found in self._versions.values() for version in found]
            return [version for version in every if version.id == schema_id]

    def find(self, subject: str, text: str) -> Version:
        """Return the version that is this schema. Raises RegistryAnswerError 40401, 40403 or 42201."""
        _, key = _read(text)
        for version in self.versions(subject):
            if version.id == self._ids.get(key):
                return version
        raise RegistryAnswerError(404, 40403, "Schema not found")

    def register(self, subject: str, text: str) -> Version:
        """Return the version that is this schema, made when it is new.

        Raises:
            IncompatibleSchemaError: it breaks the subject's level.
            RegistryAnswerError: 42201, it is no Avro schema.
        """
        with self._lock:
            _, key = _read(text)
            for version in self._versions.get(subject, ()):
                if version.id == self._ids.get(key):
                    return version
            if reasons := self.check(subject, text):
                raise IncompatibleSchemaError(subject, "; ".join(reasons))
            made = Version(
                subject,
                len(self._versions.get(subject, ())) + 1,
                self._ids.get(key, len(self._texts) + 1),
                text,
            )
            self._append(
                {"subject": subject, "version": made.version, "id": made.id, "schema": text}
            )
            self._keep(made)
            return made

    def check(self, subject: str, text: str) -> tuple[str, ...]:
        """Return why a schema breaks the subject's level; nothing when it does not, or the subject is new."""
        with self._lock:
            definition, _ = _read(text)
            earlier = [json.loads(version.text) for version in self._versions.get(subject, ())]
            return differences(definition, earlier, self.level(subject))

    def check_version(self, subject: str, number: int, text: str) -> tuple[str, ...]:
        """Return why a schema breaks the subject's level against one version."""
        definition, _ = _read(text)
        earlier = json.loads(self.version(subject, number).text)
        return differences(definition, [earlier], self.level(subject))

    def level(self, subject: str | None) -> Level:
        """Return the level of a subject, the global one when it has none or for None."""
        with self._lock:
            return self._levels.get(subject, self._levels[None])

    def own_level(self, subject: str) -> Level:
        """Return the level that was set for a subject. Raises RegistryAnswerError 40408."""
        with self._lock:
            if subject not in self._levels:
                message = (
                    f"Subject '{subject}' does not have subject-level compatibility configured"
                )
                raise RegistryAnswerError(404, 40408, message)
            return self._levels[subject]

    def set_level(self, subject: str | None, level: str) -> None:
        """Set the level of a subject, or the global one. Raises RegistryAnswerError 42203."""
        if level not in get_args(Level):
            raise RegistryAnswerError(422, 42203, f"Invalid compatibility level: {level}")
        with self._lock:
            if self._levels.get(subject) != level:
                self._append({"subject": subject, "level": level})
                self._levels[subject] = cast(Level, level)

    def _keep(self, version: Version) -> None:
        _, key = _read(version.text)
        self._versions.setdefault(version.subject, []).append(version)
        self._texts.setdefault(version.id, version.text)
        self._ids.setdefault(key, version.id)

    def _append(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _replay(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rpartition("\n")[0]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                self._take(json.loads(line))
            except (ValueError, LookupError, TypeError, RegistryAnswerError) as error:
                raise RegistryStateError(
                    str(self._path), f"line {number} is damaged ({error}): restore it from a copy"
                ) from error
        kept = len((whole + "\n").encode()) if whole else 0
        self._file.truncate(kept)
        self._file.seek(0, os.SEEK_END)

    def _take(self, entry: dict[str, Any]) -> None:
        if "level" in entry:
            self._levels[entry["subject"]] = entry["level"]
            return
        self._keep(Version(entry["subject"], entry["version"], entry["id"], entry["schema"]))


def _read(text: str) -> tuple[Any, str]:
    """Return a schema's definition and fingerprint."""
    try:
        definition = json.loads(text)
        return definition, fingerprint(definition)
    except (ValueError, TypeError, InvalidSchemaError) as error:
        raise RegistryAnswerError(422, 42201, f"Invalid schema: {error}") from error


def _opened(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        opened.close()
        raise RegistryStateError(str(path), "another process serves it: stop that one") from error
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return opened
