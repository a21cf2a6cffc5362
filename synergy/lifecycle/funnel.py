"""The funnel: how many offers and needs became proposals, agreements and deliveries, and where the others ended.

A stage counts everything that ever reached it, so that a later stage is a part of an earlier one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.events import Direction, MatchState, Position
from synergy.lifecycle.delivery_states import TAKEN, DeliveryState
from synergy.lifecycle.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """Counts. Offers and needs are series; `completed`, `received_in_part` and `refused` are deliveries.

    A refused load that is settled is `refused`, not `completed`.
    """

    offers: int
    needs: int
    proposed: int
    accepted_one_side: int
    agreed: int
    running: int
    completed: int
    received_in_part: int
    refused: int
    declined: int
    withdrawn: int
    expired: int
    declined_reasons: Mapping[str, int]


def funnel(history: History, positions: Iterable[Position], programme: str | None = None) -> Funnel:
    """Return the funnel of one programme, or of all together.

    Args:
        history: the fold of what was published.
        positions: the latest position of every series.
        programme: None counts every programme.
    """

    def within(name: str) -> bool:
        return programme is None or name == programme

    directions = Counter(item.direction for item in positions if within(item.programme))
    fates = {match: fate for match, fate in history.fates.items() if within(fate.programme)}
    states = Counter(fate.state for fate in fates.values())
    agreements = [item for item in history.agreements.values() if within(item.programme)]
    deliveries = [item for item in history.deliveries.values() if within(item.programme)]
    receipts = Counter(item.receipt for item in deliveries)
    return Funnel(
        offers=directions[Direction.SUPPLY],
        needs=directions[Direction.DEMAND],
        proposed=len(fates),
        accepted_one_side=len(history.accepted & fates.keys()),
        agreed=len(agreements),
        running=sum(agreement.deliveries > 0 for agreement in agreements),
        completed=sum(
            item.state is DeliveryState.COMPLETED and item.receipt in TAKEN for item in deliveries
        ),
        received_in_part=receipts[DeliveryState.RECEIVED_IN_PART],
        refused=receipts[DeliveryState.REFUSED],
        declined=states[MatchState.DECLINED],
        withdrawn=states[MatchState.WITHDRAWN],
        expired=states[MatchState.EXPIRED],
        declined_reasons=dict(Counter(fate.why for fate in fates.values() if fate.why is not None)),
    )
