"""The metered consumption of the receivers: a level per day, spread over the hours of a day by a profile.

The level is assumed or simulated and says so; the shape is one of a few named profiles, so that no
pattern is invented that a reader could take for measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import pairwise

from producers.errors import ProgrammeFileError
from producers.programmes.tables import DemandRow
from producers.reading import Reading
from schemas.events import Basis, DataKind, Direction, Form, Quality, SourceKind
from schemas.unit_table import UnitError, find_unit, to_base

HOUR = timedelta(hours=1)
CONTINUOUS = (1,) * 24
DAY_SHIFT = (0,) * 6 + (1,) * 12 + (0,) * 6
PROFILES: Mapping[str, tuple[int, ...]] = {"continuous": CONTINUOUS, "day_shift": DAY_SHIFT}


def hourly_quantities(per_day: int, profile: Sequence[int]) -> tuple[int, ...]:
    """Spread a day's quantity over 24 hours in whole base units; the hours add up to the day exactly.

    >>> sum(hourly_quantities(1_000_001, DAY_SHIFT))
    1000001
    """
    weights = sum(profile)
    sums = [per_day * sum(profile[:hour]) // weights for hour in range(len(profile) + 1)]
    return tuple(later - earlier for earlier, later in pairwise(sums))


class DemandStream:
    """The hourly consumption of every receiver.

    Args:
        demands: The levels.
        zone: Fixed zone whose hours the profiles mean.

    Raises:
        ProgrammeFileError: a row has an unknown profile or unit.
    """

    def __init__(self, demands: Sequence[DemandRow], zone: tzinfo) -> None:
        self._zone = zone
        self._rows: list[tuple[DemandRow, str, tuple[int, ...]]] = []
        for number, demand in enumerate(demands, start=2):
            if demand.profile not in PROFILES:
                message = f"unknown profile {demand.profile}"
                raise ProgrammeFileError("demands.csv", number, message)
            try:
                per_day = to_base(Decimal(str(demand.per_day)), find_unit(demand.unit))
            except UnitError as error:
                raise ProgrammeFileError("demands.csv", number, str(error)) from error
            quantities = hourly_quantities(per_day.amount, PROFILES[demand.profile])
            self._rows.append((demand, per_day.unit, quantities))

    def readings(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Yield the readings whose hour ends in (after, until]."""
        end = after.astimezone(self._zone).replace(minute=0, second=0, microsecond=0) + HOUR
        while end <= until:
            for demand, unit, quantities in self._rows:
                yield self._reading(demand, unit, quantities[(end - HOUR).hour], end)
            end += HOUR

    def _reading(self, demand: DemandRow, unit: str, quantity: int, end: datetime) -> Reading:
        simulated = demand.data_kind is DataKind.SIMULATED
        return Reading(
            source=f"meter/{demand.facility}",
            facility=demand.facility,
            material=demand.material,
            direction=Direction.DEMAND,
            form=Form.FLOW,
            source_kind=SourceKind.METER,
            quantity=quantity,
            unit=unit,
            period_start=end - HOUR,
            period_end=end,
            observed_at=end,
            quality=Quality.ESTIMATED,
            data_kind=demand.data_kind,
            basis=Basis.DRY if unit == "GRM" else Basis.NOT_APPLICABLE,
            formula="daily_level_by_profile",
            flags=("simulated_meter",) if simulated else ("assumed_level",),
        )
