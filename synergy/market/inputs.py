"""What an input changes in its programme, whether it is applied now or folded later."""

from __future__ import annotations

from dataclasses import replace

from schemas.events import Position, ReplayState, Tick
from synergy.catalogue import Catalogue
from synergy.market.programme import Head, Programme
from synergy.market.series import Held, Received, offered, series_of


def take_position(
    programme: Programme, received: Received, catalogue: Catalogue, deadband: float
) -> bool:
    """Take a position in; return whether it changed beyond the deadband, so that its market is to be solved."""
    position = received.position
    series, market = series_of(position), catalogue.market_of(position.material)
    before = programme.positions.get(series)
    one_sided = programme.is_one_sided(market, series, catalogue.market_of)
    if before is None or _material(before, position, deadband, one_sided=one_sided):
        quantity, firm, changed = offered(position), position.firm_per_day, True
    else:
        quantity, firm, changed = before.solved_quantity, before.solved_firm, False
    programme.set_position(series, Held(position, received.at, quantity, firm), received.value)
    return changed


def _material(before: Held, after: Position, deadband: float, *, one_sided: bool) -> bool:
    """Whether a change can matter to the plan: in a market without a counterpart no quantity can."""
    old = before.position
    if (old.stale, old.unit, old.data_kind, old.flags, old.properties) != (
        *(after.stale, after.unit, after.data_kind, after.flags, after.properties),
    ):
        return True
    quantity, firm = offered(after), after.firm_per_day
    if (quantity == 0) != (before.solved_quantity == 0):
        return True
    band = deadband * max(quantity, before.solved_quantity)
    beyond = abs(quantity - before.solved_quantity) > band or abs(firm - before.solved_firm) > band
    return beyond and not one_sided


def head_after(head: Head, tick: Tick) -> Head:
    """Return the head after a tick of a replay: its time never runs backwards within a chapter."""
    jumped = head.chapter != tick.chapter
    later = head.time is None or not head.ticked or jumped or tick.time > head.time
    return replace(
        head,
        time=tick.time if later else head.time,
        ticked=True,
        ended=tick.state is ReplayState.ENDED,
        chapter=tick.chapter,
    )
