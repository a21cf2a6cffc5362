"""Which changes of a schema are allowed, and what identifies a schema.

The Avro rules are those of the Apache library. It compares types and not their meaning: to it, milliseconds and
microseconds, or amounts of scale 2 and 4, are the same. So a second rule is ours: a logical type, precision or scale
never changes. The fingerprint counts them as well, and the defaults, which Avro's canonical form leaves out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, cast

import avro.schema
import fastavro.schema
from avro.compatibility import (
    ReaderWriterCompatibilityChecker,
    SchemaCompatibilityResult,
    SchemaCompatibilityType,
)
from avro.errors import AvroException

from schemas.avro_types import short_name
from schemas.errors import SchemaError

Level = Literal[
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
]
Definition: TypeAlias = Mapping[str, Any] | Sequence[Any] | str
"""An Avro schema as JSON values."""

_MEANING: Final = ("logicalType", "precision", "scale")
_DEEPEST: Final = 20


class InvalidSchemaError(SchemaError):
    """A text is no Avro schema."""


def differences(new: Definition, earlier: Sequence[Definition], level: Level) -> tuple[str, ...]:
    """Return why a new version is not allowed after the earlier ones, in their order; nothing when it is.

    BACKWARD: the new version reads what earlier ones wrote. FORWARD: earlier ones read what it writes. FULL: both.
    Without TRANSITIVE only the latest version counts.

    Raises:
        InvalidSchemaError: one of them is no Avro schema.
    """
    _parse(new)
    if level == "NONE":
        return ()
    counted = earlier if level.endswith("_TRANSITIVE") else earlier[-1:]
    found: list[str] = []
    for definition in counted:
        if level.startswith(("BACKWARD", "FULL")) and (why := unreadable(new, definition)):
            found.append(f"the new version can't read what an earlier one wrote: {why}")
        if level.startswith(("FORWARD", "FULL")) and (why := unreadable(definition, new)):
            found.append(f"an earlier version can't read what the new one writes: {why}")
        found += _changed_meaning(new, definition)
    return tuple(dict.fromkeys(found))


def canonical(definition: Definition) -> str:
    """Return the parsing canonical form, with logical types and defaults behind it.

    Two schemas are the same to this product when this is the same: documentation and layout don't count.

    Raises:
        InvalidSchemaError: it is no Avro schema.
    """
    try:
        form = fastavro.schema.to_parsing_canonical_form(cast("dict[str, Any]", definition))
        beyond = [list(entry) for entry in sorted(_leaves(definition, "", {}))]
    except Exception as error:  # fastavro raises many types for what is no schema
        raise InvalidSchemaError(f"no Avro schema: {error!r}") from error
    return form + json.dumps(beyond, separators=(",", ":"), ensure_ascii=False)


def fingerprint(definition: Definition) -> str:
    """Return the SHA-256 of `canonical`, in hexadecimal."""
    return hashlib.sha256(canonical(definition).encode()).hexdigest()


def _parse(definition: Definition) -> avro.schema.Schema:
    try:
        return avro.schema.parse(json.dumps(definition))
    except (AvroException, TypeError, ValueError, LookupError, AttributeError) as error:
        raise InvalidSchemaError(f"no Avro schema: {error}") from error


def unreadable(reader: Definition, writer: Definition) -> str | None:
    """Return why what was written with one schema can't be read with another, and in which field; None if it can.

    Raises:
        InvalidSchemaError: one of them is no Avro schema.
    """
    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]
    result: SchemaCompatibilityResult = checker.get_compatibility(_parse(reader), _parse(writer))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return None
    fields = {name for place in result.locations if (name := _field_at(reader, place))}
    where = ", ".join(sorted(fields)) or ", ".join(sorted(result.locations))
    return f"{'; '.join(sorted(result.messages))} (at {where})"


def _field_at(definition: Definition, pointer: str) -> str:
    """Return the names of the fields that a JSON pointer into a schema passes, joined by dots."""
    names: list[str] = []
    found: Any = definition
    for step in pointer.strip("/").split("/"):
        try:
            found = found[int(step)] if step.isdigit() else found[step]
        except (LookupError, TypeError):
            break  # a type that is named, and defined elsewhere
        if step.isdigit() and "name" in found:
            names.append(str(found["name"]))
    return ".".join(names)


def _changed_meaning(new: Definition, earlier: Definition) -> list[str]:
    was = {path: meaning for path, meaning, _ in _leaves(earlier, "", {})}
    return [
        f"{path} was {was[path] or 'without logical type'} and would be {meaning or 'without one'}: "
        "add a field with a new name instead"
        for path, meaning, _ in _leaves(new, "", {})
        if path in was and was[path] != meaning
    ]


def _leaves(
    definition: Definition, path: str, named: dict[str, Definition]
) -> Iterator[tuple[str, str, str]]:
    """Yield path, logical meaning and default of every field and every type that is no record or collection."""
    if isinstance(definition, str):
        known = named.get(short_name(definition))
        if known is None:
            yield path, "", ""
        elif path.count("/") < _DEEPEST:  # a record may hold itself
            yield from _leaves(known, path, named)
    elif isinstance(definition, Mapping):
        yield from _object_leaves(definition, path, named)
    else:
        branches = [branch for branch in definition if branch != "null"]
        for branch in branches:
            place = path if len(branches) == 1 else f"{path}|{_branch_name(branch)}"
            yield from _leaves(branch, place, named)


def _object_leaves(
    definition: Mapping[str, Any], path: str, named: dict[str, Definition]
) -> Iterator[tuple[str, str, str]]:
    kind = definition["type"]
    if "name" in definition:
        named[short_name(str(definition["name"]))] = definition
    if kind == "record":
        for field in cast("Sequence[Mapping[str, Any]]", definition["fields"]):
            place = f"{path}/{field['name']}"
            yield f"{place}=", "", json.dumps(field["default"]) if "default" in field else ""
            yield from _leaves(field["type"], place, named)
    elif kind in ("array", "map"):
        yield from _leaves(definition["items" if kind == "array" else "values"], f"{path}[]", named)
    elif isinstance(kind, str):
        yield (
            path,
            " ".join(f"{key} {definition[key]}" for key in _MEANING if key in definition),
            "",
        )
    else:
        yield from _leaves(kind, path, named)


def _branch_name(branch: Definition) -> str:
    if isinstance(branch, Mapping):
        return str(branch.get("name", branch["type"]))
    return str(branch)
