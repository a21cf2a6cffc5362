"""The published versions of every schema, in `schemas/versions.lock.json`, and whether the schema files keep to them.

The lock holds, by subject, the fingerprint of each version, and every schema that was ever published. A schema file
that differs from the latest locked version is a new version that nobody has locked yet, or an accident.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, cast

from schemas.avro_files import RecordSchema, record_schemas
from schemas.compatibility import differences, fingerprint
from schemas.topic_files import topic_files

LOCK_FILE: Final = "versions.lock.json"
LOCK_COMMAND: Final = "synergy schemas lock"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the schema of a subject, and what to do."""

    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class VersionsLock:
    """Published versions.

    Args:
        subjects: fingerprints of the versions of each subject, version 1 first.
        schemas: definition of each fingerprint.
    """

    subjects: Mapping[str, tuple[str, ...]]
    schemas: Mapping[str, Mapping[str, Any]]

    def definitions(self, subject: str) -> list[Mapping[str, Any]]:
        """Return the definitions of a subject's versions, version 1 first."""
        return [self.schemas[found] for found in self.subjects.get(subject, ())]

    def text(self) -> str:
        """Return the lock file's content."""
        content = {
            "subjects": {subject: list(found) for subject, found in sorted(self.subjects.items())},
            "schemas": {key: dict(found) for key, found in sorted(self.schemas.items())},
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def subjects() -> Mapping[str, RecordSchema]:
    """Return the current schema of every subject, by `<topic>-<full record name>`."""
    return {
        topic.subject(record): record_schemas()[record]
        for topic in topic_files().values()
        for record in topic.records
    }


def load_lock() -> VersionsLock:
    """Return the lock that is shipped."""
    return parse_lock((files("schemas") / LOCK_FILE).read_text(encoding="utf-8"))


def parse_lock(text: str) -> VersionsLock:
    """Return the lock of a lock file's content."""
    content = cast("dict[str, dict[str, Any]]", json.loads(text))
    return VersionsLock(
        {subject: tuple(found) for subject, found in content["subjects"].items()},
        content["schemas"],
    )


def check_all(lock: VersionsLock) -> tuple[Finding, ...]:
    """Return every subject whose schema file is not the latest version of the lock, or breaks its topic's rule.

    A lock that has been changed by hand is found as well.
    """
    found = [
        Finding(subject, f"the lock holds another schema under the fingerprint {key}")
        for subject, keys in lock.subjects.items()
        for key in keys
        if key not in lock.schemas or fingerprint(lock.schemas[key]) != key
    ]
    if found:
        return tuple(found)
    for topic in topic_files().values():
        for record in topic.records:
            subject, definition = topic.subject(record), record_schemas()[record].definition
            earlier = lock.definitions(subject)
            if earlier and fingerprint(earlier[-1]) == fingerprint(definition):
                earlier = earlier[:-1]
            else:
                say = f"this version is not published: if the change is meant, run `{LOCK_COMMAND}`"
                found.append(Finding(subject, say))
            broken = differences(definition, earlier, topic.compatibility)
            found += [Finding(subject, f"{topic.compatibility}: {reason}") for reason in broken]
    orphans = sorted(lock.subjects.keys() - subjects().keys())
    found += [Finding(subject, "it is published and no topic file names it") for subject in orphans]
    return tuple(found)


def locked(lock: VersionsLock) -> VersionsLock:
    """Return the lock with the schema files' current versions as the latest; what is published is kept."""
    versions = dict(lock.subjects)
    schemas = dict(lock.schemas)
    for subject, schema in subjects().items():
        key = fingerprint(schema.definition)
        if versions.get(subject, ())[-1:] != (key,):
            versions[subject] = (*versions.get(subject, ()), key)
            schemas[key] = schema.definition
    return VersionsLock(versions, schemas)
