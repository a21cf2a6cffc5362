"""What is known now, in memory, folded from the topics: the latest version of everything that a screen shows.

Bounded: one entry for each thing that exists, and the last so many closed matches, outcomes and rejections.
One thread, the event loop's, owns it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from schemas.events import (
    Alert,
    AlertState,
    Direction,
    Event,
    FacilityFacts,
    Match,
    MatchState,
    Outcome,
    Position,
    Rejected,
    Tick,
    Transaction,
    Unmatched,
)
from synergy.lifecycle.history import History

OPEN_STATES = frozenset(
    {
        MatchState.PROPOSED,
        MatchState.ACCEPTED_BY_GIVER,
        MatchState.ACCEPTED_BY_RECEIVER,
        MatchState.AGREED,
    }
)
_KEPT_CLOSED = 5_000
_KEPT_CLEARED = 5_000
_KEPT_OUTCOMES = 10_000
_KEPT_REJECTIONS = 1_000
SeriesName = tuple[str, str, str, Direction]
"""Programme, facility, material and direction: a facility that moves has series in two programmes for a moment."""


@dataclass(slots=True)
class Views:
    """The latest of each thing. `version` rises with every event taken."""

    version: int = 0
    programmes: dict[str, Tick] = field(default_factory=dict[str, Tick])
    facilities: dict[str, FacilityFacts] = field(default_factory=dict[str, FacilityFacts])
    positions: dict[SeriesName, Position] = field(default_factory=dict[SeriesName, Position])
    matches: dict[UUID, Match] = field(default_factory=dict[UUID, Match])
    unmatched: dict[SeriesName, Unmatched] = field(default_factory=dict[SeriesName, Unmatched])
    alerts: dict[UUID, Alert] = field(default_factory=dict[UUID, Alert])
    outcomes: OrderedDict[UUID, Outcome] = field(default_factory=OrderedDict[UUID, Outcome])
    rejected: deque[Rejected] = field(
        default_factory=lambda: deque[Rejected](maxlen=_KEPT_REJECTIONS)
    )
    rejections: int = 0
    history: History = field(default_factory=History)
    _closed: OrderedDict[UUID, None] = field(default_factory=OrderedDict[UUID, None])
    _cleared: deque[UUID] = field(default_factory=deque[UUID])
    _enrolled: dict[str, dict[str, FacilityFacts]] = field(
        default_factory=dict[str, dict[str, FacilityFacts]]
    )
    _left: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _changed: int = 0
    _ordered: list[Match] = field(default_factory=list[Match])
    _ordered_at: int = -1

    def take(self, event: Event) -> None:
        """Fold one event in."""
        self.version += 1
        match event:
            case Position():
                if not self._has_left(event):
                    self.positions[series_name(event)] = event
            case FacilityFacts():
                self._take_facts(event)
            case Match():
                self._take_match(event)
            case Transaction():
                self.history.take_transaction(event)
                self._changed += 1
            case Unmatched():
                self._take_unmatched(event)
            case Tick():
                self._take_tick(event)
            case Outcome():
                self.outcomes[event.command] = event
                if len(self.outcomes) > _KEPT_OUTCOMES:
                    self.outcomes.popitem(last=False)
            case Alert():
                self._take_alert(event)
            case Rejected():
                self.rejected.append(event)
                self.rejections += 1
            case _:
                pass

    def programme_of(self, subject: UUID) -> str | None:
        """Return the programme of a match, agreement, delivery or alert, if it is known."""
        found = self.matches.get(subject) or self.alerts.get(subject) or self.history.find(subject)
        return None if found is None else found.programme

    def _take_match(self, match: Match) -> None:
        self._changed += 1
        self.history.take_match(match)
        self.matches[match.id] = match
        self._closed.pop(match.id, None)
        if match.state not in OPEN_STATES:
            self._closed[match.id] = None
            if len(self._closed) > _KEPT_CLOSED:
                del self.matches[self._closed.popitem(last=False)[0]]

    def _take_alert(self, alert: Alert) -> None:
        """Keep alerts in the order in which they were raised: one that is raised again after its end is new."""
        known = self.alerts.get(alert.id)
        if alert.state is AlertState.RAISED and (
            known is None or known.state is AlertState.CLEARED
        ):
            self.alerts.pop(alert.id, None)
        self.alerts[alert.id] = alert
        if alert.state is AlertState.CLEARED:
            self._cleared.append(alert.id)
            if len(self._cleared) > _KEPT_CLEARED:
                self._forget_alert(self._cleared.popleft())

    def _forget_alert(self, name: UUID) -> None:
        """Forget an alert that is over; one that was raised again since stays."""
        if (found := self.alerts.get(name)) is not None and found.state is AlertState.CLEARED:
            del self.alerts[name]

    def _take_facts(self, facts: FacilityFacts) -> None:
        """Keep what each programme says of a facility: the order of two programmes' partitions is not known."""
        said = self._enrolled.setdefault(facts.facility, {})
        said.pop(facts.programme, None)
        if facts.removed:
            self._left.add((facts.programme, facts.facility))
            self._forget_series(facts)
        else:
            self._left.discard((facts.programme, facts.facility))
            said[facts.programme] = facts
        if said:
            self.facilities[facts.facility] = list(said.values())[-1]
        else:
            self.facilities.pop(facts.facility, None)

    def _forget_series(self, facts: FacilityFacts) -> None:
        place = (facts.programme, facts.facility)
        for name in [name for name in self.positions if name[:2] == place]:
            del self.positions[name]
        for name in [name for name in self.unmatched if name[:2] == place]:
            del self.unmatched[name]

    def _has_left(self, event: Position | Unmatched) -> bool:
        """Whether the facility has left the programme: the ledger still has the last that was said of it."""
        return (event.programme, event.facility) in self._left

    def _take_unmatched(self, event: Unmatched) -> None:
        if event.resolved or self._has_left(event):
            self.unmatched.pop(series_name(event), None)
        else:
            self.unmatched[series_name(event)] = event

    def _take_tick(self, tick: Tick) -> None:
        known = self.programmes.get(tick.programme)
        if known is None or known.chapter != tick.chapter or known.time <= tick.time:
            self.programmes[tick.programme] = tick

    def open_matches(self) -> list[Match]:
        """Return the matches that people can still act on, best first."""
        if self._ordered_at != self._changed:
            self._ordered = sorted(self.matches_open(), key=_worth_first)
            self._ordered_at = self._changed
        return self._ordered

    def matches_open(self) -> Iterator[Match]:
        """Yield the same in no order; only what is agreed can have an agreement that is over."""
        return (
            match
            for match in self.matches.values()
            if match.state in OPEN_STATES
            if match.state is not MatchState.AGREED or not self.history.is_over(match)
        )


def _worth_first(match: Match) -> tuple[float, UUID]:
    return -float(match.gain_giver + match.gain_receiver), match.id


def series_name(event: Position | Unmatched) -> SeriesName:
    """Return the name by which the views know a series."""
    return event.programme, event.facility, event.material, event.direction
