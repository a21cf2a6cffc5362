"""A giver and a receiver whose one match follows every step of the giver's supply.

The supply is a measured flow of one hour, and each step is a signed correction of that hour: the 24 h sum, and with it
what is offered a day, changes at once and by exactly the step, while `as_of` stays. The need is a plan line that is
never the limit. Sulphur is a market of its own, so that nothing else in the programme changes the match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bench.foundation import Sender
from producers.reading import Reading
from schemas.events import (
    Basis,
    DataKind,
    Direction,
    Facility,
    Form,
    Provenance,
    Quality,
    SourceKind,
)
from schemas.identity import series_key

GIVER = "bench_refinery"
RECEIVER = "bench_acid_works"
GRAM_A_TONNE = 1_000_000
BASE = 100 * GRAM_A_TONNE
STEP = BASE * 30 // 100
NEED_A_DAY = 1_000 * GRAM_A_TONNE
NEED_DAYS = 30


@dataclass(slots=True)
class MarketPair:
    """The pair and what the giver offers now. `quantity` is in grams a day."""

    sender: Sender
    programme: str
    now: datetime
    quantity: int = 0
    _sequences: dict[str, int] = field(default_factory=dict[str, int])

    def enrol(self) -> None:
        """Publish both facilities, the need and the first supply."""
        self.sender.facilities(self._facilities())
        self._publish(self._need())
        self._publish(self.flow(BASE))

    def step(self) -> int:
        """Publish a supply that is 30 % of the base higher, or lower again; return grams a day."""
        change = STEP if self.quantity == BASE else -STEP
        self._publish(replace(self.flow(change), corrects=f"bench/{GIVER}/1/1"))
        return self.quantity

    def _facilities(self) -> Iterator[Facility]:
        for name, industry, longitude in ((GIVER, "1920", -95.0), (RECEIVER, "2011", -95.1)):
            yield Facility(
                id=name,
                programme=self.programme,
                name=f"{name} (sample)",
                latitude=29.7,
                longitude=longitude,
                industry=industry,
                valid_from=datetime(2000, 1, 1, tzinfo=UTC),
                provenance=Provenance.SAMPLE,
                source="made up for a benchmark",
                country="US",
            )

    def flow(self, quantity: int) -> Reading:
        """Return an hour of the giver's flow, in grams."""
        return Reading(
            source=f"bench/{GIVER}",
            facility=GIVER,
            material="recovered_sulphur",
            direction=Direction.SUPPLY,
            form=Form.FLOW,
            source_kind=SourceKind.METER,
            quantity=quantity,
            unit="GRM",
            period_start=self.now - timedelta(hours=1),
            period_end=self.now,
            observed_at=self.now,
            quality=Quality.GOOD,
            data_kind=DataKind.SIMULATED,
            basis=Basis.DRY,
        )

    def _need(self) -> Reading:
        return replace(
            self.flow(NEED_A_DAY * NEED_DAYS),
            source=f"bench/{RECEIVER}",
            facility=RECEIVER,
            material="mined_sulphur",
            direction=Direction.DEMAND,
            form=Form.PLAN,
            source_kind=SourceKind.ERP,
            period_end=self.now - timedelta(hours=1) + timedelta(days=NEED_DAYS),
            document="BENCH-1",
            revision=1,
        )

    def _publish(self, reading: Reading) -> None:
        sequence = self._sequences[reading.source] = self._sequences.get(reading.source, 0) + 1
        event = reading.identified(1, sequence)
        key = series_key(reading.facility, reading.material, reading.direction)
        self.sender.reading(reading.facility, key, self.sender.codec.encode(event))
        self.sender.publisher.flush()
        if reading.facility == GIVER:
            self.quantity += reading.quantity
