"""Loads the catalogue: files to tables to entries, validated, with markets and version.

Pure but for reading the packaged files or a folder that is passed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import TypeVar

from synergy.catalogue import readers, validation
from synergy.catalogue.catalogue import Catalogue, index_of
from synergy.catalogue.components import markets
from synergy.catalogue.errors import InvalidRow
from synergy.catalogue.model import BlendLimit, Coefficient, QualityLimit
from synergy.catalogue.tables import Row, Table

Entry = TypeVar("Entry")
Limit = TypeVar("Limit", QualityLimit, BlendLimit)


def load_catalogue(folder: Traversable | None = None) -> Catalogue:
    """Load and validate the catalogue of `folder`, by default the one that is shipped.

    Raises:
        InvalidRow: a file, row and field that is wrong.
    """
    source = files("synergy.catalogue") / "data" if folder is None else folder
    texts = {name: _text(source, name) for name in readers.COLUMNS}
    rows = {
        name: list(Table(name, text, readers.COLUMNS[name]).rows()) for name, text in texts.items()
    }
    return _assemble(rows, _version(texts))


def _text(source: Traversable, name: str) -> str:
    try:
        return (source / name).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise InvalidRow(name, 0, "file", str(error)) from error


def _version(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(texts):
        for part in (name, texts[name]):
            digest.update(part.encode())
            digest.update(b"\0")
    return digest.hexdigest()[:12]


def _limits(rows: list[tuple[Row, Limit]], column: str, name: str) -> tuple[Limit, ...]:
    return tuple(limit for row, limit in rows if row.fields[column] == name)


def _entries(found: Mapping[str, tuple[Row, Entry]]) -> dict[str, Entry]:
    return {key: entry for key, (_, entry) in found.items()}


def _assemble(rows: Mapping[str, list[Row]], version: str) -> Catalogue:
    limits = [(row, readers.read_limit(row)) for row in rows["limits.csv"]]
    blend_limits = [(row, readers.read_blend_limit(row)) for row in rows["blend_limits.csv"]]
    parsed = validation.Parsed()
    unique = validation.unique
    parsed.properties = _entries(unique(rows["properties.csv"], readers.read_property, "name"))
    parsed.industries = _entries(unique(rows["industries.csv"], readers.read_industry, "isic"))
    materials = unique(rows["materials.csv"], readers.read_material, "id")
    treatments = unique(rows["treatments.csv"], readers.read_treatment, "id")
    blends = unique(
        rows["blends.csv"],
        lambda row: readers.read_blend(row, _limits(blend_limits, "blend", row.fields["id"])),
        "id",
    )
    uses = unique(
        rows["uses.csv"],
        lambda row: readers.read_use(row, _limits(limits, "use", row.fields["id"])),
        "id",
    )
    parsed.materials, parsed.treatments = _entries(materials), _entries(treatments)
    parsed.blends, parsed.uses = _entries(blends), _entries(uses)
    validation.check_names(materials)
    for row, material in materials.values():
        validation.check_material(row, material, parsed)
    for row, treatment in treatments.values():
        validation.check_treatment(row, treatment, parsed)
    for row, use in uses.values():
        validation.check_use(row, use, parsed)
    for row, blend in blends.values():
        validation.check_blend(row, blend, parsed)
    _check_limits(limits, blend_limits, parsed)
    return _catalogue(parsed, _coefficients(rows["coefficients.csv"], parsed), version)


def _check_limits(
    limits: list[tuple[Row, QualityLimit]],
    blend_limits: list[tuple[Row, BlendLimit]],
    parsed: validation.Parsed,
) -> None:
    for row, limit in limits:
        if limit.use not in parsed.uses:
            row.refuse("use", f"{limit.use!r} is not in the catalogue")
        validation.check_limit(row, limit, parsed, [parsed.uses[limit.use].material])
    for row, blend_limit in blend_limits:
        if blend_limit.blend not in parsed.blends:
            row.refuse("blend", f"{blend_limit.blend!r} is not in the catalogue")
        validation.check_limit(row, blend_limit, parsed, [])


def _coefficients(rows: list[Row], parsed: validation.Parsed) -> tuple[Coefficient, ...]:
    found = [(row, readers.read_coefficient(row)) for row in rows]
    for row, coefficient in found:
        validation.check_coefficient(row, coefficient, parsed)
    validation.check_overlap(found)
    return tuple(coefficient for _, coefficient in found)


def _catalogue(
    parsed: validation.Parsed, coefficients: tuple[Coefficient, ...], version: str
) -> Catalogue:
    found = markets(parsed.materials, parsed.uses, parsed.blends)
    return Catalogue(
        version=version,
        properties=MappingProxyType(parsed.properties),
        industries=MappingProxyType(parsed.industries),
        materials=MappingProxyType(parsed.materials),
        treatments=MappingProxyType(parsed.treatments),
        blends=MappingProxyType(parsed.blends),
        uses=MappingProxyType(parsed.uses),
        coefficients=coefficients,
        markets=found,
        index=index_of(
            parsed.materials,
            parsed.uses,
            parsed.industries,
            (coefficients, found, parsed.blends.values()),
        ),
    )
