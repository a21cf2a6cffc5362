"""What the passing of a programme's time changes by itself: validity, and missing answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from schemas.events import FacilityFacts, Match, Position, Reason
from synergy.catalogue import Catalogue
from synergy.lifecycle import MATCHES, Action
from synergy.market.policy import Policy
from synergy.market.programme import Programme
from synergy.market.reasons import Code


def is_new_day(before: datetime, now: datetime) -> bool:
    """Whether the UTC day changed."""
    return before.date() != now.date()


def moved(
    programmes: Iterable[Programme], policy: Policy, now: datetime
) -> Iterator[tuple[Programme, datetime | None]]:
    """Move the programmes that are live to a time; yield them with the time that they had."""
    for programme in programmes:
        before = programme.head.time
        if not programme.head.ticked and _is_live(programme, policy, now):
            programme.set_time(now)
            yield programme, before


def _is_live(programme: Programme, policy: Policy, now: datetime) -> bool:
    """Whether the clock moves a programme that has no ticks: from its first young position on."""
    if programme.head.time is not None:
        return True
    youngest = max((held.position.as_of for held in programme.positions.values()), default=None)
    return youngest is not None and youngest > now - policy.live_within


def markets_to_review(
    programme: Programme, catalogue: Catalogue, before: datetime, now: datetime
) -> list[str]:
    """Return the markets in which something began or ended to hold since the day of `before`.

    Validity of facilities, analyses, uses, limits and prices; looked at once a day, and then for
    all of the days that passed.
    """
    start = datetime.combine(before.date(), time.min, tzinfo=UTC)
    everything = catalogue.changed_between(before.date(), now.date())
    turned = {
        facility for facility, facts in programme.facts.items() if _facts_turn(facts, start, now)
    }
    found: dict[str, None] = {}
    for series in sorted(programme.positions):
        position = programme.positions[series].position
        if everything or series.facility in turned or _analyses_turn(position, start, now):
            found[catalogue.market_of(series.material)] = None
    return list(found)


def _within(moment: datetime | None, start: datetime, now: datetime) -> bool:
    return moment is not None and start < moment <= now


def _facts_turn(facts: FacilityFacts, start: datetime, now: datetime) -> bool:
    return _within(facts.valid_from, start, now) or _within(facts.valid_to, start, now)


def _analyses_turn(position: Position, start: datetime, now: datetime) -> bool:
    return any(
        _within(item.sampled_at, start, now) or _within(item.valid_until, start, now)
        for item in position.properties
    )


def expired_matches(programme: Programme, policy: Policy, now: datetime) -> list[Match]:
    """Return the next version of the matches whose second side did not answer in time."""
    return [
        replace(
            match,
            state=state,
            revision=match.revision + 1,
            reasons=(_no_answer(now - match.programme_time),),
            programme_time=now,
        )
        for _, match in sorted(programme.matches.items())
        if match.programme_time + policy.answer_within <= now
        if (state := MATCHES.following(match.state, Action.EXPIRE, None)) is not None
    ]


def _no_answer(waited: timedelta) -> Reason:
    return Reason(code=Code.NO_ANSWER, value=round(waited / timedelta(days=1), 1), unit="d")
