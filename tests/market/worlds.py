"""Hypothesis strategies for programmes with a handful of plants, and what must hold for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

from hypothesis import strategies as st

from schemas.events import (
    FacilityFacts,
    Match,
    Position,
)
from synergy.market import MarketState, Policy
from synergy.market.inputs import take_position
from synergy.market.picture import take_picture
from synergy.market.programme import Programme
from synergy.market.series import Snapshot, offered, series_of
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    HIGH_LOI_ASH,
    MARCH,
    POLICY,
    Market,
    analysis,
    facts,
    need,
    supply,
)
from tests.market.values import received

Input = FacilityFacts | Position


GIVERS = (
    ("3510", "fly_ash", (GOOD_ASH, HIGH_LOI_ASH, ())),
    ("3510", "bottom_ash", ((),)),
    ("2410", "bf_slag", (analysis(glass=92.0), analysis(glass=70.0), ())),
    ("2420", "red_mud", (analysis(na2o=7.0, moisture=25.0), analysis(na2o=2.0, moisture=20.0))),
)


TAKERS = (
    ("2395", "portland_cement"),
    ("2395", "fly_ash"),
    ("2394", "clinker"),
    ("2394", "clay"),
    ("2392", "clay"),
    ("4210", "crushed_stone"),
)


# Mostly plants that fit together; now and then next to nothing, and odd grams.
GRAMS = st.one_of(
    st.integers(20_000_000, 600_000_000),
    st.integers(150_000_000, 400_000_000),
    st.integers(30, 900).map(lambda tonnes: tonnes * 1_000_000),
    st.integers(0, 4_000_000),
)


TONNES = GRAMS.map(lambda grams: grams / 1_000_000)


PLACES = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(
    lambda step: (39.0 + step[0] / 10, -82.0 + step[1] / 10)
)


UNITS = st.sampled_from(((), ("treatment:carbon_separation",)))


@st.composite
def plants(draw: st.DrawFn, least: int = 6, most: int = 14) -> list[list[Input]]:
    """Some facilities, each with its facts and its positions."""
    found: list[list[Input]] = []
    for number in range(draw(st.integers(least, most))):
        name, place = f"plant{number}", draw(PLACES)
        if number % 2:
            industry, material, qualities = draw(st.sampled_from(GIVERS))
            quality = draw(st.sampled_from(qualities))
            position = supply(name, material, draw(TONNES), properties=quality)
        else:
            industry, material = draw(st.sampled_from(TAKERS))
            position = need(name, material, draw(TONNES))
        found.append([facts(name, industry, place, permits=draw(UNITS)), position])
    return found


def fed(inputs: Sequence[Sequence[Input]], policy: Policy | None = None) -> Market:
    market = Market() if policy is None else Market(MarketState(CATALOGUE, policy))
    market.tick(MARCH)
    for group in inputs:
        market.feed(*group)
    return market


def picture_of(inputs: Sequence[Sequence[Input]]) -> Snapshot | None:
    """The frozen picture of the ash market of a fresh programme."""
    programme = Programme("ohio")
    programme.set_time(MARCH)
    market = Market()
    for item in (item for group in inputs for item in group):
        if isinstance(item, FacilityFacts):
            programme.set_facts(item)
        else:
            take_position(programme, received(item, market.at()), CATALOGUE, POLICY.deadband)
    return take_picture(programme, "fly_ash", CATALOGUE, Policy())


def in_integers(inputs: Sequence[Sequence[Input]], matches: Sequence[Match]) -> None:
    """Check that matches promise no gram more than is supplied and needed."""
    positions = {
        series_of(item): offered(item)
        for group in inputs
        for item in group
        if isinstance(item, Position)
    }
    given_out: dict[tuple[str, str], int] = defaultdict(int)
    taken_in: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for match in matches:
        use = CATALOGUE.uses[match.use]
        treatment = CATALOGUE.treatments.get(match.treatment or "")
        arrives = Fraction(treatment.yield_ratio) if treatment else Fraction(1)
        ratio = Fraction(1) if match.need == match.material else Fraction(use.ratio)
        given_out[match.giver, match.material] += match.quantity_per_day
        taken_in[match.receiver, match.need] += match.quantity_per_day * ratio * arrives
        assert match.firm_per_day + match.interruptible_per_day == match.quantity_per_day
        assert match.quantity_per_day >= use.lot_per_day
    for series, quantity in positions.items():
        key = (series.facility, series.material)
        assert given_out.get(key, 0) <= quantity or series.direction != "SUPPLY"
        assert taken_in.get(key, 0) <= quantity or series.direction != "DEMAND"
