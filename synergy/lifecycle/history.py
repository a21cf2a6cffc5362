"""What became of the proposals of a programme: the fold of the matches and transactions that were published."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from schemas.events import Impact, Match, MatchState, Transaction
from synergy.lifecycle.agreement_states import OVER
from synergy.lifecycle.transactions import (
    Agreement,
    Delivery,
    agreement_after,
    agreement_id,
    delivery_after,
)

KEPT: Final = 200
"""Events that are kept of one agreement, the latest; the ledger has them all."""
_ONE_SIDE: Final = frozenset({MatchState.ACCEPTED_BY_GIVER, MatchState.ACCEPTED_BY_RECEIVER})


@dataclass(frozen=True, slots=True)
class Fate:
    """How far a match has come, and why it was declined; a few bytes, for every match that ever was."""

    programme: str
    revision: int
    state: MatchState
    why: str | None


@dataclass(slots=True)
class History:
    """The fate of each match, the latest of each agreement and delivery, and what one side has ever accepted.

    An event that was folded before changes nothing, so that a topic may be read again from an earlier offset.
    """

    fates: dict[UUID, Fate] = field(default_factory=dict[UUID, Fate])
    accepted: set[UUID] = field(default_factory=set[UUID])
    agreements: dict[UUID, Agreement] = field(default_factory=dict[UUID, Agreement])
    deliveries: dict[UUID, Delivery] = field(default_factory=dict[UUID, Delivery])
    impacts: dict[UUID, Impact] = field(default_factory=dict[UUID, Impact])
    events: dict[UUID, deque[Transaction]] = field(default_factory=dict[UUID, deque[Transaction]])

    def take_match(self, match: Match) -> None:
        """Fold one version of a match."""
        known = self.fates.get(match.id)
        if known is not None and known.revision > match.revision:
            return
        declined = match.state is MatchState.DECLINED
        why = next((one.text for one in match.reasons if one.text), "") if declined else None
        self.fates[match.id] = Fate(match.programme, match.revision, match.state, why)
        if match.state in _ONE_SIDE:
            self.accepted.add(match.id)

    def take_transaction(self, event: Transaction) -> None:
        """Fold one event of an agreement or delivery."""
        if event.delivery is None:
            known = self.agreements.get(event.agreement)
            if known is not None and known.revision >= event.revision:
                return
            self.agreements[event.agreement] = agreement_after(known, event)
        elif not self._take_delivery(event, event.delivery):
            return
        self.events.setdefault(event.agreement, deque(maxlen=KEPT)).append(event)

    def _take_delivery(self, event: Transaction, identity: UUID) -> bool:
        known = self.deliveries.get(identity)
        agreement = self.agreements.get(event.agreement)
        if agreement is None or (known is not None and known.revision >= event.revision):
            return False
        self.deliveries[identity] = delivery_after(known, event)
        if known is None:
            more = replace(agreement, deliveries=agreement.deliveries + 1)
            self.agreements[agreement.id] = more
        if event.impact is not None:
            total = self.impacts.get(agreement.id)
            self.impacts[agreement.id] = _sum(total, event.impact)
        return True

    def deliveries_of(self, agreement: UUID) -> Iterator[Delivery]:
        """Yield the deliveries of an agreement, in the order in which they began."""
        return (one for one in self.deliveries.values() if one.agreement == agreement)

    def find(self, identity: UUID) -> Agreement | None:
        """Return the agreement that has this id, or that its delivery or match belongs to."""
        delivery = self.deliveries.get(identity)
        if delivery is not None:
            return self.agreements.get(delivery.agreement)
        return self.agreements.get(identity) or self.agreements.get(agreement_id(identity))

    def is_over(self, match: Match) -> bool:
        """Whether the agreement that a match has become is ended or cancelled."""
        agreement = self.agreements.get(agreement_id(match.id))
        return agreement is not None and agreement.state in OVER


def _sum(total: Impact | None, more: Impact) -> Impact:
    """Add the impact of one more event of an agreement; all have the match's currency and price year."""
    if total is None:
        return more
    return replace(
        more,
        diverted=total.diverted + more.diverted,
        co2e_kg=round(total.co2e_kg + more.co2e_kg, 3),
        gain_giver=total.gain_giver + more.gain_giver,
        gain_receiver=total.gain_receiver + more.gain_receiver,
    )
