"""Quantities and analyses of a sent reading: Rec 20 codes, names and symbols in, base units of the material out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, cast

from producers.gateway import fields
from producers.gateway.fields import Sent
from producers.gateway.problems import FieldError
from schemas.events import Basis, Form, Property
from schemas.unit_table import Unit, UnitError, find_unit, to_base
from synergy.balance.terms import MOST_VALUE
from synergy.catalogue import Catalogue, Material

STOCK_LIMIT: Final = timedelta(days=3650)
"""A stock is absurd above so many days of the material's highest flow, as for balance."""
ABOUT: Final = timedelta(seconds=1)
RATES: Final[Mapping[str, timedelta]] = {
    **dict.fromkeys(("h", "hour", "小时"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "天", "日"), timedelta(days=1)),
    **dict.fromkeys(("min", "minute", "分钟"), timedelta(minutes=1)),
}
"""In what time a quantity flows that is a rate."""
KINDS: Final[Mapping[str, str]] = {"GRM": "mass", "LTR": "volume", "KJO": "energy"}
EXAMPLES: Final[Mapping[str, str]] = {
    "GRM": "TNE (t) or KGM (kg)",
    "LTR": "MTQ (m3) or LTR",
    "KJO": "GV (GJ), 3B (MJ) or KWH",
}
DETAILS: Final = ("value", "method", "lot", "sampled_at", "valid_until")
_VALUE: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(\S.*?)?\s*")
_SAME_UNIT: Final[Mapping[str, str]] = {"°C": "degC", "℃": "degC", "\uff05": "%", "µS/cm": "uS/cm"}


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity in base units; `basis` is set when its unit names one."""

    base: int
    basis: Basis | None


def amount_of(sent: Sent, material: Material, length: timedelta) -> Amount:
    """Return the quantity in the material's base unit; a rate counts over the length. Raises FieldError."""
    if sent.get("quantity") is None:
        raise FieldError("quantity", None, "it is missing", "Send a number, such as 12.5.")
    number = fields.decimal(sent["quantity"], "quantity")
    written = fields.needed(sent, "unit", "TNE")
    unit = _unit(written)
    if unit.kind != KINDS[material.base_unit]:
        detail = f"{material.name_en} is a {KINDS[material.base_unit]}, and this is {unit.kind}"
        raise FieldError("unit", written, detail, f"Send {EXAMPLES[material.base_unit]}.")
    per = _per(sent)
    share = Fraction(1) if per is None else Fraction(length // ABOUT, per // ABOUT)
    try:
        return Amount(to_base(Fraction(number) * share, unit).amount, unit.basis)
    except UnitError as error:
        raise FieldError("quantity", number, error.message, "Check unit and scale.") from error


def _per(sent: Sent) -> timedelta | None:
    per = fields.text(sent, "per")
    if per is not None and per.casefold() not in RATES:
        raise FieldError("per", per, "it is no time", "Send h, d or min, or leave it out.")
    return None if per is None else RATES[per.casefold()]


def _unit(written: str) -> Unit:
    try:
        return find_unit(written)
    except UnitError as error:
        choice = f"Send one of {', '.join(error.could_be)}." if error.could_be else "Send TNE."
        raise FieldError("unit", written, error.message, choice) from error


def checked_amount(
    amount: Amount, material: Material, form: Form, length: timedelta, corrects: str | None
) -> int:
    """Return the base units once they are possible for one facility. Raises FieldError."""
    if amount.base < 0 and not (form is Form.FLOW and corrects is not None):
        fix = "Name the reading that it corrects in corrects, or send what there is."
        raise FieldError("quantity", amount.base, "it is negative", fix)
    span = STOCK_LIMIT if form is Form.STOCK else length
    most = material.max_per_day * (span // ABOUT) // (timedelta(days=1) // ABOUT)
    if abs(amount.base) > most:
        per_day = material.max_per_day / material.trade_unit.per_unit
        detail = (
            f"it is beyond what one facility can have of {material.name_en}: "
            f"{per_day:,.0f} {material.trade_unit.name} a day"
        )
        raise FieldError("quantity", amount.base, detail, "Check unit, scale and period.")
    return amount.base


def properties_of(
    sent: Sent, material: Material, catalogue: Catalogue, now: datetime
) -> tuple[Property, ...]:
    """Return the analyses, `{"loi": 7.1}` or with value, method, lot and times. Raises FieldError."""
    found = sent.get("properties")
    if found is None:
        return ()
    if not isinstance(found, dict):
        fix = 'Send an object, such as {"loi": 7.1}.'
        raise FieldError("properties", found, "it is no object", fix)
    items = cast("Mapping[str, object]", found).items()
    return tuple(_property(name, value, material, catalogue, now) for name, value in items)


def _property(
    name: str, sent: object, material: Material, catalogue: Catalogue, now: datetime
) -> Property:
    field = f"properties.{name}"
    kind = catalogue.properties.get(name)
    if kind is None:
        known = ", ".join(material.properties) or ", ".join(catalogue.properties)
        raise FieldError(field, name, "there is no such property", f"Send one of {known}.")
    details = cast("Mapping[str, object]", sent) if isinstance(sent, dict) else {"value": sent}
    unknown = sorted(str(one) for one in details.keys() - set(DETAILS))
    if unknown:
        fix = f"A property has {', '.join(DETAILS)}."
        raise FieldError(f"{field}.{unknown[0]}", None, "there is no such field", fix)
    value = _in_unit(details.get("value"), kind.unit, field)
    if kind.unit == "%" and not 0 <= value <= 100:
        raise FieldError(field, value, "it is no share", "Send a percentage from 0 to 100.")
    if abs(value) > MOST_VALUE:
        raise FieldError(field, value, "nothing has so much of it", f"Send a value in {kind.unit}.")
    sampled, until = (
        None if details.get(one) is None else fields.time(details[one], f"{field}.{one}")
        for one in ("sampled_at", "valid_until")
    )
    if sampled is not None and sampled > now + timedelta(minutes=10):
        detail = f"it is ahead of the programme's time, {now:%Y-%m-%dT%H:%M:%SZ}"
        fix = "Send when the sample was taken, or leave it out."
        raise FieldError(f"{field}.sampled_at", details["sampled_at"], detail, fix)
    return Property(
        name=name,
        value=value,
        unit=kind.unit,
        method=fields.text(details, "method"),
        lot=fields.text(details, "lot"),
        sampled_at=sampled or now,
        valid_until=until,
    )


def _in_unit(value: object, unit: str, field: str) -> float:
    """Return a value in the property's unit, written as a number or with that unit behind it."""
    if isinstance(value, str):
        matched = _VALUE.fullmatch(value)
        if matched is None:
            raise FieldError(field, value, "it is no value", f"Send a number, in {unit}.")
        written = (matched[2] or unit).strip()
        if _SAME_UNIT.get(written, written) != unit:
            raise FieldError(field, value, f"it is not in {unit}", f"Send it in {unit}.")
        value = matched[1]
    return float(fields.decimal(value, field))
