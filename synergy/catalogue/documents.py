"""The catalogue as documents, in English and Chinese: what a material is, and what is known of it.

Pure: no clock, no I/O (gate: import-linter).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from synergy.catalogue.catalogue import Catalogue
from synergy.catalogue.model import Industry, Material, PropertyKind, QualityLimit, Treatment, Use

Document = dict[str, Any]
_Named = Material | Industry | PropertyKind | Treatment


def material_row(material: Material) -> Document:
    """Return names, unit and role."""
    return {
        "id": material.id,
        "name_en": material.name_en,
        "name_zh": material.name_zh,
        "unit": material.trade_unit.name,
        "role": material.role.value,
    }


def material_document(catalogue: Catalogue, material: Material) -> Document:
    """Return everything that is known of a material: codes, analysed properties, uses, and what serves as it."""
    return {
        **material_row(material),
        "aliases": list(material.aliases),
        "ewc": list(material.ewc),
        "china_code": material.china_code,
        "hs": list(material.hs),
        "hazardous": material.hazardous,
        "storable": material.storable,
        "base_unit": material.base_unit,
        "properties": [
            {
                "name": kind.name,
                "unit": kind.unit,
                "name_en": kind.name_en,
                "name_zh": kind.name_zh,
            }
            for kind in map(catalogue.properties.__getitem__, material.properties)
        ],
        "uses": [use_document(catalogue, use) for use in catalogue.uses_of(material.id)],
        "replaced_by": [
            use_document(catalogue, use)
            for use in catalogue.uses_for(material.id)
            if use.material != material.id
        ],
    }


def use_document(catalogue: Catalogue, use: Use) -> Document:
    """Return what a receiver does with a material, and under which limits."""
    unit = catalogue.materials[use.material].trade_unit
    return {
        "id": use.id,
        "name_en": use.name_en,
        "name_zh": use.name_zh,
        "material": _named(catalogue.materials, use.material),
        "substitutes": _named(catalogue.materials, use.substitutes),
        "givers": [_named(catalogue.industries, code) for code in use.givers],
        "receivers": [_named(catalogue.industries, code) for code in use.receivers],
        "ratio": str(use.ratio),
        "share_cap": str(use.share_cap),
        "lot_per_day": use.lot_per_day / unit.per_unit,
        "unit": unit.name,
        "treatment": use.treatment and _named(catalogue.treatments, use.treatment),
        "limits": [_limit(catalogue, limit) for limit in use.limits],
        "source": use.source,
    }


def industry_document(catalogue: Catalogue, code: str) -> Document | None:
    """Return what plants of an industry (ISIC class or NACE alias) could give and take; None if it is not known."""
    isic = catalogue.industry_class(code)
    if isic not in catalogue.industries:
        return None
    found = catalogue.suggestions_for(isic)
    return {
        "industry": _named(catalogue.industries, isic),
        "gives": [use_document(catalogue, use) for use in found.gives],
        "takes": [use_document(catalogue, use) for use in found.takes],
    }


def industries_of(catalogue: Catalogue) -> list[Document]:
    """Return every industry that gives or takes something, by code."""
    codes = {code for use in catalogue.uses.values() for code in (*use.givers, *use.receivers)}
    return [_named(catalogue.industries, code) for code in sorted(codes)]


def _limit(catalogue: Catalogue, limit: QualityLimit) -> Document:
    return {
        "property": _named(catalogue.properties, limit.property),
        "relation": limit.relation.value,
        "limit": limit.limit,
        "unit": limit.unit,
        "country": limit.country,
        "valid_from": None if limit.validity.start is None else limit.validity.start.isoformat(),
        "valid_to": None if limit.validity.end is None else limit.validity.end.isoformat(),
        "source": limit.source,
    }


def _named(entries: Mapping[str, _Named], key: str) -> Document:
    """Return id and names of an entry."""
    found = entries[key]
    return {"id": key, "name_en": found.name_en, "name_zh": found.name_zh}


def names_of(entries: Iterable[Document], *, zh: bool = False) -> str:
    """Return the names of entries as people list them.

    >>> names_of([{"name_en": "fly ash", "name_zh": "粉煤灰"}, {"name_en": "slag", "name_zh": "矿渣"}])
    'fly ash, slag'
    """
    return ", ".join(str(one["name_zh" if zh else "name_en"]) for one in entries)
