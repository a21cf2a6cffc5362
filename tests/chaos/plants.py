"""The plants of the chaos test: who they are, what each of their readings says, and what their sums come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from producers.reading import Reading
from schemas.events import Basis, DataKind, Direction, Facility, Form, Quality, SourceKind
from tests.end_to_end.plants import TONNE, analysed, facility

PROGRAMMES: Final = ("chaos-north", "chaos-south")
GIVERS: Final = tuple(f"chaos-power-{number}" for number in range(12))
RECEIVERS: Final = tuple(f"chaos-cement-{number}" for number in range(4))
PLANTS: Final = (*GIVERS, *RECEIVERS)
EACH_S: Final = 0.1
"""How often each plant reports, and the length of a period."""
FIRST_QUANTITY: Final = 120 * TONNE
LAST_QUANTITY: Final = 400 * TONNE
TONNES_A_DAY: Final = (3_000, 4_500, 3_800, 2_500)
CHANGES_EVERY: Final = 300


def programme(plant: str) -> str:
    """Every other plant is in the other programme."""
    return PROGRAMMES[PLANTS.index(plant) % 2]


def facilities() -> Iterator[Facility]:
    """Power stations, and cement plants some 10 km apart."""
    for plant in GIVERS:
        yield facility(plant, programme(plant))
    for number, plant in enumerate(RECEIVERS):
        yield facility(plant, programme(plant), industry="2394", latitude=39.0 + number / 10)


def quantity(plant: int, round_number: int) -> int:
    """Grams of one period: the pace changes every 30 seconds, so that matches do."""
    pace = TONNES_A_DAY[(plant + round_number // CHANGES_EVERY) % len(TONNES_A_DAY)]
    return int(pace * TONNE * EACH_S / 86_400) + (plant + round_number) % 7


def reading(number: int, began: datetime) -> Reading:
    """Return the reading with this number, counted from 0: every plant in turn, round after round."""
    round_number, plant = divmod(number, len(PLANTS))
    start = began + round_number * timedelta(seconds=EACH_S)
    return _reading(plant, start, start + timedelta(seconds=EACH_S), quantity(plant, round_number))


def first_reading(plant: int, began: datetime) -> Reading:
    """Enough to be matched from the beginning, and little enough that what follows is news every few seconds."""
    return _hour(plant, began - timedelta(hours=2), FIRST_QUANTITY)


def last_reading(plant: int, began: datetime) -> Reading:
    """A large one that no deadband hides: the position that it makes includes everything before."""
    return _hour(plant, began - timedelta(hours=1), LAST_QUANTITY)


def _hour(plant: int, start: datetime, grams: int) -> Reading:
    one = _reading(plant, start, start + timedelta(hours=1), grams)
    return replace(one, properties=analysed()) if PLANTS[plant] in GIVERS else one


def sums(readings: int) -> Mapping[str, int]:
    """Return the grams of each plant after the first readings, so many others and the last ones."""
    found = dict.fromkeys(PLANTS, FIRST_QUANTITY + LAST_QUANTITY)
    for number in range(readings):
        round_number, plant = divmod(number, len(PLANTS))
        found[PLANTS[plant]] += quantity(plant, round_number)
    return found


def _reading(plant: int, start: datetime, end: datetime, grams: int) -> Reading:
    name = PLANTS[plant]
    gives = name in GIVERS
    return Reading(
        source=f"meter:{name}",
        facility=name,
        material="fly_ash" if gives else "clay",
        direction=Direction.SUPPLY if gives else Direction.DEMAND,
        form=Form.FLOW,
        source_kind=SourceKind.METER,
        quantity=grams,
        unit="GRM",
        period_start=start,
        period_end=end,
        observed_at=end,
        quality=Quality.GOOD,
        data_kind=DataKind.SIMULATED,
        basis=Basis.DRY,
    )
