"""Input for the balance stage: frames as they come from Avro, and hypothesis strategies for disorderly readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import polars as pl
from hypothesis import strategies as st

from schemas.block import BlockReaders
from schemas.codec import Codec
from schemas.events import (
    Availability,
    Basis,
    DataKind,
    Direction,
    Facility,
    Form,
    Property,
    Provenance,
    Quality,
    SourceKind,
)
from synergy.balance import MaterialRule
from synergy.balance.terms import DAY_US, moment

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
NOW_2024 = 1_720_000_800_000_000  # 2024-07-03 10:00
START_2007 = 1_172_750_400_000_000  # 2007-03-01 12:00
RULES = {
    "ash": MaterialRule("GRM", 5_000_000_000, 6 * HOUR_US),
    "heat": MaterialRule("KJO", 10**17, 30 * MINUTE_US),
}
_USUAL: tuple[object, ...] = (
    None,
    (),
    UUID(int=1),
    1,
    "SUPPLY",
    "FLOW",
    "GOOD",
    "DRY",
)
SCHEMA = BlockReaders(Codec({"Availability": 1})).empty_frame("Availability").schema


def frame(readings: Sequence[Availability]) -> pl.DataFrame:
    """Return readings as they are decoded."""
    rows = [row(reading) for reading in readings]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def row(reading: Availability) -> dict[str, Any]:
    """Return the columns of one reading."""
    values: dict[str, Any] = {name: getattr(reading, name) for name in SCHEMA}
    values["id"] = str(reading.id)
    for name, value in values.items():
        if isinstance(value, Enum):
            values[name] = list(type(value)).index(value)
    values["flags"] = list(reading.flags)
    values["properties"] = [
        {name: getattr(analysis, name) for name in Property.__slots__}
        for analysis in reading.properties
    ]
    return values


def facility(name: str, programme: str) -> Facility:
    """Return a sample facility."""
    return Facility(
        id=name,
        programme=programme,
        name=f"Plant {name}",
        latitude=40.0,
        longitude=-80.5,
        industry="3510",
        permits=("hazardous:10 02 07",),
        valid_from=datetime(1990, 1, 1, tzinfo=UTC),
        provenance=Provenance.SAMPLE,
        source="test",
        country="US",
    )


def reading(**changes: Any) -> Availability:
    """Return a good reading of one quarter-hour in 2024, with changes."""
    start = moment(NOW_2024 - HOUR_US)
    values: dict[str, Any] = {
        "id": UUID(int=1),
        "source": "meter-1",
        "facility": "a",
        "epoch": 1,
        "sequence": 1,
        "material": "ash",
        "direction": Direction.SUPPLY,
        "form": Form.FLOW,
        "source_kind": SourceKind.METER,
        "quantity": 1_000_000,
        "unit": "GRM",
        "period_start": start,
        "period_end": start + timedelta(minutes=15),
        "observed_at": start,
        "quality": Quality.GOOD,
        "data_kind": DataKind.MEASURED,
        "basis": Basis.DRY,
    }
    return Terse(**{**values, **changes})


class Terse(Availability):
    """A reading that prints in one line, for the reports of failing stories."""

    __slots__ = ()

    def __repr__(self) -> str:
        values = {name: getattr(self, name) for name in SCHEMA}
        plain = {f"{name}={value}" for name, value in values.items() if value not in _USUAL}
        return f"reading({', '.join(sorted(plain))})"


@dataclass(frozen=True)
class Site:
    """Where and when the readings of a facility lie."""

    facility: str
    programme: str
    around_us: int


SITES = (
    Site("a", "live", NOW_2024),
    Site("b", "live", NOW_2024),
    Site("c", "history", START_2007),
    Site("d", "history", START_2007),
)

LENGTHS = (
    15 * MINUTE_US,
    10 * MINUTE_US,
    HOUR_US,
    HOUR_US + 1,
    7,
    DAY_US,
    3 * DAY_US,
    50 * DAY_US,
)
"""Inside a quarter-hour, across its edge, whole ones, crooked, days, longer than the ring."""


@st.composite
def periods(draw: st.DrawFn, site: Site, form: Form) -> tuple[int, int]:
    """Return start and end: mostly near the present, sometimes days or weeks away, plans ahead too."""
    length = draw(st.sampled_from(LENGTHS))
    days = draw(st.sampled_from((0, 0, 0, 0, 1, 1, 2, 30, 34, 35, 36, 60)))
    if form is Form.PLAN:
        days = min(days, 2)
    steps = draw(st.integers(0, 8))
    crooked = draw(st.sampled_from((0, 0, 0, 1, 17 * MINUTE_US)))
    end = site.around_us - days * DAY_US - steps * 15 * MINUTE_US - crooked
    if form is Form.PLAN:
        end += draw(st.sampled_from((0, HOUR_US, DAY_US, 20 * DAY_US)))
    elif not days and draw(st.booleans()):
        end = site.around_us + draw(st.sampled_from((-4, 4))) * MINUTE_US
    if form is Form.STOCK:
        length = draw(st.sampled_from((0, length)))
    return end - length, end


@st.composite
def analyses(draw: st.DrawFn, site: Site) -> tuple[Property, ...]:
    """Return none, one or two analyses."""
    if draw(st.integers(0, 4)):
        return ()
    times = st.sampled_from((0, 5, 40)).map(lambda days: moment(site.around_us - days * DAY_US))
    valid = st.sampled_from((-1, 0, 3)).map(lambda days: moment(site.around_us + days * DAY_US))
    one = st.builds(
        Property,
        name=st.sampled_from(("loi", "so3")),
        value=st.sampled_from((3.5, 3.52, 7.0)),
        unit=st.just("%"),
        lot=st.sampled_from((None, "lot-1")),
        sampled_at=st.none() | times,
        valid_until=st.none() | valid,
    )
    return tuple(draw(st.lists(one, min_size=1, max_size=2)))


@st.composite
def availabilities(draw: st.DrawFn) -> Availability:
    """Return a reading as plants send them: in disorder, twice, with gaps, sometimes wrong."""
    site = draw(st.sampled_from(SITES))
    form = draw(st.sampled_from((Form.FLOW,) * 8 + (Form.STOCK, Form.PLAN, Form.PLAN)))
    start, end = draw(periods(site, form))
    material = draw(st.sampled_from(("ash", "ash", "ash", "heat")))
    quantity = draw(st.sampled_from((0, 1, 999_983, 1_000_000, 40_000_003, -5)))
    if material == "heat" and form is Form.FLOW:
        quantity *= 2_000_003  # products beyond 64 bits
    wrong = draw(st.sampled_from(("",) * 30 + ("unit", "facility", "material", "future", "basis")))
    if wrong == "future":
        end = NOW_2024 + 11 * MINUTE_US
    return reading(
        source=draw(st.sampled_from(("meter-1", "meter-2"))),
        facility="nowhere" if wrong == "facility" else site.facility,
        epoch=draw(st.sampled_from((1, 1, 1, 2))),
        sequence=draw(st.integers(0 if wrong else 1, 24)),
        material="unobtainium" if wrong == "material" else material,
        direction=draw(st.sampled_from((Direction.SUPPLY, Direction.SUPPLY, Direction.DEMAND))),
        form=form,
        source_kind=draw(st.sampled_from((SourceKind.METER, SourceKind.ERP))),
        quantity=quantity,
        unit="LTR" if wrong == "unit" else RULES[material].unit,
        period_start=moment(start),
        period_end=moment(end),
        quality=draw(st.sampled_from((Quality.GOOD,) * 4 + tuple(Quality))),
        data_kind=draw(st.sampled_from(tuple(DataKind))),
        basis=draw(st.sampled_from((Basis.DRY,) * 12 + (Basis.AS_RECEIVED,))),
        formula=draw(st.sampled_from((None, None, "fly_ash_from_heat_input"))),
        document=draw(st.sampled_from((None, "PO-1", "PO-2"))) if form is Form.PLAN else None,
        revision=draw(st.sampled_from((None, 1, 2))) if form is Form.PLAN else None,
        corrects=draw(st.sampled_from((None, "reading-1"))) if quantity < 0 else None,
        flags=draw(st.sampled_from(((),) * 6 + (("substitute",), ("substitute", "fault")))),
        properties=draw(analyses(site)),
    )


@st.composite
def one_series(draw: st.DrawFn) -> Availability:
    """Return a flow of one series within seven weeks: enough of them make a history, with holes and corrections."""
    site = SITES[0]
    length = draw(st.sampled_from((HOUR_US, HOUR_US, 6 * HOUR_US, DAY_US, 2 * DAY_US, 7 * DAY_US)))
    back = draw(st.integers(0, 50 * 4))
    end = site.around_us - back * 6 * HOUR_US + draw(st.sampled_from((0, 0, 5))) * MINUTE_US
    correction = draw(st.integers(0, 5)) == 0
    return reading(
        sequence=draw(st.integers(1, 400)),
        quantity=draw(st.sampled_from((100, 1_000, 10_007, 5_000_011))) * (-1 if correction else 1),
        corrects="reading-1" if correction else None,
        period_start=moment(end - length),
        period_end=moment(end),
        quality=draw(st.sampled_from((Quality.GOOD,) * 6 + (Quality.BAD,))),
        flags=draw(st.sampled_from(((),) * 6 + (("substitute",),))),
    )
