"""Folds what a market published, and the inputs that this rests on, into its state. Nothing is solved or published.

What is folded is told apart from what is still to be applied by what was published: a position that a match cites, a
command with an outcome, a tick at whose time something was said were applied, in one transaction with what they led to.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final
from uuid import UUID

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
from schemas.identity import series_key
from synergy.catalogue import Catalogue
from synergy.lifecycle.agreement_states import AgreementState
from synergy.market.alert_commands import awake
from synergy.market.inputs import head_after, take_position
from synergy.market.passing import is_new_day
from synergy.market.policy import Policy
from synergy.market.programme import Handled, Head, Programme
from synergy.market.propose import counted
from synergy.market.reasons import Code
from synergy.market.series import Pair, Received, Series, need_series, pair_of, supply_series
from synergy.market.state import MICROSECOND, MarketState
from synergy.market.told_alerts import ANSWERED, OWN, after_told

MILLISECOND: Final = timedelta(milliseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Published = Match | Unmatched | Transaction | Outcome


class _Life:
    """One programme while it is folded: when it spoke last, and the last proposal of each pair."""

    def __init__(self, name: str) -> None:
        self.programme = Programme(name)
        self.spoke: dict[type[Published], datetime] = {}
        self.spoke_ms = 0
        self.proposed: dict[Pair, UUID] = {}


class Fold:
    """Takes records in, each topic in its order: matches, transactions, outcomes and alerts, then inputs."""

    def __init__(self, catalogue: Catalogue, policy: Policy = Policy()) -> None:  # noqa: B008 - frozen
        self._catalogue = catalogue
        self._policy = policy
        self._lives: dict[str, _Life] = {}
        self._answered: set[UUID] = set()
        self._unanswered: dict[UUID, int] = {}
        self._newest_us = 0

    def _life(self, name: str) -> _Life:
        return self._lives.setdefault(name, _Life(name))

    def take_match(self, match: Match, at_ms: int) -> None:
        """Take in what was said of a match, at a time of the log in milliseconds.

        With a new day matches are forgotten that were closed long before, as they were then. What is read after all
        matches can't tell that: time may have gone back to an earlier chapter in between.
        """
        life = self._life(match.programme)
        programme, pair = life.programme, pair_of(match)
        before = life.spoke.get(Match)
        if before is not None and is_new_day(before, match.programme_time):
            programme.forget_closed(_midnight(match.programme_time) - self._policy.closed_for)
        self._spoke(life, match, at_ms)
        if match.revision == 1:
            programme.set_memory(pair, counted(programme.pairs.get(pair)))
            life.proposed[pair] = match.id
        programme.set_match(match)
        if match.reasons and match.reasons[0].code == Code.BY_PERSON:
            programme.refused(match)

    def take_unmatched(self, statement: Unmatched, at_ms: int) -> None:
        """Take in what was said of a series without a match."""
        life = self._life(statement.programme)
        self._spoke(life, statement, at_ms)
        life.programme.set_unmatched(statement)

    def _spoke(self, life: _Life, event: Match | Unmatched | Transaction, at_ms: int) -> None:
        """Note when a programme spoke."""
        life.spoke[type(event)] = event.programme_time
        life.spoke_ms = max(life.spoke_ms, at_ms)

    def take_transaction(self, event: Transaction, at_ms: int) -> None:
        """Take an event of an agreement or delivery in, after all matches.

        A cancelled agreement is a refusal until its pair is proposed anew, which it is not before.
        """
        life = self._life(event.programme)
        self._spoke(life, event, at_ms)
        life.programme.take_transaction(event)
        match = life.programme.matches.get(event.match)
        cancelled = event.delivery is None and event.state == AgreementState.CANCELLED
        if cancelled and match is not None and life.proposed[pair_of(match)] == match.id:
            life.programme.refused(match)

    def take_outcome(self, outcome: Outcome, at_ms: int) -> None:
        """Take an answer in; one that was repeated is still of the time when it was given."""
        handled = self._life(outcome.programme).programme.handled
        known = handled.get(outcome.command)
        at_us = at_ms * 1_000
        self._answered.add(outcome.command)
        self._newest_us = max(self._newest_us, at_us)
        if known is None or known.outcome != outcome:
            handled.pop(outcome.command, None)
            self._life(outcome.programme).programme.set_handled(Handled(outcome, at_us))

    def take_alert(self, alert: Alert, offset: int) -> None:
        """Take an alert in: the last word counts, but what others raise again leaves an answer as it is."""
        programme = self._life(alert.programme).programme
        known = programme.alerts.get(alert.id)
        own = alert.rule in OWN or alert.state in ANSWERED
        if own or (known is not None and alert == awake(known)):
            programme.set_alert(alert)
        elif answer := after_told(programme, alert):
            programme.set_alert(answer)
            self._unanswered.setdefault(alert.id, offset)
            return
        self._unanswered.pop(alert.id, None)

    def unanswered(self) -> Iterable[int]:
        """Return where alerts were raised again to which the market has not said yet that somebody looks after them."""
        return self._unanswered.values()

    def cited(self) -> frozenset[tuple[int, bytes]]:
        """Return offset and key of the positions that the matches cite."""
        return frozenset(
            (at.offset, series_key(series.facility, series.material, series.direction))
            for life in self._lives.values()
            for match in life.programme.matches.values()
            for at, series in _positions_of(match)
        )

    def has_answered(self, command: Command) -> bool:
        """Whether a command has an outcome."""
        return command.id in self._answered

    def has_spoken_at(self, tick: Tick) -> bool:
        """Whether the last that was said of a kind was said at the time of a tick."""
        return tick.time in self._life(tick.programme).spoke.values()

    def take_tick(self, tick: Tick) -> None:
        """Take in a tick that was applied."""
        programme = self._life(tick.programme).programme
        programme.set_head(head_after(programme.head, tick))

    def take_position(self, received: Received) -> None:
        """Take in a position that was applied."""
        programme = self._life(received.position.programme).programme
        take_position(programme, received, self._catalogue, self._policy.deadband)

    def take_facts(self, facts: FacilityFacts) -> None:
        """Take in facts that were applied."""
        programme = self._life(facts.programme).programme
        if programme.facts.get(facts.facility) != facts:
            programme.set_facts(facts)

    def state(self) -> MarketState:
        """Return the state; all of it is in its first parts."""
        for life in self._lives.values():
            self._forget(life)
            programme = life.programme
            programme.changed = {
                key: value for key, value in programme.changed.items() if value is not None
            }
        programmes = (life.programme for life in self._lives.values())
        return MarketState(self._catalogue, self._policy, programmes)

    def _forget(self, life: _Life) -> None:
        """Set the time where no tick is left to tell it, and forget what was over long before this day."""
        programme, policy = life.programme, self._policy
        if programme.head.time is None and life.spoke:
            programme.set_head(self._without_ticks(life))
        if programme.head.time is not None:
            day = _midnight(programme.head.time)
            programme.forget_closed(day - policy.closed_for)
            programme.forget_settled(day - policy.amended_for)
        programme.forget_handled(self._newest_us - policy.handled_for // MICROSECOND)

    def _without_ticks(self, life: _Life) -> Head:
        """Return the head at the last that was said: the clock moves it if it was said by the clock."""
        last = max(life.spoke.values())
        live = last > EPOCH + life.spoke_ms * MILLISECOND - self._policy.live_within
        return Head(time=last, ticked=not live)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time.min, tzinfo=UTC)


def _positions_of(match: Match) -> tuple[tuple[Coordinates, Series], ...]:
    pair = pair_of(match)
    return (
        (match.supply_position, supply_series(pair)),
        (match.need_position, need_series(pair)),
    )
