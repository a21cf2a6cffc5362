"""Answers commands on matches: every command gets one outcome, the same id the same outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from schemas.events import Command, Coordinates, Match, MatchState, Outcome, Reason
from synergy.catalogue import Catalogue
from synergy.market.lifecycle import Action, allowed, following
from synergy.market.picture import silence
from synergy.market.programme import Programme
from synergy.market.reasons import Code, Refusal
from synergy.market.series import need_series, pair_of, supply_series


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, and the match as it is after an accepted command."""

    outcome: Outcome
    match: Match | None = None


def answer(programme: Programme, command: Command, at: Coordinates, catalogue: Catalogue) -> Answer:
    """Return the answer to a command; nothing is changed."""
    match = _subject(programme, command)
    if command.action not in set(Action):
        return _refusal(command, at, Refusal.UNKNOWN_ACTION, match)
    if match is None:
        return _refusal(command, at, Refusal.UNKNOWN_MATCH, None)
    action = Action(command.action)
    refusal = _refused(match, command, action)
    if refusal is not None:
        return _refusal(command, at, refusal, match)
    state = following(match.state, action, command.side)
    if state is None:
        return _refusal(command, at, Refusal.NOT_ALLOWED, match)
    if action is Action.ACCEPT and _suspended(programme, match, catalogue):
        return _refusal(command, at, Refusal.SUSPENDED, match)
    time = programme.head.time
    changed = replace(
        match,
        state=state,
        revision=match.revision + 1,
        reasons=match.reasons if action is Action.ACCEPT else (_by_person(command),),
        programme_time=match.programme_time if time is None else time,
    )
    outcome = Outcome(
        command=command.id,
        programme=command.programme,
        accepted=True,
        subject=command.subject,
        revision=changed.revision,
        allowed=allowed(state, None),
        coordinates=at,
    )
    return Answer(outcome, changed)


def _subject(programme: Programme, command: Command) -> Match | None:
    try:
        return programme.matches.get(UUID(command.subject))
    except ValueError:
        return None


def _refused(match: Match, command: Command, action: Action) -> Refusal | None:
    if command.revision is None:
        return Refusal.REVISION_MISSING
    if command.revision != match.revision:
        return Refusal.OUTDATED
    if action is not Action.WITHDRAW and command.side is None:
        return Refusal.SIDE_MISSING
    if action is Action.DECLINE and not command.reason:
        return Refusal.REASON_MISSING
    if command.quantity not in {None, match.quantity_per_day}:
        return Refusal.QUANTITY_DIFFERS
    return None


def _suspended(programme: Programme, match: Match, catalogue: Catalogue) -> bool:
    """Whether a side gives or takes nothing now: the next solve will say so of a proposal."""
    time, pair = programme.head.time, pair_of(match)
    for series in (supply_series(pair), need_series(pair)):
        held = programme.positions.get(series)
        facts = programme.facts.get(series.facility)
        if held is None or time is None or silence(held, facts, catalogue, time) is not None:
            return True
    return False


def _by_person(command: Command) -> Reason:
    subject = command.side.value if command.side is not None else command.actor
    return Reason(code=Code.BY_PERSON, subject=subject, text=command.reason)


def _refusal(command: Command, at: Coordinates, refusal: Refusal, match: Match | None) -> Answer:
    if refusal is Refusal.UNKNOWN_ACTION:
        possible = tuple(sorted(action.value for action in Action))
    else:
        possible = () if match is None else allowed(match.state, command.side)
    outcome = Outcome(
        command=command.id,
        programme=command.programme,
        accepted=False,
        reason=refusal.value,
        allowed=possible,
        subject=command.subject,
        revision=match.revision if match is not None else None,
        coordinates=at,
    )
    return Answer(outcome)


def by_person(state: MatchState) -> bool:
    """Whether a person put a match into this state so that it must not come back unchanged."""
    return state in {MatchState.DECLINED, MatchState.WITHDRAWN}
