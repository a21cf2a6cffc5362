"""Supply of the Hebei-Anhui plants: a borrowed load profile scaled to the plant's capacity.

Everything here is SIMULATED. The profile's unit and its remark go along as flags `source_unit:...` and
`source_remark:...`: they speak of the source unit in Taiwan, never of the named plant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from producers.programmes.tables import Analyses
from producers.programmes.taipower import STEP, Snapshot, UnitLoad
from producers.reading import Reading
from schemas.events import Basis, DataKind, Direction, Form, Quality, SourceKind
from synergy.derive import formulas
from synergy.derive.coefficients import Coefficients

BEIJING = timezone(timedelta(hours=8))
HOUR = timedelta(hours=1)
BORROWED = "borrowed_profile"


@dataclass(frozen=True, slots=True)
class BorrowedPlant:
    """A coal plant with its capacity in MW and the source unit whose profile it borrows."""

    facility: str
    capacity: float
    source_unit: str


@dataclass(frozen=True, slots=True)
class SteelWorks:
    """A works that makes crude steel, kt a year; `blast_furnace` tells whether it makes iron too."""

    facility: str
    capacity: float
    blast_furnace: bool


@dataclass(frozen=True, slots=True)
class SimulatedFlow:
    """One simulated by-product flow in tonnes."""

    material: str
    formula: str
    tonnes: float


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open period [start, end)."""

    start: datetime
    end: datetime


def flows_from_load(
    electricity: float, scope: str, at: datetime, coefficients: Coefficients
) -> tuple[SimulatedFlow, ...]:
    """Return ash and gypsum of a period from its electricity in MWh."""

    def value(name: str) -> float:
        return coefficients.value(name, scope, at)

    ash = {name: value(name) for name in ("coal_per_mwh", "ash_share", "fly_share")}
    gypsum = formulas.fgd_gypsum_from_load(
        electricity * ash["coal_per_mwh"],
        sulphur_share=value("sulphur_share"),
        so2_per_sulphur=value("so2_per_sulphur"),
        removed_share=value("removed_share"),
        gypsum_per_so2=value("gypsum_per_so2"),
    )
    return (
        SimulatedFlow(
            "fly_ash", "fly_ash_from_load", formulas.fly_ash_from_load(electricity, **ash)
        ),
        SimulatedFlow(
            "bottom_ash", "bottom_ash_from_load", formulas.bottom_ash_from_load(electricity, **ash)
        ),
        SimulatedFlow("fgd_gypsum", "fgd_gypsum_from_load", gypsum),
    )


def flows_from_steel(
    works: SteelWorks, scope: str, at: datetime, coefficients: Coefficients
) -> tuple[SimulatedFlow, ...]:
    """Return the slags of one hour of a works at its assumed utilisation."""

    def value(name: str) -> float:
        return coefficients.value(name, scope, at)

    hours = value("days_per_year") * 24
    steel = works.capacity * 1000 * value("utilisation") / hours
    slag = formulas.slag_from_crude_steel(steel, slag_per_tonne=value("steel_slag_per_steel"))
    flows = (SimulatedFlow("steel_slag", "slag_from_crude_steel", slag),)
    if not works.blast_furnace:
        return flows
    hot_metal = steel * value("hot_metal_per_steel")
    blast = formulas.slag_from_crude_steel(hot_metal, slag_per_tonne=value("bf_slag_per_hot_metal"))
    return (*flows, SimulatedFlow("bf_slag", "slag_from_crude_steel", blast))


class BorrowedStream:
    """The readings of every plant with a borrowed profile, oldest first.

    A snapshot holds for the ten minutes after it; a missing snapshot gives no reading.
    """

    def __init__(
        self,
        plants: Sequence[BorrowedPlant],
        snapshots: Sequence[Snapshot],
        coefficients: Coefficients,
        analyses: Analyses,
        programme: str,
    ) -> None:
        self._plants = plants
        self._snapshots = snapshots
        self._coefficients = coefficients
        self._readings = _SimulatedReadings(analyses)
        self._programme = programme

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield the readings whose ten minutes end in (after, until]."""
        for snapshot in self._snapshots:
            if after < snapshot.time + STEP <= until:
                for plant in self._plants:
                    load = snapshot.units.get(plant.source_unit)
                    if load is not None:
                        yield from self._plant_readings(plant, snapshot, load)

    def _plant_readings(
        self, plant: BorrowedPlant, snapshot: Snapshot, load: UnitLoad
    ) -> Iterator[Reading]:
        flags = [BORROWED, f"source_unit:{plant.source_unit}"]
        if load.remark:
            flags.append(f"source_remark:{load.remark}")
        if snapshot.repeated:
            flags.append("repeated_snapshot")
        electricity = plant.capacity * load.share * (STEP / HOUR)
        scope = f"{self._programme}/{plant.facility}"
        period = Period(snapshot.time, snapshot.time + STEP)
        for flow in flows_from_load(electricity, scope, snapshot.time, self._coefficients):
            yield self._readings.of(plant.facility, flow, period, tuple(flags))


class SteelStream:
    """The hourly slag of every steel works at an assumed level, oldest first."""

    def __init__(
        self,
        works: Sequence[SteelWorks],
        coefficients: Coefficients,
        analyses: Analyses,
        programme: str,
    ) -> None:
        self._works = works
        self._coefficients = coefficients
        self._readings = _SimulatedReadings(analyses)
        self._programme = programme

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield the readings whose hour ends in (after, until]."""
        start = after.astimezone(BEIJING).replace(minute=0, second=0, microsecond=0)
        while start + HOUR <= until:
            period = Period(start, start + HOUR)
            for works in self._works:
                scope = f"{self._programme}/{works.facility}"
                for flow in flows_from_steel(works, scope, start, self._coefficients):
                    yield self._readings.of(works.facility, flow, period, ("assumed_level",))
            start += HOUR


class _SimulatedReadings:
    """Makes the readings of a simulated supply."""

    def __init__(self, analyses: Analyses) -> None:
        self._analyses = analyses

    def of(
        self, facility: str, flow: SimulatedFlow, period: Period, flags: tuple[str, ...]
    ) -> Reading:
        """Return the reading of one flow over one period."""
        start = period.start
        first_of_day = start.hour == 0 and start.minute == 0
        return Reading(
            source=f"simulation/{facility}",
            facility=facility,
            material=flow.material,
            direction=Direction.SUPPLY,
            form=Form.FLOW,
            source_kind=SourceKind.REPLAY,
            quantity=formulas.grams(flow.tonnes),
            unit="GRM",
            period_start=start,
            period_end=period.end,
            observed_at=period.end,
            quality=Quality.ESTIMATED,
            data_kind=DataKind.SIMULATED,
            basis=Basis.DRY,
            formula=flow.formula,
            flags=flags,
            properties=self._analyses.of(facility, flow.material) if first_of_day else (),
        )
