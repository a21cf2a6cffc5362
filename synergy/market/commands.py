"""Answers commands: every command gets one outcome, the same id the same outcome. Nothing is changed here.

What a command is about is told by its action and its subject: `decline` may answer a match or an amendment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from schemas.events import (
    Alert,
    Command,
    Coordinates,
    Match,
    MatchState,
    Outcome,
    Reason,
    Verdict,
)
from synergy.catalogue import Catalogue
from synergy.lifecycle import COMMANDS, MATCHES, ON_ALERT, ON_MATCH, Action, Refusal
from synergy.lifecycle.steps import Stepped, signed
from synergy.market.alert_commands import on_alert
from synergy.market.blocks import may_take
from synergy.market.failures import standing_of
from synergy.market.picture import silence
from synergy.market.policy import Policy
from synergy.market.programme import Programme
from synergy.market.quality import Assessment
from synergy.market.reasons import Code
from synergy.market.series import need_series, pair_of, supply_series
from synergy.market.transaction_commands import allowed_after, allowed_on, on_transaction

NOTHING = Stepped(())


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, and what an accepted command changes: a match, a transaction with its events, an alert."""

    outcome: Outcome
    match: Match | None = None
    transaction: Stepped = NOTHING
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a command is answered by besides the programme; `now` is the clock, for snoozes."""

    catalogue: Catalogue
    policy: Policy
    now: datetime


def answer(programme: Programme, command: Command, at: Coordinates, terms: Terms) -> Answer:
    """Return the answer to a command."""
    if command.action not in COMMANDS:
        possible = tuple(sorted(action.value for action in COMMANDS))
        return Answer(_refusal(command, at, Refusal.UNKNOWN_ACTION, possible))
    action, subject = Action(command.action), _subject(command)
    if action in ON_ALERT:
        return _about_alert(programme, command, at, terms.now)
    if action in ON_MATCH and not programme.has_transaction(subject):
        return _about_match(programme, command, at, terms.catalogue)
    return _about_transaction(programme, command, at, terms.policy)


def _subject(command: Command) -> UUID:
    """Return the subject's id; the zero id, which nothing has, for what is none."""
    try:
        return UUID(command.subject)
    except ValueError:
        return UUID(int=0)


def _about_match(
    programme: Programme, command: Command, at: Coordinates, catalogue: Catalogue
) -> Answer:
    match = programme.matches.get(_subject(command))
    if match is None:
        return Answer(_refusal(command, at, Refusal.UNKNOWN_MATCH, ()))
    action = Action(command.action)
    refusal = _refused(match, command, action)
    state = MATCHES.following(match.state, action, command.side)
    if refusal is None and state is None:
        refusal = Refusal.NOT_ALLOWED
    standing = None
    if refusal is None and action is Action.ACCEPT:
        found = _standing(programme, match, catalogue)
        refusal, standing = (found, None) if isinstance(found, Refusal) else (None, found)
    if refusal is not None or state is None:
        possible = MATCHES.allowed(match.state, command.side)
        outcome = _refusal(command, at, refusal or Refusal.NOT_ALLOWED, possible)
        return Answer(replace(outcome, revision=match.revision))
    changed = replace(
        match,
        state=state,
        revision=match.revision + 1,
        reasons=match.reasons if action is Action.ACCEPT else (_by_person(command),),
        programme_time=programme.head.time or match.programme_time,
    )
    if standing is not None:
        changed = replace(changed, verdict=standing.verdict, margins=standing.margins)
    outcome = _acceptance(command, at, changed.revision, MATCHES.allowed(state, None))
    if state is not MatchState.AGREED:
        return Answer(outcome, changed)
    first = signed(changed, command, changed.programme_time)
    return Answer(outcome, changed, Stepped((first,)))


def _about_transaction(
    programme: Programme, command: Command, at: Coordinates, policy: Policy
) -> Answer:
    subject = _subject(command)
    stepped = on_transaction(programme, subject, command, policy)
    if isinstance(stepped, Refusal):
        outcome = _refusal(command, at, stepped, allowed_on(programme, subject, command.side))
        return Answer(replace(outcome, revision=programme.revision_of(subject)))
    last = stepped.events[-1]
    told = replace(command, subject=str(last.delivery or last.agreement))
    possible = allowed_after(programme, last)
    return Answer(
        _acceptance(told, at, last.revision, possible), stepped.match, transaction=stepped
    )


def _about_alert(programme: Programme, command: Command, at: Coordinates, now: datetime) -> Answer:
    alert = on_alert(programme.alerts.get(_subject(command)), command, now)
    if isinstance(alert, Refusal):
        return Answer(_refusal(command, at, alert, ()))
    possible = tuple(sorted(action.value for action in ON_ALERT))
    return Answer(_acceptance(command, at, None, possible), alert=alert)


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


def _standing(
    programme: Programme, match: Match, catalogue: Catalogue
) -> Assessment | Refusal | None:
    """Return how a match that is to be accepted stands now, or why it can't be; None where its use is not known.

    After the first acceptance the solver leaves it alone, whatever becomes of the material or of a permit.
    """
    pair = pair_of(match)
    held, facts = programme.positions.get(supply_series(pair)), programme.facts.get(match.receiver)
    time = programme.head.time
    if _suspended(programme, match, catalogue) or held is None or facts is None or time is None:
        return Refusal.SUSPENDED
    if not may_take(catalogue.materials[match.material], facts):
        return Refusal.PERMIT_MISSING
    standing = standing_of(match, held.position, facts.country, time, catalogue)
    fails = standing is not None and standing.verdict is Verdict.FAILS
    return Refusal.QUALITY_FAILED if fails else standing


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


def _acceptance(
    command: Command, at: Coordinates, revision: int | None, possible: tuple[str, ...]
) -> Outcome:
    return Outcome(
        command=command.id,
        programme=command.programme,
        accepted=True,
        subject=command.subject,
        revision=revision,
        allowed=possible,
        coordinates=at,
    )


def _refusal(
    command: Command, at: Coordinates, refusal: Refusal, possible: tuple[str, ...]
) -> Outcome:
    return Outcome(
        command=command.id,
        programme=command.programme,
        accepted=False,
        reason=refusal.value,
        allowed=possible,
        subject=command.subject,
        coordinates=at,
    )


def failed_command(command: Command, at: Coordinates) -> Outcome:
    """Return the outcome of a command that the market failed on."""
    return _refusal(command, at, Refusal.INTERNAL_ERROR, ())


def by_person(state: MatchState) -> bool:
    """Whether a person put a match into this state so that it must not come back unchanged."""
    return state in {MatchState.DECLINED, MatchState.WITHDRAWN}
