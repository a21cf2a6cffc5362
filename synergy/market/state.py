"""The market's state of one partition: programmes side by side, each a fold of records.

Restoring and folding never solve and never publish. A solve is a job on a frozen picture; what it
finds comes back through `absorb`, which publishes only the difference to what was proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from schemas.events import (
    Alert,
    Command,
    Coordinates,
    FacilityFacts,
    Match,
    Outcome,
    Tick,
    Transaction,
    Unmatched,
)
from synergy.catalogue import Catalogue
from synergy.lifecycle.agreement_states import OVER, AgreementState
from synergy.lifecycle.transactions import Agreement, Delivery
from synergy.market.alert_commands import woken
from synergy.market.alerts import (
    after_closing,
    after_failure,
    after_leaving,
    after_position,
    after_solve,
    outlived,
)
from synergy.market.commands import Terms, answer, by_person, failed_command
from synergy.market.inputs import head_after, take_position
from synergy.market.passing import expired_matches, is_new_day, markets_to_review, moved
from synergy.market.picture import take_picture
from synergy.market.policy import Policy
from synergy.market.position_parts import Decode
from synergy.market.programme import Handled, Programme
from synergy.market.propose import FailedSolve, SolveResult, try_to_solve
from synergy.market.restoring import restored_programmes
from synergy.market.series import Received, series_of
from synergy.market.told_alerts import after_told, run_out

Event = Match | Unmatched | Outcome | Transaction | Alert
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class MarketState:
    """The state of one partition. Not safe for threads: only its partition's task touches it."""

    def __init__(
        self,
        catalogue: Catalogue,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        programmes: Iterable[Programme] = (),
    ) -> None:
        """Start with these programmes, none at first; what changed in them is part of the first `take_parts`."""
        self._catalogue = catalogue
        self._policy = policy
        self._programmes = {programme.name: programme for programme in programmes}
        self._events: list[Event] = []
        self._now_us = 0
        self._before: dict[str, datetime | None] = {}

    @classmethod
    def restore(
        cls,
        catalogue: Catalogue,
        parts: Iterable[tuple[bytes, bytes]],
        decode: Decode,
        policy: Policy = Policy(),  # noqa: B008 - frozen
    ) -> MarketState:
        """Fold changelog parts, in any order, into a state. Nothing is solved or published.

        Markets that waited for a solve when the parts were written still wait; no other does. `decode` reads the
        positions' values.

        Raises:
            UnreadablePart: a part of another format version, or damaged.
        """
        restored = restored_programmes(parts, decode)
        for programme in restored:
            programme.rename_dirty(catalogue.market_of)
        return cls(catalogue, policy, restored)

    def _programme(self, name: str) -> Programme:
        found = self._programmes.get(name)
        if found is None:
            found = self._programmes[name] = Programme(name)
        return found

    def apply_position(self, received: Received) -> None:
        """Take a position in; its market becomes dirty when it changed beyond the deadband."""
        position = received.position
        programme = self._programme(position.programme)
        if take_position(programme, received, self._catalogue, self._policy.deadband):
            programme.mark(self._catalogue.market_of(position.material))
        self._tell(programme, after_position(programme, series_of(position), position))

    def apply_facts(self, facts: FacilityFacts, at: Coordinates) -> None:
        """Take facts of a facility in; the markets of its series become dirty when they changed."""
        programme = self._programme(facts.programme)
        if programme.facts.get(facts.facility) == facts:
            return
        for series in programme.positions:
            if series.facility == facts.facility:
                programme.mark(self._catalogue.market_of(series.material))
        if facts.removed:
            self._tell(programme, after_leaving(programme, facts.facility))
        programme.set_facts(facts)

    def apply_command(self, command: Command, at: Coordinates) -> None:
        """Answer a command with one outcome; the same id again repeats it without effect."""
        programme = self._programme(command.programme)
        handled = programme.handled.get(command.id)
        if handled is not None:
            self._events.append(handled.outcome)
            return
        terms = Terms(self._catalogue, self._policy, EPOCH + self._now_us * MICROSECOND)
        given = answer(programme, command, at, terms)
        programme.set_handled(Handled(given.outcome, self._now_us))
        if given.match is not None:
            self._changed_state(programme, given.match)
        for event in given.transaction.events:
            self._take_transaction(programme, event)
        if given.alert is not None:
            self._tell(programme, [given.alert])
        self._events.append(given.outcome)

    def refuse_command(self, command: Command, at: Coordinates) -> None:
        """Answer a command that could not be applied: who waits for it must not wait for ever."""
        outcome = failed_command(command, at)
        self._programme(command.programme).set_handled(Handled(outcome, self._now_us))
        self._events.append(outcome)

    def apply_alert(self, alert: Alert) -> None:
        """Take an alert of another process in: what people do with it is kept here."""
        programme = self._programme(alert.programme)
        answered = after_told(programme, alert)
        if answered is not None:
            self._tell(programme, [answered])

    def _tell(self, programme: Programme, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            programme.set_alert(alert)
            self._events.append(alert)

    def _take_transaction(self, programme: Programme, event: Transaction) -> None:
        """Take an event in; an agreement that is over frees its flow, one cancelled is remembered."""
        programme.take_transaction(event)
        self._events.append(event)
        if event.delivery is not None or event.state not in OVER:
            return
        match = programme.matches[event.match]
        if event.state == AgreementState.CANCELLED:
            programme.refused(match)
        self._free(programme, match)

    def _changed_state(self, programme: Programme, match: Match) -> None:
        programme.set_match(match)
        if by_person(match.state):
            programme.refused(match)
        self._events.append(match)
        self._tell(programme, after_closing(programme, match))
        self._free(programme, match)

    def _free(self, programme: Programme, match: Match) -> None:
        """Mark the market of a match whose flow people changed: results from before don't count."""
        market = self._catalogue.market_of(match.material)
        programme.tokens[market] = programme.tokens.get(market, 0) + 1
        programme.mark(market)

    def apply_tick(self, tick: Tick) -> None:
        """Take the time of a replay programme in; it never runs backwards within a chapter."""
        programme = self._programme(tick.programme)
        head = programme.head
        programme.set_head(head_after(head, tick))
        self._passed(programme, head.time)
        if head.chapter != tick.chapter:
            self._mark_all(programme)

    def tell_time(self, now_us: int) -> None:
        """Take note of the time before anything is read: what is answered is answered now, and nothing ends by it."""
        self._now_us, now = max(self._now_us, now_us), EPOCH + now_us * MICROSECOND
        for programme, before in moved(self._programmes.values(), self._policy, now):
            self._before.setdefault(programme.name, before)
            if before is not None and is_new_day(before, now):
                self._mark_all(programme)  # what those days changed; saved with the time

    def clock(self, now_us: int) -> None:
        """Let time pass for programmes that are live, in microseconds since 1970."""
        self._now_us, now = max(self._now_us, now_us), EPOCH + now_us * MICROSECOND
        for programme, before in moved(self._programmes.values(), self._policy, now):
            self._passed(programme, self._before.pop(programme.name, before))
        for programme in self._programmes.values():
            self._tell(programme, woken(programme.alerts, now))
            self._tell(programme, run_out(programme, now))
            programme.forget_handled(self._now_us - self._policy.handled_for // MICROSECOND)

    def _passed(self, programme: Programme, before: datetime | None) -> None:
        """Let the programme's time have its effect; a first time concerns every market."""
        now = programme.head.time
        if now is None or now == before:
            return
        for match in expired_matches(programme, self._policy, now):
            self._changed_state(programme, match)
        self._tell(programme, outlived(programme, now))
        if before is None:
            self._mark_all(programme)
        elif is_new_day(before, now):
            programme.forget_closed(now - self._policy.closed_for)
            programme.forget_settled(now - self._policy.amended_for)
            for market in markets_to_review(programme, self._catalogue, before, now):
                programme.mark(market)

    def _mark_all(self, programme: Programme) -> None:
        for series in sorted(programme.positions):
            programme.mark(self._catalogue.market_of(series.material))

    def job(self) -> Callable[[], SolveResult | FailedSolve] | None:
        """Return the solve of a market, or None: programmes take turns, and in each the longest dirty one is first.

        The callable works on a frozen picture and may run in a thread; its result goes to `absorb`.
        A market stays dirty until then, so a job that never comes back is offered again.
        """
        for programme in self._programmes.values():
            for market in programme.head.dirty:
                picture = take_picture(programme, market, self._catalogue, self._policy)
                if picture is not None:
                    return partial(try_to_solve, picture, self._catalogue)
        return None

    def absorb(self, result: SolveResult | FailedSolve) -> None:
        """Publish what a solve changed, or that it failed, unless people changed the market in the meantime.

        What changed in positions or facts meanwhile keeps the market dirty: the result still holds
        for the positions that its matches cite.
        """
        name, market = result.programme, result.market
        programme = self._programmes.pop(name)
        self._programmes[name] = programme  # last: the others have their turn
        if result.token != programme.tokens.get(market, 0):
            programme.postpone(market)
            return
        programme.solved(market, result.version)
        if isinstance(result, FailedSolve):
            self._tell(programme, after_failure(programme, result))
            return
        before = {
            match.id: programme.matches[match.id]
            for match in result.matches
            if match.id in programme.matches
        }
        for match in result.matches:
            programme.set_match(match)
        for pair, memory in result.pairs.items():
            programme.set_memory(pair, memory)
        for statement in result.unmatched:
            programme.set_unmatched(statement)
        self._events += [*result.matches, *result.unmatched]
        self._tell(programme, after_solve(programme, result, before, self._catalogue))

    @property
    def changed(self) -> int:
        """How many parts changed since they were taken."""
        return sum(len(programme.changed) for programme in self._programmes.values())

    def take_events(self) -> tuple[Event, ...]:
        """Return what to publish, in order, and forget it."""
        events, self._events = tuple(self._events), []
        return events

    def take_parts(self) -> dict[bytes, bytes | None]:
        """Return the changed changelog parts, None for deleted ones, and forget the changes."""
        parts: dict[bytes, bytes | None] = {}
        for programme in self._programmes.values():
            parts |= programme.take_parts()
        return parts

    def matches(self, programme: str) -> tuple[Match, ...]:
        """Return the latest version of every match that is remembered, by id."""
        found = self._programmes.get(programme)
        return () if found is None else tuple(found.matches[key] for key in sorted(found.matches))

    def agreements(self, programme: str) -> tuple[Agreement, ...]:
        """Return every agreement that is remembered, by id."""
        found = self._programmes.get(programme)
        return () if found is None else tuple(found.agreements[k] for k in sorted(found.agreements))

    def deliveries(self, programme: str) -> tuple[Delivery, ...]:
        """Return every delivery that is remembered, by id."""
        found = self._programmes.get(programme)
        return () if found is None else tuple(found.deliveries[k] for k in sorted(found.deliveries))
