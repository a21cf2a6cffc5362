"""Builders of facts and positions for the market's tests, and a driver that solves to rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from schemas.events import (
    Basis,
    Coordinates,
    DataKind,
    Direction,
    FacilityFacts,
    Match,
    MatchState,
    Position,
    Property,
    Provenance,
    Reason,
    ReplayState,
    SourceKind,
    Tick,
    Unmatched,
)
from synergy.catalogue import load_catalogue
from synergy.market import Event, MarketState, Policy
from tests.market.values import BLOCKS, received

CATALOGUE = load_catalogue()
POLICY = Policy()
MARCH = datetime(2007, 3, 10, tzinfo=UTC)
TONNE = 1_000_000


def facts(
    facility: str, industry: str, place: tuple[float, float], **changes: Any
) -> FacilityFacts:
    """Facts of a plant in the Ohio Valley that operates since 1990."""
    plain = FacilityFacts(
        facility=facility,
        programme="ohio",
        name=facility,
        latitude=place[0],
        longitude=place[1],
        industry=industry,
        valid_from=datetime(1990, 1, 1, tzinfo=UTC),
        provenance=Provenance.REAL,
        source="test",
        country="US",
    )
    return replace(plain, **changes)


def position(
    facility: str, material: str, direction: Direction, tonnes: float, **changes: Any
) -> Position:
    """A position whose firm part is 80 % and that is fresh in March 2007."""
    quantity = round(tonnes * TONNE)
    firm = quantity * 8 // 10
    plain = Position(
        programme="ohio",
        facility=facility,
        material=material,
        direction=direction,
        as_of=MARCH,
        applied=Coordinates(topic="synergy.availability.v1", partition=0, offset=100),
        latest=Coordinates(topic="synergy.availability.v1", partition=0, offset=99),
        latest_source="meter-1",
        latest_sequence=99,
        source_kind=SourceKind.REPLAY,
        data_kind=DataKind.ESTIMATED,
        unit="GRM",
        quantity_24h=quantity,
        days_seen=28,
        firm_per_day=firm,
        interruptible_per_day=quantity - firm,
        quality_good=0.0,
        quality_uncertain=0.0,
        quality_estimated=1.0,
        stale=False,
        late=0,
        basis=Basis.DRY,
    )
    return replace(plain, **changes)


def supply(facility: str, material: str, tonnes: float, **changes: Any) -> Position:
    """A supply of so many tonnes a day."""
    return position(facility, material, Direction.SUPPLY, tonnes, **changes)


def need(facility: str, material: str, tonnes: float, **changes: Any) -> Position:
    """A need of so many tonnes a day."""
    return position(facility, material, Direction.DEMAND, tonnes, **changes)


def analysis(**values: float) -> tuple[Property, ...]:
    """Analyses in the catalogue's units, sampled on 1 March 2007."""
    sampled = datetime(2007, 3, 1, tzinfo=UTC)
    units = {name: kind.unit for name, kind in CATALOGUE.properties.items()}
    return tuple(
        Property(name=name, value=value, unit=units[name], sampled_at=sampled)
        for name, value in values.items()
    )


GOOD_ASH = analysis(loi=3.0, so3=1.0, moisture=0.5)
HIGH_LOI_ASH = analysis(loi=7.0, so3=1.0, moisture=0.5)


@dataclass
class Market:
    """A market state with the offsets of its inputs, and everything it published."""

    state: MarketState = field(default_factory=lambda: MarketState(CATALOGUE, POLICY))
    published: list[Event] = field(default_factory=list[Event])
    parts: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    offsets: Any = field(default_factory=lambda: count(1))

    def at(self, topic: str = "synergy.positions.v1") -> Coordinates:
        """The coordinates of the next input."""
        return Coordinates(topic=topic, partition=0, offset=next(self.offsets))

    def feed(self, *inputs: FacilityFacts | Position) -> Market:
        """Apply facts and positions."""
        for item in inputs:
            if isinstance(item, FacilityFacts):
                self.state.apply_facts(item, self.at())
            else:
                self.state.apply_position(received(item, self.at()))
        return self

    def tick(
        self, time: datetime, chapter: str | None = None, state: ReplayState = ReplayState.RUNNING
    ) -> Market:
        """Apply a tick of the programme."""
        tick = Tick(programme="ohio", time=time, state=state, speed=60.0, chapter=chapter)
        self.state.apply_tick(tick)
        return self

    def solve(self) -> list[Event]:
        """Run jobs until none is due; return what was published since the last call."""
        for _ in range(50):
            job = self.state.job()
            if job is None:
                return self.take()
            self.state.absorb(job())
        pytest.fail("the market does not come to rest")

    def take(self) -> list[Event]:
        """Take events and parts, as a commit does."""
        events = list(self.state.take_events())
        self.published += events
        for key, part in self.state.take_parts().items():
            if part is None:
                self.parts.pop(key, None)
            else:
                self.parts[key] = part
        return events

    def restored(self) -> MarketState:
        """A state made from the parts that were committed."""
        return MarketState.restore(CATALOGUE, self.parts.items(), BLOCKS.decode, POLICY)

    def open(self) -> list[Match]:
        """The matches that are proposed now."""
        return [m for m in self.state.matches("ohio") if m.state is MatchState.PROPOSED]


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


def matches(events: Iterable[Event]) -> list[Match]:
    """The matches among events."""
    return [item for item in events if isinstance(item, Match)]


def only(found: Iterable[Match], **wanted: object) -> Match:
    """The one match with these fields."""
    fitting = [
        item for item in found if all(getattr(item, key) == value for key, value in wanted.items())
    ]
    assert len(fitting) == 1, fitting
    return fitting[0]


def reasons_of(events: Iterable[Event], facility: str, material: str) -> list[Reason]:
    """What was said about a series without a match, once."""
    found = [
        item
        for item in events
        if isinstance(item, Unmatched) and (item.facility, item.material) == (facility, material)
    ]
    assert len(found) == 1, found
    assert not found[0].resolved
    return list(found[0].reasons)


def codes(reasons: Iterable[Reason]) -> list[str]:
    """The codes of reasons."""
    return [item.code for item in reasons]


POWER = facts("power", "3510", (39.90, -80.80))
OTHER_POWER = facts("power2", "3510", (39.85, -80.85))
MIX = facts("mix", "2395", (40.00, -80.70))
BRICK = facts("brick", "2392", (40.10, -80.75))
KILN = facts("kiln", "2394", (39.60, -80.90))
BOARD = facts("board", "2395", (39.83, -80.82))


def started(*inputs: FacilityFacts | Position) -> Market:
    """A market in March 2007 with these inputs."""
    return Market().tick(MARCH).feed(*inputs)
