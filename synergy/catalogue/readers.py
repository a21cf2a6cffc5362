"""Turns rows into the nouns of `synergy.catalogue.model`; references are checked later."""

from __future__ import annotations

import re
from datetime import timedelta

from schemas.events import Relation
from synergy.catalogue.model import (
    TRADE_UNITS,
    Blend,
    BlendLimit,
    Coefficient,
    CoefficientKind,
    Industry,
    Material,
    PropertyKind,
    QualityLimit,
    Role,
    Treatment,
    TreatmentSite,
    TreatmentWhen,
    Use,
)
from synergy.catalogue.tables import SLUG, Row

ISIC = re.compile(r"^\d{4}$")
EWC = re.compile(r"^\d{6}$")
HS = re.compile(r"^\d{6}$")
CHINA = re.compile(r"^\d{3}-\d{3}-S\d{2}$")
COUNTRY = re.compile(r"^[A-Z]{2}$")
CURRENCY = re.compile(r"^[A-Z]{3}$")
KEY = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")

COLUMNS: dict[str, tuple[str, ...]] = {
    "properties.csv": ("name", "unit", "name_en", "name_zh"),
    "industries.csv": ("isic", "name_en", "name_zh", "aliases"),
    "materials.csv": (
        *("id", "name_en", "name_zh", "aliases", "ewc", "china_code", "hs", "base_unit", "role"),
        *("hazardous", "storable", "max_per_day", "stale_after_hours", "disposal_class"),
        *("haul_mode", "properties"),
    ),
    "treatments.csv": (
        *("id", "name_en", "name_zh", "at", "yield", "capacity_per_day", "changes", "source"),
    ),
    "blends.csv": ("id", "need", "share_cap", "source"),
    "blend_limits.csv": (
        *("blend", "property", "limit", "unit", "when_unknown"),
        *("valid_from", "valid_to", "source"),
    ),
    "uses.csv": (
        *("id", "name_en", "name_zh", "material", "substitutes", "receivers", "givers", "ratio"),
        *("share_cap", "blend", "lot_per_day", "treatment", "treatment_when"),
        *("valid_from", "valid_to", "source"),
    ),
    "limits.csv": (
        *("use", "property", "relation", "limit", "unit", "country"),
        *("valid_from", "valid_to", "source"),
    ),
    "coefficients.csv": (
        *("key", "country", "value", "low", "high", "unit", "currency", "price_year", "kind"),
        *("valid_from", "valid_to", "source", "note"),
    ),
}


def _each(row: Row, field: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    parts = row.parts(field)
    for part in parts:
        if not pattern.match(part):
            row.refuse(field, f"{part!r} does not match {pattern.pattern}")
    return parts


def _some(row: Row, field: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    parts = _each(row, field, pattern)
    if not parts:
        row.refuse(field, "must name at least one")
    return parts


def _when_given(row: Row, field: str, pattern: re.Pattern[str]) -> str | None:
    return row.matching(field, pattern) if row.optional(field) else None


def read_property(row: Row) -> PropertyKind:
    """Read one row of properties.csv."""
    return PropertyKind(
        name=row.matching("name", SLUG),
        unit=row.text("unit"),
        name_en=row.text("name_en"),
        name_zh=row.text("name_zh"),
    )


def read_industry(row: Row) -> Industry:
    """Read one row of industries.csv."""
    return Industry(
        isic=row.matching("isic", ISIC),
        name_en=row.text("name_en"),
        name_zh=row.text("name_zh"),
        aliases=row.parts("aliases"),
    )


def read_material(row: Row) -> Material:
    """Read one row of materials.csv."""
    if row.text("base_unit") not in TRADE_UNITS:
        row.refuse("base_unit", f"must be one of {sorted(TRADE_UNITS)}")
    return Material(
        id=row.matching("id", SLUG),
        name_en=row.text("name_en"),
        name_zh=row.text("name_zh"),
        aliases=row.parts("aliases"),
        ewc=_each(row, "ewc", EWC),
        china_code=_when_given(row, "china_code", CHINA),
        hs=_each(row, "hs", HS),
        base_unit=row.text("base_unit"),
        role=row.choice("role", Role),
        hazardous=row.yes("hazardous"),
        storable=row.yes("storable"),
        max_per_day=row.quantity("max_per_day"),
        stale_after=timedelta(hours=row.quantity("stale_after_hours")),
        disposal_class=_when_given(row, "disposal_class", SLUG),
        haul_mode=row.matching("haul_mode", SLUG),
        properties=_each(row, "properties", SLUG),
    )


def _changes(row: Row) -> tuple[tuple[str, float], ...]:
    pairs: list[tuple[str, float]] = []
    for part in row.parts("changes"):
        name, equals, value = part.partition("=")
        if not equals or not SLUG.match(name):
            row.refuse("changes", f"{part!r} is not property=value")
        try:
            pairs.append((name, float(value)))
        except ValueError:
            row.refuse("changes", f"{value!r} is not a number")
    return tuple(pairs)


def read_treatment(row: Row) -> Treatment:
    """Read one row of treatments.csv."""
    return Treatment(
        id=row.matching("id", SLUG),
        name_en=row.text("name_en"),
        name_zh=row.text("name_zh"),
        at=row.choice("at", TreatmentSite),
        yield_ratio=row.positive("yield"),
        capacity_per_day=row.quantity("capacity_per_day"),
        changes=_changes(row),
        source=row.text("source"),
    )


def read_blend_limit(row: Row) -> BlendLimit:
    """Read one row of blend_limits.csv."""
    return BlendLimit(
        blend=row.text("blend"),
        property=row.text("property"),
        limit=float(row.decimal("limit")),
        unit=row.text("unit"),
        when_unknown=float(row.decimal("when_unknown")),
        validity=row.validity(),
        source=row.text("source"),
    )


def read_blend(row: Row, limits: tuple[BlendLimit, ...]) -> Blend:
    """Read one row of blends.csv; `limits` are those of this blend."""
    return Blend(
        id=row.matching("id", SLUG),
        need=row.text("need"),
        share_cap=row.share("share_cap"),
        source=row.text("source"),
        limits=limits,
    )


def read_limit(row: Row) -> QualityLimit:
    """Read one row of limits.csv."""
    relation = row.text("relation").upper()
    if relation not in set(Relation):
        row.refuse("relation", "must be at_most or at_least")
    return QualityLimit(
        use=row.text("use"),
        property=row.text("property"),
        relation=Relation(relation),
        limit=float(row.decimal("limit")),
        unit=row.text("unit"),
        country=_when_given(row, "country", COUNTRY),
        validity=row.validity(),
        source=row.text("source"),
    )


def read_use(row: Row, limits: tuple[QualityLimit, ...]) -> Use:
    """Read one row of uses.csv; `limits` are those of this use."""
    treatment = row.optional("treatment")
    if (treatment is None) != (row.optional("treatment_when") is None):
        row.refuse("treatment_when", "goes with treatment: both or none")
    return Use(
        id=row.matching("id", SLUG),
        name_en=row.text("name_en"),
        name_zh=row.text("name_zh"),
        material=row.text("material"),
        substitutes=row.text("substitutes"),
        receivers=_some(row, "receivers", ISIC),
        givers=_some(row, "givers", ISIC),
        ratio=row.positive("ratio"),
        share_cap=row.share("share_cap"),
        blend=row.optional("blend"),
        lot_per_day=row.quantity("lot_per_day"),
        treatment=treatment,
        treatment_when=row.choice("treatment_when", TreatmentWhen) if treatment else None,
        validity=row.validity(),
        source=row.text("source"),
        limits=limits,
    )


def read_coefficient(row: Row) -> Coefficient:
    """Read one row of coefficients.csv."""
    low, value, high = row.decimal("low"), row.decimal("value"), row.decimal("high")
    if not low <= value <= high:
        row.refuse("value", f"{value} is outside {low} to {high}")
    kind = row.choice("kind", CoefficientKind)
    if kind is CoefficientKind.ASSUMED and low == high:
        row.refuse("low", "an assumed value needs a range")
    currency = _when_given(row, "currency", CURRENCY)
    if currency is not None and not row.text("unit").startswith(f"{currency}/"):
        row.refuse("unit", f"must start with {currency}/")
    year = row.parsed("price_year", int, "a year") if currency else None
    return Coefficient(
        key=row.matching("key", KEY),
        country=_when_given(row, "country", COUNTRY),
        value=value,
        low=low,
        high=high,
        unit=row.text("unit"),
        currency=currency,
        price_year=year,
        kind=kind,
        validity=row.validity(),
        source=row.text("source"),
        note=row.optional("note"),
    )
