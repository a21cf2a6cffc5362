"""The parts of positions: what was received comes back whole, and what is damaged is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event_blocks import FEWEST
from schemas.events import Coordinates, Position, ReplayState, Tick
from synergy.market import MarketState
from synergy.market.part_keys import key_of
from synergy.market.parts import UnreadablePart, pack
from synergy.market.position_parts import holds_value, pack_position, unpack_positions
from synergy.market.restoring import restored_programmes
from synergy.market.series import Held, series_of
from tests.market.plants import CATALOGUE, MARCH, supply
from tests.market.values import BLOCKS, CODEC, by_earlier_release
from tests.property.event_strategies import events_of

AT = Coordinates(topic="synergy.positions.v1", partition=3, offset=2**40)
LONG = 2**63
ASH = supply("mitchell", "fly_ash", 500)
KEY = key_of("position", "ohio", "mitchell", "fly_ash", "supply")
PART = pack_position(Held(ASH, AT, 7, 5), CODEC.encode(ASH))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            events_of("Position"), st.integers(0, 2 * LONG - 1), st.integers(-LONG, LONG - 1)
        ),
        max_size=FEWEST + 5,
    )
)
def test_what_is_kept_of_positions_comes_back(told: list[tuple[Position, int, int]]) -> None:
    kept = [Held(position, AT, quantity, firm) for position, quantity, firm in told]
    parts = [(KEY, pack_position(held, CODEC.encode(held.position))) for held in kept]
    assert all(holds_value(part) for _, part in parts)
    found = list(unpack_positions(parts, BLOCKS.decode))
    assert repr(found) == repr(kept)


def test_more_parts_than_are_decoded_together_come_back_in_order() -> None:
    kept = [Held(replace(ASH, late=number), AT, number, 0) for number in range(2_500)]
    parts = [(KEY, pack_position(held, CODEC.encode(held.position))) for held in kept]
    assert list(unpack_positions(parts, BLOCKS.decode)) == kept


def test_positions_of_an_earlier_release_come_back_among_others() -> None:
    kept = [Held(replace(ASH, late=number), AT, number, 0) for number in range(2 * FEWEST)]
    values = [
        (CODEC.encode if number % 3 else by_earlier_release)(held.position)
        for number, held in enumerate(kept)
    ]
    assert len({value[:5] for value in values}) == 2
    parts = [(KEY, pack_position(held, value)) for held, value in zip(kept, values, strict=True)]
    assert list(unpack_positions(parts, BLOCKS.decode)) == kept


@pytest.mark.parametrize(
    "key",
    [
        key_of("position", "ohio", "mitchell", "fly_ash", "demand"),
        key_of("position", "iowa", "mitchell", "fly_ash", "supply"),
    ],
)
def test_a_part_under_the_key_of_another_series_is_refused(key: bytes) -> None:
    with pytest.raises(UnreadablePart, match="holds the position of") as refused:
        MarketState.restore(CATALOGUE, [(key, PART)], BLOCKS.decode)
    assert refused.value.key == key


@pytest.mark.parametrize("end", [*range(60), len(PART) - 1])
def test_a_part_that_was_cut_is_refused_with_its_key(end: int) -> None:
    with pytest.raises(UnreadablePart) as refused:
        MarketState.restore(CATALOGUE, [(KEY, PART[:end])], BLOCKS.decode)
    assert refused.value.key == KEY


def test_a_part_with_another_event_is_refused() -> None:
    tick = Tick(programme="ohio", time=MARCH, state=ReplayState.RUNNING, speed=1.0)
    part = pack_position(Held(ASH, AT, 7, 5), CODEC.encode(tick))
    with pytest.raises(UnreadablePart, match="holds no position"):
        MarketState.restore(CATALOGUE, [(KEY, part)], BLOCKS.decode)


def test_a_part_of_the_earlier_format_is_read() -> None:
    held = Held(ASH, AT, 7, 5)
    (programme,) = restored_programmes([(KEY, pack(held))], BLOCKS.decode)
    assert programme.positions == {series_of(ASH): held}
