"""Which changes of a schema are allowed, and what a fingerprint sees."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas import versions
from schemas.avro_files import record_schemas
from schemas.compatibility import (
    InvalidSchemaError,
    Level,
    canonical,
    differences,
    fingerprint,
)
from schemas.versions import VersionsLock, check_all, load_lock, locked, parse_lock, subjects

Json = dict[str, Any]
LEVELS: tuple[Level, ...] = ("BACKWARD", "FORWARD", "FULL")


def schema(*fields: Json) -> Json:
    return {"type": "record", "name": "Load", "namespace": "synergy.v1", "fields": list(fields)}


def field(name: str, kind: object, **more: object) -> Json:
    return {"name": name, "type": kind, **more}


def logical(kind: str, name: str, **more: int) -> Json:
    return {"type": kind, "logicalType": name, **more}


ID = field("id", "string")
COUNT = field("count", "long")
COUNT_OR_0 = field("count", "long", default=0)
NOTE = field("note", ["null", "string"], default=None)


def grade(*symbols: str) -> Json:
    return field("grade", {"type": "enum", "name": "Grade", "symbols": list(symbols)})


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (schema(ID), schema(ID), {"BACKWARD", "FORWARD", "FULL"}),
        (schema(ID), schema(ID, NOTE), {"BACKWARD", "FORWARD", "FULL"}),
        (schema(ID, COUNT_OR_0), schema(ID), {"BACKWARD", "FORWARD", "FULL"}),
        (schema(ID), schema(ID, COUNT), {"FORWARD"}),
        (schema(ID, COUNT), schema(ID), {"BACKWARD"}),
        (schema(field("count", "int")), schema(COUNT), {"BACKWARD"}),
        (schema(ID), schema(field("id", "long")), set[str]()),
        (schema(ID), schema(field("key", "string")), set[str]()),
        (schema(grade("A", "B")), schema(grade("A", "B", "C")), {"BACKWARD"}),
        (schema(grade("A", "B")), schema(grade("A")), {"FORWARD"}),
        (schema(COUNT), schema(field("count", ["null", "long"])), {"BACKWARD"}),
    ],
)
def test_a_change_is_allowed_in_the_directions_that_avro_allows(
    before: Json, after: Json, allowed: set[str]
) -> None:
    found = {level for level in LEVELS if not differences(after, [before], level)}
    assert found == allowed
    assert differences(after, [before], "NONE") == ()


MILLIS, MICROS = logical("long", "timestamp-millis"), logical("long", "timestamp-micros")
CENTS = logical("bytes", "decimal", precision=18, scale=2)
HUNDREDTHS_OF_CENTS = logical("bytes", "decimal", precision=18, scale=4)
WIDER = logical("bytes", "decimal", precision=20, scale=2)


def plain(kind: object) -> Json:
    return schema(field("at", kind))


def nullable(kind: object) -> Json:
    return schema(field("at", ["null", kind], default=None))


def listed(kind: object) -> Json:
    return schema(field("at", {"type": "array", "items": kind}))


def mapped(kind: object) -> Json:
    return schema(field("at", {"type": "map", "values": kind}))


def one_of_two(kind: object) -> Json:
    return schema(field("at", [kind, "boolean"]))


def in_a_part_used_twice(kind: object) -> Json:
    part = {"type": "record", "name": "Part", "fields": [field("at", kind)]}
    return schema(field("in", part), field("out", "Part"))


AROUND = (plain, nullable, listed, mapped, one_of_two, in_a_part_used_twice)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MILLIS, MICROS),
        (MICROS, "long"),
        ("long", MICROS),
        (CENTS, HUNDREDTHS_OF_CENTS),
        (CENTS, WIDER),
        ("string", logical("string", "uuid")),
    ],
)
@pytest.mark.parametrize("around", AROUND, ids=lambda around: around.__name__)
@pytest.mark.parametrize("level", LEVELS)
def test_a_logical_type_precision_or_scale_never_changes(
    before: object, after: object, around: Callable[[object], Json], level: Level
) -> None:
    reasons = differences(around(after), [around(before)], level)
    assert any("without" in reason or "logicalType" in reason for reason in reasons)
    assert fingerprint(around(before)) != fingerprint(around(after))


def test_transitive_levels_look_at_every_earlier_version() -> None:
    first, second, third = schema(ID, COUNT_OR_0), schema(ID), schema(ID, field("count", "string"))
    assert differences(third, [first, second], "FORWARD") == ()
    assert differences(third, [first, second], "FORWARD_TRANSITIVE") != ()


def test_documentation_and_layout_do_not_change_a_fingerprint_and_defaults_do() -> None:
    documented = schema({**COUNT_OR_0, "doc": "How many."})
    assert fingerprint(documented) == fingerprint(schema(COUNT_OR_0))
    assert fingerprint(schema(field("count", "long", default=1))) != fingerprint(schema(COUNT_OR_0))
    assert fingerprint(schema(COUNT)) != fingerprint(schema(COUNT_OR_0))


def test_a_record_that_holds_itself_has_a_fingerprint() -> None:
    tree = schema(field("children", {"type": "array", "items": "Load"}))
    assert fingerprint(tree) == fingerprint(copy.deepcopy(tree))
    assert canonical(tree).startswith('{"name":"synergy.v1.Load"')


@pytest.mark.parametrize("wrong", [{"type": "recrod"}, {"type": "record", "name": "A"}, "ash"])
def test_what_is_no_schema_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidSchemaError):
        differences(wrong, [], "BACKWARD")
    with pytest.raises(InvalidSchemaError):
        fingerprint(wrong)


def test_the_schema_files_are_the_locked_versions() -> None:
    """If a change is meant: `synergy schemas lock`, and read the difference."""
    assert check_all(load_lock()) == ()
    assert locked(load_lock()).text() == load_lock().text()


def test_every_subject_has_a_version() -> None:
    assert set(load_lock().subjects) == set(subjects())
    assert len(subjects()) == len(record_schemas()) + 1  # ticks go to two topics


def changed(change: Callable[[Json], None]) -> VersionsLock:
    """Return the lock as it would be if the published Tick had been another one."""
    lock = load_lock()
    subject = "synergy.availability.v1-synergy.v1.Tick"
    published = json.loads(json.dumps(dict(record_schemas()["Tick"].definition)))
    change(published)
    key = fingerprint(published)
    return replace(
        lock,
        subjects={**lock.subjects, subject: (key,)},
        schemas={**lock.schemas, key: published},
    )


def test_a_compatible_change_asks_for_a_new_version_and_then_holds() -> None:
    lock = changed(lambda tick: tick["fields"].pop())
    (finding,) = check_all(lock)
    assert "not published" in finding.message
    assert versions.LOCK_COMMAND in finding.message
    assert check_all(locked(lock)) == ()
    assert len(locked(lock).subjects["synergy.availability.v1-synergy.v1.Tick"]) == 2


def test_an_incompatible_change_is_found_even_when_it_is_locked() -> None:
    def in_milliseconds(tick: Json) -> None:
        tick["fields"][1]["type"]["logicalType"] = "timestamp-millis"

    lock = changed(in_milliseconds)
    (finding,) = check_all(locked(lock))
    assert "FULL_TRANSITIVE: /time was logicalType timestamp-millis" in finding.message


def test_a_lock_that_was_changed_by_hand_is_found() -> None:
    text = load_lock().text().replace('"name": "speed"', '"name": "pace"')
    findings = check_all(parse_lock(text))
    assert {finding.subject for finding in findings} == {
        "synergy.availability.v1-synergy.v1.Tick",
        "synergy.commands.v1-synergy.v1.Tick",
    }


def test_a_published_subject_without_topic_is_found() -> None:
    lock = load_lock()
    key = lock.subjects["synergy.alerts.v1-synergy.v1.Alert"][0]
    more = replace(lock, subjects={**lock.subjects, "synergy.ashes.v1-synergy.v1.Alert": (key,)})
    (finding,) = check_all(more)
    assert finding.subject == "synergy.ashes.v1-synergy.v1.Alert"
