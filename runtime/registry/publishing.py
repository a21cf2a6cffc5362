"""From the schema files to ids and back: what a process does with the registry when it starts, and on an unknown id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from runtime.registry.client import RegistryClient
from runtime.registry.errors import RegistryAnswerError
from schemas.avro_files import RecordSchema, parse_schema
from schemas.codec import Codec
from schemas.errors import DefinitionError
from schemas.topic_files import topic_files
from schemas.versions import subjects


def register_all(client: RegistryClient) -> Codec:
    """Register every schema under its subject, with its topic's compatibility level, and return the codec of the ids.

    It reads every other version that a subject has, too. The level is set first, so that a change which breaks it is
    refused and not published.

    Raises:
        IncompatibleSchemaError: a schema file breaks the level of its subject.
        RegistryError: the registry refused a call or does not answer.
    """
    for topic in topic_files().values():
        for record in topic.records:
            client.set_level(topic.subject(record), topic.compatibility)
    return _with_other_versions(_codec(client.register), client)


def look_up_all(client: RegistryClient) -> Codec:
    """Return the codec of the ids that the schemas have, for a registry in which this process may not write.

    It reads every other version that a subject has, too: what an earlier release wrote, and what senders of one go on
    to write.

    Raises:
        RegistryError: a schema is not registered, or the registry does not answer.
    """
    return _with_other_versions(_codec(client.look_up), client)


def with_schemas_of(codec: Codec, ids: Iterable[int], client: RegistryClient) -> Codec:
    """Return a codec that also reads the ids which the registry knows as records of this product.

    Args:
        codec: the present codec.
        ids: as `codec.unknown_ids(values)` gives them.
        client: the registry.

    Raises:
        RegistryUnavailableError: the registry does not answer.
    """
    found: dict[int, RecordSchema] = {}
    for schema_id in ids:
        try:
            found[schema_id] = parse_schema(client.schema(schema_id))
        except (RegistryAnswerError, DefinitionError):
            continue  # not of this product: its records are rejected as unknown_schema_id
    return codec.reading(found)


def _with_other_versions(codec: Codec, client: RegistryClient) -> Codec:
    """Return a codec that also reads what other releases write; a registry that does not tell ends the start.

    Without them positions in a state and readings in a topic would be taken for unreadable.
    """
    others: dict[int, RecordSchema] = {}
    for subject in subjects():
        for schema_id, text in client.schemas_of(subject).items():
            if schema_id not in codec.schemas:
                with suppress(DefinitionError):  # of a record that this release does not know
                    others[schema_id] = parse_schema(text)
    return codec.reading(others)


def _codec(id_of: Callable[[str, str], int]) -> Codec:
    ids: dict[str, int] = {}
    others: dict[int, RecordSchema] = {}
    known: Mapping[str, RecordSchema] = subjects()
    for subject, schema in known.items():
        schema_id = id_of(subject, schema.text)
        if ids.setdefault(schema.record, schema_id) != schema_id:
            others[schema_id] = schema  # a registry that numbers by subject
    return Codec(ids, others)
