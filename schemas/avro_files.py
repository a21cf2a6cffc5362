"""The Avro schemas of the product: one file a record in `schemas/avro/`, each complete in itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import cast

from schemas import events
from schemas.avro_types import Json, RecordType, parse_record
from schemas.errors import DefinitionError
from schemas.events import Event


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """One version of one record's schema.

    `record` is the short name that the rest of the product uses; `definition` is the schema as it is published.
    """

    record: str
    full_name: str
    event: type[Event]
    definition: Json
    type: RecordType

    @property
    def text(self) -> str:
        """The schema as a registry stores it: compact JSON with documentation."""
        return json.dumps(self.definition, separators=(",", ":"), ensure_ascii=False)


@cache
def record_schemas() -> Mapping[str, RecordSchema]:
    """Return the current schema of every record, by record name.

    Raises:
        DefinitionError: a shipped file is wrong.
    """
    folder = files("schemas") / "avro"
    loaded = [
        _load(entry)
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".avsc")
    ]
    return MappingProxyType({schema.record: schema for schema in loaded})


def parse_schema(text: str) -> RecordSchema:
    """Return the schema of an Avro JSON text, for example one that came from a registry.

    Raises:
        DefinitionError: the text is no schema of a record of this product.
    """
    try:
        definition = json.loads(text)
        record = parse_record(definition)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DefinitionError(f"no Avro record schema: {error!r}") from error
    event = getattr(events, record.name, None)
    if not isinstance(event, type):
        raise DefinitionError(f"record {record.name} has no event class in schemas/events.py")
    full_name = ".".join(filter(None, (definition.get("namespace"), record.name)))
    return RecordSchema(record.name, full_name, cast(type[Event], event), definition, record)


def _load(entry: Traversable) -> RecordSchema:
    try:
        return parse_schema(entry.read_text(encoding="utf-8"))
    except DefinitionError as error:
        raise DefinitionError(f"schemas/avro/{entry.name}: {error}") from error
