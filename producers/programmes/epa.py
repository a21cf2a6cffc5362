"""US EPA hourly stack data: read the rows, derive the by-product flows of each unit.

Quirks of the data: `-9` is "no value"; times are local standard time all year, so 11 March 2007 has 24
hours; unit names are text; a flow of a partial hour is already the hour's mass, a load is the mean of
the running part; flags 3 and 4 mark substitute data.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from producers.programmes.tables import Analyses
from producers.reading import Reading
from schemas.events import Basis, DataKind, Direction, Form, Quality, SourceKind
from synergy.derive import formulas
from synergy.derive.coefficients import Coefficients

EASTERN_STANDARD_TIME = timezone(timedelta(hours=-5))
HOUR = timedelta(hours=1)
NO_VALUE = "-9"
SUBSTITUTE_FLAGS = ("3", "4")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackHour:
    """One hour of one unit. None is "no value"; `share` is the part of the hour in operation.

    Heat input is mmBtu and SO2 is lb of the whole hour; load is MW, the mean of the running part.
    """

    station: str
    unit: str
    start: datetime
    share: float
    load: float | None
    heat_input: float | None
    so2: float | None
    heat_input_flag: str
    so2_flag: str

    @property
    def running(self) -> bool:
        """Whether the unit ran in any part of the hour."""
        return self.share > 0

    @property
    def electricity(self) -> float:
        """Gross generation of the hour in MWh; an hour without a load made none."""
        return (self.load or 0.0) * self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedFlow:
    """One by-product flow of one hour, in the material's base unit."""

    material: str
    formula: str
    quantity: int
    unit: str
    basis: Basis
    quality: Quality
    flags: tuple[str, ...]


def parse_stack_hours(lines: Iterable[str]) -> Iterator[StackHour]:
    """Read the lines of a trimmed EPA file with its header."""
    for row in csv.DictReader(lines):
        yield StackHour(
            station=row["station"],
            unit=row["unit"],
            start=_start(row["date"], row["hour"]),
            share=_value(row["share_in_operation"]) or 0.0,
            load=_value(row["gross_load_mw"]),
            heat_input=_value(row["heat_input_mmbtu"]),
            so2=_value(row["so2_lb"]),
            heat_input_flag=row["heat_input_flag"],
            so2_flag=row["so2_flag"],
        )


def _start(date: str, hour: str) -> datetime:
    year, month, day = 2000 + int(date[:2]), int(date[2:4]), int(date[4:])
    return datetime(year, month, day, int(hour), tzinfo=EASTERN_STANDARD_TIME)


def _value(text: str) -> float | None:
    return None if text in ("", NO_VALUE) else float(text)


def derive_flows(hour: StackHour, coefficients: Coefficients) -> Iterator[DerivedFlow]:
    """Yield the by-product flows of one hour.

    A unit that is off makes nothing and says so: quantity 0, flag `unit_off`. A running hour without the
    value that a formula needs is BAD with flag `no_value`, which is never zero supply. Gypsum exists only
    while a `so2_uncontrolled` row is valid for the unit: before its scrubber there is no such flow.
    """
    scope = f"{hour.station}/{hour.unit}"
    flags = _flags(hour, coefficients)
    ash = {
        "gigajoule_per_mmbtu": coefficients.value("gigajoule_per_mmbtu", scope, hour.start),
        "heating_value": coefficients.value("heating_value", scope, hour.start),
        "ash_share": coefficients.value("ash_share", scope, hour.start),
        "fly_share": coefficients.value("fly_share", scope, hour.start),
    }
    fly = bottom = heat = None
    if hour.heat_input is not None:
        fly = formulas.fly_ash_from_heat_input(hour.heat_input, **ash)
        bottom = formulas.bottom_ash_from_heat_input(hour.heat_input, **ash)
        factor = coefficients.value("megawatt_hour_per_mmbtu", scope, hour.start)
        heat = formulas.waste_heat(
            hour.heat_input, hour.electricity, megawatt_hour_per_mmbtu=factor
        )
    yield _mass(hour, "fly_ash", "fly_ash_from_heat_input", fly, flags)
    yield _mass(hour, "bottom_ash", "bottom_ash_from_heat_input", bottom, flags)
    yield from _gypsum(hour, coefficients, flags)
    yield _heat(hour, heat, flags)


def _flags(hour: StackHour, coefficients: Coefficients) -> tuple[str, ...]:
    if not hour.running:
        return ("unit_off",)
    flags: list[str] = []
    if hour.share < 1:
        flags.append("partial_hour")
    substitute = hour.heat_input_flag in SUBSTITUTE_FLAGS
    if not hour.load:
        flags.append("no_load")
    elif hour.heat_input is not None:
        limit = coefficients.value("implausible_heat_rate", hour.station, hour.start)
        if hour.heat_input / hour.load > limit:
            flags.append("implausible_heat_rate")
            substitute = True
    if substitute:
        flags.append("substitute")
    return tuple(flags)


def _gypsum(
    hour: StackHour, coefficients: Coefficients, flags: tuple[str, ...]
) -> Iterator[DerivedFlow]:
    scope = f"{hour.station}/{hour.unit}"
    uncontrolled = coefficients.find("so2_uncontrolled", scope, hour.start)
    if uncontrolled is None:
        return
    tonnes = None
    if hour.heat_input is not None and hour.so2 is not None:
        tonnes = formulas.fgd_gypsum_from_so2(
            hour.heat_input,
            hour.so2,
            uncontrolled=uncontrolled.value,
            kilogram_per_pound=coefficients.value("kilogram_per_pound", scope, hour.start),
            gypsum_per_so2=coefficients.value("gypsum_per_so2", scope, hour.start),
        )
    if hour.so2_flag in SUBSTITUTE_FLAGS and "substitute" not in flags:
        flags = (*flags, "substitute")
    yield _mass(hour, "fgd_gypsum", "fgd_gypsum_from_so2", tonnes, flags)


def _mass(
    hour: StackHour, material: str, formula: str, tonnes: float | None, flags: tuple[str, ...]
) -> DerivedFlow:
    quantity, quality, flags = _settle(hour, tonnes, flags)
    return DerivedFlow(
        material=material,
        formula=formula,
        quantity=formulas.grams(quantity),
        unit="GRM",
        basis=Basis.DRY,
        quality=quality,
        flags=flags,
    )


def _heat(hour: StackHour, megawatt_hours: float | None, flags: tuple[str, ...]) -> DerivedFlow:
    quantity, quality, flags = _settle(hour, megawatt_hours, flags)
    return DerivedFlow(
        material="waste_heat",
        formula="waste_heat",
        quantity=formulas.kilojoules(quantity),
        unit="KJO",
        basis=Basis.NOT_APPLICABLE,
        quality=quality,
        flags=flags,
    )


def _settle(
    hour: StackHour, quantity: float | None, flags: tuple[str, ...]
) -> tuple[float, Quality, tuple[str, ...]]:
    """Return what may be published for a derived value: never negative, never a guess."""
    if not hour.running:
        return 0.0, Quality.ESTIMATED, flags
    if quantity is None:
        return 0.0, Quality.BAD, (*flags, "no_value")
    if quantity < 0:
        return 0.0, Quality.ESTIMATED, (*flags, "clamped_at_zero")
    return quantity, Quality.ESTIMATED, flags


class StackStream:
    """The readings of every unit in a set of stack hours, oldest first.

    Args:
        hours: The hours, in any order.
        facilities: Facility id by station code; hours of other stations are left out.
        coefficients: The factors.
        analyses: Properties that go with the first hour of each local day.
    """

    def __init__(
        self,
        hours: Iterable[StackHour],
        facilities: Mapping[str, str],
        coefficients: Coefficients,
        analyses: Analyses,
    ) -> None:
        self._hours = sorted(
            (hour for hour in hours if hour.station in facilities),
            key=lambda hour: (hour.start, hour.station, hour.unit),
        )
        self._facilities = facilities
        self._coefficients = coefficients
        self._analyses = analyses

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield the readings whose hour ends in (after, until]."""
        for hour in self._hours:
            if after < hour.start + HOUR <= until:
                for flow in derive_flows(hour, self._coefficients):
                    yield self._reading(hour, flow)

    def _reading(self, hour: StackHour, flow: DerivedFlow) -> Reading:
        facility = self._facilities[hour.station]
        first_of_day = hour.start.hour == 0
        return Reading(
            source=f"epa/{hour.station}/{hour.unit}",
            facility=facility,
            material=flow.material,
            direction=Direction.SUPPLY,
            form=Form.FLOW,
            source_kind=SourceKind.REPLAY,
            quantity=flow.quantity,
            unit=flow.unit,
            period_start=hour.start,
            period_end=hour.start + HOUR,
            observed_at=hour.start + HOUR,
            quality=flow.quality,
            data_kind=DataKind.ESTIMATED,
            basis=flow.basis,
            formula=flow.formula,
            flags=flow.flags,
            properties=self._analyses.of(facility, flow.material) if first_of_day else (),
        )
