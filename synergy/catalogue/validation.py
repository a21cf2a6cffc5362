"""Checks between the catalogue's files: references exist, units fit, nothing is orphaned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from synergy.catalogue.model import (
    Blend,
    BlendLimit,
    Coefficient,
    Industry,
    Material,
    PropertyKind,
    QualityLimit,
    Role,
    Treatment,
    Use,
)
from synergy.catalogue.tables import Row

Entry = TypeVar("Entry")

# The families of coefficients and what the part after the dot must name.
FAMILIES: dict[str, str] = {
    "purchase": "material",
    "outlet": "material",
    "co2_avoided": "material",
    "disposal_cost": "disposal_class",
    "disposal_tax": "disposal_class",
    "haul": "haul_mode",
    "loading": "haul_mode",
    "co2_haul": "haul_mode",
    "treatment": "treatment",
    "co2_treatment": "treatment",
    "co2_disposal": "",
    "co2_price": "",
    "circuity": "",
}


@dataclass(slots=True)
class Parsed:
    """Everything read so far, with the row of each entry for error messages."""

    properties: dict[str, PropertyKind] = field(default_factory=dict[str, PropertyKind])
    industries: dict[str, Industry] = field(default_factory=dict[str, Industry])
    materials: dict[str, Material] = field(default_factory=dict[str, Material])
    treatments: dict[str, Treatment] = field(default_factory=dict[str, Treatment])
    blends: dict[str, Blend] = field(default_factory=dict[str, Blend])
    uses: dict[str, Use] = field(default_factory=dict[str, Use])


def unique(
    rows: Iterable[Row], read: Callable[[Row], Entry], field_name: str
) -> dict[str, tuple[Row, Entry]]:
    """Read rows into a mapping by `field_name`; raises `InvalidRow` when one is there twice."""
    entries: dict[str, tuple[Row, Entry]] = {}
    for row in rows:
        entry = read(row)
        key = row.fields[field_name]
        if key in entries:
            row.refuse(field_name, f"{key!r} is already in row {entries[key][0].line}")
        entries[key] = (row, entry)
    return entries


def _known(row: Row, column: str, value: str, among: Mapping[str, object]) -> None:
    if value not in among:
        row.refuse(column, f"{value!r} is not in the catalogue")


def check_names(rows: Mapping[str, tuple[Row, Material]]) -> None:
    """Raise `InvalidRow` when a name or alias means two materials."""
    seen: dict[str, str] = {}
    for row, material in rows.values():
        for name in (material.id, material.name_en, material.name_zh, *material.aliases):
            owner = seen.setdefault(name.casefold(), material.id)
            if owner != material.id:
                row.refuse("aliases", f"{name!r} already means {owner}")


def check_material(row: Row, material: Material, parsed: Parsed) -> None:
    """Check what a material refers to."""
    for name in material.properties:
        _known(row, "properties", name, parsed.properties)
    if material.hazardous and not material.ewc:
        row.refuse("ewc", "a hazardous material needs its waste code: permits name it")


def check_treatment(row: Row, treatment: Treatment, parsed: Parsed) -> None:
    """Check what a treatment refers to."""
    for name, _ in treatment.changes:
        _known(row, "changes", name, parsed.properties)


def check_limit(
    row: Row, limit: QualityLimit | BlendLimit, parsed: Parsed, materials: Iterable[str]
) -> None:
    """Check property and unit of a limit; each of `materials` must be analysed for it."""
    _known(row, "property", limit.property, parsed.properties)
    unit = parsed.properties[limit.property].unit
    if limit.unit != unit:
        row.refuse("unit", f"{limit.property} is in {unit}")
    for material in materials:
        if limit.property not in parsed.materials[material].properties:
            row.refuse("property", f"{material} is not analysed for {limit.property}")


def check_blend(row: Row, blend: Blend, parsed: Parsed) -> None:
    """Check what a blend refers to, and that some use goes into it."""
    _known(row, "need", blend.need, parsed.materials)
    if all(use.blend != blend.id for use in parsed.uses.values()):
        row.refuse("id", "no use goes into this blend")


def check_use(row: Row, use: Use, parsed: Parsed) -> None:
    """Check what a use refers to and that its units fit."""
    _known(row, "material", use.material, parsed.materials)
    _known(row, "substitutes", use.substitutes, parsed.materials)
    given, needed = parsed.materials[use.material], parsed.materials[use.substitutes]
    if given.role is not Role.BYPRODUCT:
        row.refuse("material", f"{use.material} is not a by-product")
    if needed.role is not Role.FEEDSTOCK:
        row.refuse("substitutes", f"{use.substitutes} is not a feedstock")
    if given.base_unit != needed.base_unit:
        row.refuse("substitutes", f"{needed.base_unit} does not replace {given.base_unit}")
    for column, classes in (("receivers", use.receivers), ("givers", use.givers)):
        for industry in classes:
            _known(row, column, industry, parsed.industries)
    if use.treatment is not None:
        _known(row, "treatment", use.treatment, parsed.treatments)
    if use.blend is not None:
        _known(row, "blend", use.blend, parsed.blends)
        if parsed.blends[use.blend].need != use.substitutes:
            row.refuse("blend", f"{use.blend} is a blend of another need")


def check_coefficient(row: Row, coefficient: Coefficient, parsed: Parsed) -> None:
    """Check that a key is of a known family and names something of the catalogue."""
    family, _, name = coefficient.key.partition(".")
    if family not in FAMILIES:
        row.refuse("key", f"unknown family {family!r}; known: {', '.join(FAMILIES)}")
    materials = parsed.materials.values()
    among: dict[str, set[str]] = {
        "": {""},
        "material": set(parsed.materials),
        "disposal_class": {m.disposal_class for m in materials if m.disposal_class},
        "haul_mode": {m.haul_mode for m in materials},
        "treatment": set(parsed.treatments),
    }
    if name not in among[FAMILIES[family]]:
        row.refuse("key", f"{name!r} names no {FAMILIES[family] or 'part'} of the catalogue")


def check_overlap(rows: Iterable[tuple[Row, Coefficient]]) -> None:
    """Raise `InvalidRow` when two rows of one key and country hold on the same day."""
    seen: dict[tuple[str, str | None], list[tuple[Row, Coefficient]]] = {}
    for row, coefficient in rows:
        earlier = seen.setdefault((coefficient.key, coefficient.country), [])
        for other_row, other in earlier:
            if other.validity.overlaps(coefficient.validity):
                row.refuse("valid_from", f"overlaps row {other_row.line}")
        earlier.append((row, coefficient))
