"""CPU cost of the pure market stage: solving one market, and taking positions in.

    .venv/bin/python bench/market_solve.py

CPU is user + system time of the process over all threads. Each line is one programme: facilities spread over a square
of so many degrees, all materials in the one market of ashes and slags. `first` solves an empty market, `same` solves it
again (and must say nothing), `step` solves after one supply changed.
`position` is one position taken in, `part` its changelog part encoded. The bar: 2,000 facilities <= 1.5 s.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from schemas.codec import Codec
from schemas.events import (
    Basis,
    Coordinates,
    DataKind,
    Direction,
    FacilityFacts,
    Position,
    Provenance,
    ReplayState,
    SourceKind,
    Tick,
)
from synergy.catalogue import load_catalogue
from synergy.market import MarketState, Received

TIME = datetime(2007, 3, 10, tzinfo=UTC)
PLACE = Coordinates(topic="synergy.positions.v1", partition=0, offset=1)
CATALOGUE = load_catalogue()
CODEC = Codec({"Position": 1})
# Industry, direction and materials of eight kinds of plants.
KINDS = (
    *(("3510", Direction.SUPPLY, ("fly_ash", "bottom_ash")),) * 3,
    ("2394", Direction.DEMAND, ("clay", "clinker")),
    ("2395", Direction.DEMAND, ("portland_cement", "sand")),
    ("2392", Direction.DEMAND, ("clay",)),
    ("4210", Direction.DEMAND, ("crushed_stone",)),
    ("2410", Direction.SUPPLY, ("steel_slag", "bf_slag")),
)


@dataclass(frozen=True)
class Load:
    """What is measured: how many facilities on how many degrees."""

    facilities: int
    degrees: float


def facts(number: int, place: tuple[float, float]) -> FacilityFacts:
    """Make the facts of a plant."""
    return FacilityFacts(
        facility=f"plant-{number:05d}",
        programme="bench",
        name=f"Plant {number}",
        latitude=place[0],
        longitude=place[1],
        industry=KINDS[number % len(KINDS)][0],
        valid_from=datetime(1990, 1, 1, tzinfo=UTC),
        provenance=Provenance.SAMPLE,
        source="bench",
        country="US",
    )


def position(facility: str, material: str, direction: Direction, grams: int) -> Position:
    """Make a position of so many grams a day."""
    return Position(
        programme="bench",
        facility=facility,
        material=material,
        direction=direction,
        as_of=TIME,
        applied=PLACE,
        latest=PLACE,
        latest_source="meter",
        latest_sequence=1,
        source_kind=SourceKind.METER,
        data_kind=DataKind.MEASURED,
        unit="GRM",
        quantity_24h=grams,
        days_seen=28,
        firm_per_day=grams * 4 // 5,
        interruptible_per_day=grams - grams * 4 // 5,
        quality_good=1.0,
        quality_uncertain=0.0,
        quality_estimated=0.0,
        stale=False,
        late=0,
        basis=Basis.DRY,
    )


def programme(load: Load) -> tuple[MarketState, list[Position]]:
    """Make a programme at rest with everything to solve."""
    chance = np.random.default_rng(7)
    state = MarketState(CATALOGUE)
    state.apply_tick(Tick(programme="bench", time=TIME, state=ReplayState.RUNNING, speed=1.0))
    positions: list[Position] = []
    for number in range(load.facilities):
        place = (
            38 + chance.random() * load.degrees,
            -82 + chance.random() * load.degrees,
        )
        plant = facts(number, place)
        state.apply_facts(plant, PLACE)
        _, direction, materials = KINDS[number % len(KINDS)]
        for material in materials:
            grams = int(chance.lognormal(5, 1) * 1e6)
            positions.append(position(plant.facility, material, direction, grams))
    return state, positions


def solved(state: MarketState) -> tuple[float, int]:
    """Solve what is dirty; return CPU seconds and events."""
    before = time.process_time()
    while (job := state.job()) is not None:
        state.absorb(job())
    spent = time.process_time() - before
    return spent, len(state.take_events())


def measure(load: Load) -> str:
    """Run one load."""
    state, positions = programme(load)
    received = [Received(item, PLACE, CODEC.encode(item)) for item in positions]
    before = time.process_time()
    for item in received:
        state.apply_position(item)
    applied = (time.process_time() - before) / len(positions)
    before = time.process_time()
    parts = len(state.take_parts())
    packed = (time.process_time() - before) / parts
    first, matches = solved(state)
    state.apply_tick(
        Tick(programme="bench", time=TIME, state=ReplayState.RUNNING, speed=1.0, chapter="again")
    )
    same, said = solved(state)
    assert said == 0
    moved = replace(positions[0], firm_per_day=positions[0].firm_per_day * 2)
    state.apply_position(Received(moved, PLACE, CODEC.encode(moved)))
    step, changed = solved(state)
    return (
        f"{load.facilities:5d} facilities on {load.degrees:3.0f} degrees:"
        f" first {first * 1e3:6.0f} ms ({matches} events)   same {same * 1e3:6.0f} ms"
        f"   step {step * 1e3:6.0f} ms ({changed} events)"
        f"   position {applied * 1e6:5.1f} us   part {packed * 1e6:5.1f} us\n"
    )


def main() -> None:
    """Measure all loads."""
    for load in (Load(30, 2), Load(100, 4), Load(500, 8), Load(2_000, 8), Load(2_000, 16)):
        sys.stdout.write(measure(load))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
