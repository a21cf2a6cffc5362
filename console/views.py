"""What is known now, in memory, folded from the topics: the latest version of everything that a screen shows.

Bounded: one entry for each thing that exists, and the last so many outcomes and rejections. One thread, the event
loop's, owns it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from schemas.events import (
    Alert,
    Coordinates,
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
_KEPT_OUTCOMES = 10_000
_KEPT_REJECTIONS = 1_000
SeriesName = tuple[str, str, Direction]


@dataclass(frozen=True, slots=True)
class Seen:
    """One event and where it was read."""

    event: Event
    at: Coordinates


@dataclass(slots=True)
class Views:
    """The latest of each thing. `version` rises with every event taken."""

    version: int = 0
    programmes: dict[str, Tick] = field(default_factory=dict[str, Tick])
    facilities: dict[str, FacilityFacts] = field(default_factory=dict[str, FacilityFacts])
    positions: dict[SeriesName, Position] = field(default_factory=dict[SeriesName, Position])
    unmatched: dict[SeriesName, Unmatched] = field(default_factory=dict[SeriesName, Unmatched])
    alerts: dict[UUID, Alert] = field(default_factory=dict[UUID, Alert])
    outcomes: OrderedDict[UUID, Outcome] = field(default_factory=OrderedDict[UUID, Outcome])
    rejected: deque[Rejected] = field(
        default_factory=lambda: deque[Rejected](maxlen=_KEPT_REJECTIONS)
    )
    rejections: int = 0
    history: History = field(default_factory=History)

    def take(self, event: Event) -> None:
        """Fold one event in."""
        self.version += 1
        match event:
            case Position():
                self.positions[event.facility, event.material, event.direction] = event
            case FacilityFacts():
                self._take_facts(event)
            case Match():
                self.history.take_match(event)
            case Transaction():
                self.history.take_transaction(event)
            case Unmatched():
                self._take_unmatched(event)
            case Tick():
                self._take_tick(event)
            case Outcome():
                self.outcomes[event.command] = event
                if len(self.outcomes) > _KEPT_OUTCOMES:
                    self.outcomes.popitem(last=False)
            case Alert():
                self.alerts[event.id] = event
            case Rejected():
                self.rejected.append(event)
                self.rejections += 1
            case _:
                pass

    @property
    def matches(self) -> Mapping[UUID, Match]:
        """The latest version of every match."""
        return self.history.matches

    def programme_of(self, subject: UUID) -> str | None:
        """Return the programme of a match, agreement, delivery or alert, if it is known."""
        history = self.history
        found = history.matches.get(subject) or self.alerts.get(subject) or history.find(subject)
        return None if found is None else found.programme

    def _take_facts(self, facts: FacilityFacts) -> None:
        if not facts.removed:
            self.facilities[facts.facility] = facts
        elif (known := self.facilities.get(facts.facility)) and known.programme == facts.programme:
            del self.facilities[facts.facility]

    def _take_unmatched(self, event: Unmatched) -> None:
        name = (event.facility, event.material, event.direction)
        if event.resolved:
            self.unmatched.pop(name, None)
        else:
            self.unmatched[name] = event

    def _take_tick(self, tick: Tick) -> None:
        known = self.programmes.get(tick.programme)
        if known is None or known.chapter != tick.chapter or known.time <= tick.time:
            self.programmes[tick.programme] = tick

    def open_matches(self) -> list[Match]:
        """Return the matches that people can still act on, best first."""
        found = [
            match
            for match in self.matches.values()
            if match.state in OPEN_STATES and not self.history.is_over(match)
        ]
        return sorted(found, key=lambda m: (-(m.gain_giver + m.gain_receiver), str(m.id)))

    def of_programme(self, events: Iterable[Event], programme: str | None) -> list[Event]:
        """Return the events of one programme, or all."""
        return [
            e for e in events if programme is None or getattr(e, "programme", None) == programme
        ]
