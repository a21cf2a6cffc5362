"""The durable state of one programme: the fold of what it published and its inputs.

Every change goes through a method that also names the changelog part it touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from schemas.events import (
    Alert,
    AlertState,
    Direction,
    FacilityFacts,
    Match,
    Outcome,
    Transaction,
    Unmatched,
)
from synergy.lifecycle.agreement_states import OVER
from synergy.lifecycle.delivery_states import DELIVERIES, OPEN
from synergy.lifecycle.match_states import CLOSED
from synergy.lifecycle.transactions import (
    Agreement,
    Delivery,
    agreement_after,
    delivery_after,
)
from synergy.market.part_keys import key_of, pair_names, series_names
from synergy.market.parts import pack
from synergy.market.position_parts import pack_position
from synergy.market.series import Held, Pair, PairMemory, Series, pair_of, series_of

SETTLED: Final = DELIVERIES.closed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a programme has once: its time, whether ticks move it, and the markets to solve."""

    time: datetime | None = None
    ticked: bool = False
    ended: bool = False
    chapter: str | None = None
    dirty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """A pair and what is remembered of it, as a part."""

    pair: Pair
    memory: PairMemory


@dataclass(frozen=True, slots=True)
class Handled:
    """The outcome of a command and when it was given by the clock, in microseconds."""

    outcome: Outcome
    at_us: int


@dataclass(slots=True)
class Programme:
    """One programme's fold.

    `versions` count the marks of each market and `tokens` its lifecycle changes by people, so that
    a result can be told from an outdated one; both matter only while a job runs. `changed` are the
    parts to be written at the next commit: bytes, or values to be packed then.
    """

    name: str
    head: Head = Head()
    facts: dict[str, FacilityFacts] = field(default_factory=dict[str, FacilityFacts])
    positions: dict[Series, Held] = field(default_factory=dict[Series, Held])
    matches: dict[UUID, Match] = field(default_factory=dict[UUID, Match])
    pairs: dict[Pair, PairMemory] = field(default_factory=dict[Pair, PairMemory])
    unmatched: dict[Series, Unmatched] = field(default_factory=dict[Series, Unmatched])
    handled: dict[UUID, Handled] = field(default_factory=dict[UUID, Handled])
    alerts: dict[UUID, Alert] = field(default_factory=dict[UUID, Alert])
    agreements: dict[UUID, Agreement] = field(default_factory=dict[UUID, Agreement])
    deliveries: dict[UUID, Delivery] = field(default_factory=dict[UUID, Delivery])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    tokens: dict[str, int] = field(default_factory=dict[str, int])
    changed: dict[bytes, object | None] = field(default_factory=dict[bytes, object | None])
    sides: dict[str, set[Direction]] = field(default_factory=dict[str, "set[Direction]"])

    def _touch(self, value: object | None, kind: str, *names: str) -> None:
        """Note the new value of a part; None deletes it. Values are frozen: no copy is needed."""
        self.changed[key_of(kind, self.name, *names)] = value

    def set_head(self, head: Head) -> None:
        """Replace the head; nothing is written when it is the same."""
        if head != self.head:
            self.head = head
            self._touch(head, "head")

    def set_time(self, time: datetime) -> None:
        """Move the time of a live programme; only a new day is worth a changelog part."""
        if self.head.time is None or time.date() > self.head.time.date():
            self.set_head(replace(self.head, time=time))
        elif time > self.head.time:
            self.head = replace(self.head, time=time)

    def mark(self, market: str) -> None:
        """Mark a market to be solved; the oldest mark is solved first."""
        self.versions[market] = self.versions.get(market, 0) + 1
        if market not in self.head.dirty:
            self.set_head(replace(self.head, dirty=(*self.head.dirty, market)))

    def solved(self, market: str, version: int) -> None:
        """Take the mark of a solved market away, or put it last when it was marked again since."""
        dirty = tuple(name for name in self.head.dirty if name != market)
        again = self.versions.get(market, 0) != version
        self.set_head(replace(self.head, dirty=(*dirty, market) if again else dirty))

    def postpone(self, market: str) -> None:
        """Put a market that has still to be solved last."""
        others = tuple(name for name in self.head.dirty if name != market)
        self.set_head(replace(self.head, dirty=(*others, market)))

    def rename_dirty(self, market_of: Callable[[str], str]) -> None:
        """Give the dirty markets the names that the present catalogue has for them."""
        self.head = replace(self.head, dirty=tuple(dict.fromkeys(map(market_of, self.head.dirty))))

    def set_facts(self, facts: FacilityFacts) -> None:
        """Take facts in, or forget a facility and its positions when it has left."""
        self._touch(None if facts.removed else facts, "facts", facts.facility)
        if not facts.removed:
            self.facts[facts.facility] = facts
            return
        self.facts.pop(facts.facility, None)
        for series in [item for item in self.positions if item.facility == facts.facility]:
            del self.positions[series]
            self._touch(None, "position", *series_names(series))

    def set_position(self, series: Series, held: Held, value: bytes) -> None:
        """Replace the position of a series, which was received as `value`."""
        self.positions[series] = held
        self._touch(pack_position(held, value), "position", *series_names(series))

    def is_one_sided(self, market: str, series: Series, market_of: Callable[[str], str]) -> bool:
        """Whether a market has only supplies, or only needs, `series` included.

        Sides are remembered and never forgotten: a market that lost one is solved once too often, which is harmless.
        """
        sides = self.sides.get(market)
        if sides is None:
            known = (one for one in self.positions if market_of(one.material) == market)
            sides = self.sides[market] = {one.direction for one in known}
        sides.add(series.direction)
        return len(sides) == 1

    def set_match(self, match: Match) -> None:
        """Take a new version of a match in."""
        self.matches[match.id] = match
        self._touch(match, "match", match.id.hex)

    def set_memory(self, pair: Pair, memory: PairMemory) -> None:
        """Remember something of a pair."""
        self.pairs[pair] = memory
        self._touch(Remembered(pair, memory), "pair", *pair_names(pair))

    def set_unmatched(self, statement: Unmatched) -> None:
        """Remember what was said about a series without a match; nothing once it is resolved."""
        series = series_of(statement)
        names = series_names(series)
        if statement.resolved:
            self.unmatched.pop(series, None)
        else:
            self.unmatched[series] = statement
        self._touch(None if statement.resolved else statement, "unmatched", *names)

    def set_alert(self, alert: Alert) -> None:
        """Remember a raised alert; forget a cleared one."""
        cleared = alert.state is AlertState.CLEARED
        if cleared:
            self.alerts.pop(alert.id, None)
        else:
            self.alerts[alert.id] = alert
        self._touch(None if cleared else alert, "alert", alert.id.hex)

    def set_handled(self, handled: Handled) -> None:
        """Remember the outcome of a command."""
        self.handled[handled.outcome.command] = handled
        self._touch(handled, "handled", handled.outcome.command.hex)

    def take_transaction(self, event: Transaction) -> None:
        """Fold an event of an agreement or of a delivery under it."""
        if event.delivery is None:
            self._set_agreement(agreement_after(self.agreements.get(event.agreement), event))
            return
        known = self.deliveries.get(event.delivery)
        delivery = delivery_after(known, event)
        self.deliveries[delivery.id] = delivery
        self._touch(delivery, "delivery", delivery.id.hex)
        if known is None:
            agreement = self.agreements[event.agreement]
            self._set_agreement(replace(agreement, deliveries=agreement.deliveries + 1))

    def _set_agreement(self, agreement: Agreement) -> None:
        self.agreements[agreement.id] = agreement
        self._touch(agreement, "agreement", agreement.id.hex)

    def under_way(self, agreement: UUID) -> bool:
        """Whether a delivery of an agreement is open."""
        return any(
            delivery.agreement == agreement and delivery.state in OPEN
            for delivery in self.deliveries.values()
        )

    def has_transaction(self, subject: UUID) -> bool:
        """Whether an id is that of an agreement or delivery."""
        return subject in self.agreements or subject in self.deliveries

    def revision_of(self, subject: UUID) -> int | None:
        """Return the present revision of an agreement or delivery."""
        found = self.deliveries.get(subject) or self.agreements.get(subject)
        return None if found is None else found.revision

    def refused(self, match: Match) -> None:
        """Remember the conditions under which a match was refused by a person."""
        pair = pair_of(match)
        memory = self.pairs.get(pair, PairMemory())
        self.set_memory(
            pair,
            replace(
                memory, declined_quantity=match.quantity_per_day, declined_verdict=match.verdict
            ),
        )

    def forget_closed(self, before: datetime) -> None:
        """Forget matches that were closed before a time of the programme."""
        for match in list(self.matches.values()):
            if match.state in CLOSED and match.programme_time < before:
                del self.matches[match.id]
                self._touch(None, "match", match.id.hex)

    def forget_settled(self, before: datetime) -> None:
        """Forget agreements that were over before a time with all their deliveries, and deliveries that were closed."""
        for agreement in list(self.agreements.values()):
            if agreement.state in OVER and agreement.programme_time < before:
                del self.agreements[agreement.id]
                self._touch(None, "agreement", agreement.id.hex)
                self.matches.pop(agreement.match, None)
                self._touch(None, "match", agreement.match.hex)
        for delivery in list(self.deliveries.values()):
            closed = delivery.state in SETTLED and delivery.programme_time < before
            if closed or delivery.agreement not in self.agreements:
                del self.deliveries[delivery.id]
                self._touch(None, "delivery", delivery.id.hex)

    def forget_handled(self, before_us: int) -> None:
        """Forget commands that were handled before a time of the clock."""
        while self.handled:
            command, oldest = next(iter(self.handled.items()))
            if oldest.at_us >= before_us:
                return
            del self.handled[command]
            self._touch(None, "handled", command.hex)

    def take_parts(self) -> dict[bytes, bytes | None]:
        """Return the changed parts, encoded, and forget that they changed."""
        changed, self.changed = self.changed, {}
        return {key: _packed(value) for key, value in changed.items()}


def _packed(value: object | None) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else pack(value)
