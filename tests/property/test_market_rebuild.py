"""A market that lost its changelog is folded from what it published: the same state, and nothing is said again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import topic_files
from schemas.events import (
    Alert,
    AlertState,
    Command,
    Event,
    FacilityFacts,
    MatchState,
    Position,
    Reason,
    ReplayState,
    Side,
    Tick,
)
from synergy.alerts import RuleName, alert_rules, cleared, raised
from synergy.lifecycle.match_states import CLOSED
from synergy.market.part_keys import key_of
from tests.market.plants import MARCH, days
from tests.market.stand import Stand, published
from tests.market.values import CODEC
from tests.market.worlds import Input, plants

NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c44")
SENT = datetime(2026, 1, 1, tzinfo=UTC)
ON_MATCH = ("agree", "agree", "agree", "accept", "decline", "withdraw")
ON_TRANSACTION = (
    *("sample", "qualify", "schedule", "dispatch", "dispatch", "weigh", "receive", "receive"),
    *("refuse", "complete", "cancel", "cancel", "amend", "approve", "meter"),
)
ON_ALERT = ("acknowledge", "snooze", "snooze")
KINDS = (
    *("position", "position", "position", "facts", "tick", "tick", "chapter", "later"),
    *("told", "told", "untold", "garbage"),
    *ON_MATCH,
    *ON_TRANSACTION,
    *ON_ALERT,
)


@dataclass(frozen=True)
class Step:
    """One thing that happens."""

    kind: str
    number: int


STEPS = st.lists(
    st.builds(Step, st.sampled_from(KINDS), st.integers(0, 10_000)), min_size=4, max_size=40
)


def tick(time: datetime, chapter: str | None) -> Tick:
    return Tick(programme="ohio", time=time, state=ReplayState.RUNNING, speed=60.0, chapter=chapter)


def lag(number: int) -> Alert:
    """An alert that the store raises, every time with another lag."""
    reason = Reason(code="lag", subject="balance", value=float(number), limit=1e5, unit="records")
    rule = alert_rules()[RuleName.LAG]
    return raised(rule, ("ohio", f"balance{number % 2}"), (reason,), MARCH + days(7_000))


def _position(step: Step, position: Position) -> Position:
    factor = (step.number % 7) / 4
    return replace(
        position,
        firm_per_day=int(position.firm_per_day * factor),
        interruptible_per_day=int(position.interruptible_per_day * factor),
        stale=step.number % 11 == 0,
    )


def _subject(stand: Stand, step: Step) -> tuple[UUID, int | None] | None:
    """Something that exists and that a command may be about, with its revision."""
    market = stand.state.market
    found: list[tuple[UUID, int | None]]
    if step.kind in ON_ALERT:
        latest = {one.id: one for one in told(stand)}
        found = [(one.id, None) for one in latest.values() if one.state is not AlertState.CLEARED]
    elif step.kind in ON_MATCH:
        known = market.matches("ohio")
        open_ones = [one for one in known if one.state is MatchState.PROPOSED]
        found = [(one.id, one.revision) for one in open_ones or known]
    else:
        found = [(one.id, one.revision) for one in market.agreements("ohio")]
        found += [(one.id, one.revision) for one in market.deliveries("ohio")]
    return found[step.number % len(found)] if found else None


def told(stand: Stand) -> list[Alert]:
    events = published(stand.topics, (topic_files.ALERTS,))
    return [one for one in events if isinstance(one, Alert)]


def _commands(stand: Stand, step: Step) -> list[Event]:
    """One command, or the acceptances of both sides; now and then with an id that was used, or outdated."""
    subject = _subject(stand, step)
    if subject is None:
        return []
    identity, revision = subject
    both = (Side.GIVER, Side.RECEIVER)
    one = ((None, *both) if step.kind in ON_TRANSACTION else both)[step.number // 7 % 2]
    return [
        Command(
            id=uuid5(NAMES, str((step.number % 3, 0) if step.number % 17 == 5 else (at, number))),
            programme="ohio",
            action="accept" if step.kind == "agree" else step.kind,
            subject=str(identity),
            revision=None if revision is None else revision + number - (step.number % 19 == 7),
            side=side,
            actor="tester",
            reason="because",
            quantity=10_000_000 if step.kind in ON_TRANSACTION and step.number % 4 else None,
            sent_at=SENT,
        )
        for at in [stand.topics.bounds(topic_files.COMMANDS)[1]]
        for number, side in enumerate(both if step.kind == "agree" else (one,))
    ]


def inputs_of(stand: Stand, step: Step, inputs: Sequence[Sequence[Input]]) -> list[Event]:
    """What a step writes; it follows from the step and from what the market knows."""
    facts, position = inputs[step.number % len(inputs)]
    assert isinstance(facts, FacilityFacts)
    assert isinstance(position, Position)
    match step.kind:
        case "position":
            return [_position(step, position)]
        case "facts":
            return [replace(facts, removed=step.number % 5 == 0)]
        case "tick" | "chapter":
            time = MARCH + days(step.number / 500)
            chapter = None if step.kind == "tick" else str(step.number % 2)
            return [tick(time, chapter)]
        case "told":
            return [lag(step.number)]
        case "untold":
            return [cleared(lag(step.number), MARCH + days(7_001))]
        case "later" | "garbage":
            return []
        case _:
            return _commands(stand, step)


def take(stand: Stand, step: Step, events: Sequence[Event]) -> None:
    stand.say(*events)
    if step.kind == "later":
        stand.now_ms += step.number * 7_000
    if step.kind == "garbage":
        topic = (topic_files.POSITIONS, topic_files.COMMANDS, topic_files.ALERTS)[step.number % 3]
        stand.say_bytes(topic, b"\x00\x00\x00\x00\x63garbage")


def lived(inputs: list[list[Input]], steps: Sequence[Step]) -> Stand:
    stand = Stand()
    stand.say(tick(MARCH, None))
    for group in inputs:
        stand.say(*group)
    stand.work()
    for step in steps:
        take(stand, step, inputs_of(stand, step, inputs))
        stand.work()
    return stand


def as_kept(rebuilt: Stand, parts: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The parts of a rebuilt state without closed matches that the changelog has forgotten already.

    When they were is not known any more; they are kept up to a day longer, or more after a jump to an earlier chapter.
    """
    closed = {
        key_of("match", "ohio", match.id.hex)
        for match in rebuilt.state.market.matches("ohio")
        if match.state in CLOSED
    }
    return {key: part for key, part in rebuilt.parts.items() if key in parts or key not in closed}


@settings(max_examples=60, deadline=None)
@given(plants(), STEPS, STEPS)
def test_the_rebuilt_state_is_that_of_the_changelog_and_goes_on_like_it(
    inputs: list[list[Input]], steps: list[Step], more: list[Step]
) -> None:
    stand = lived(inputs, steps)
    rebuilt, restored = stand.rebuilt(), stand.restored()
    assert rebuilt.next == stand.next
    assert rebuilt.commit() == []
    assert as_kept(rebuilt, stand.parts) == stand.parts
    rebuilt.now_ms = restored.now_ms
    for step in more[:8]:
        events = inputs_of(restored, step, inputs)
        for one in (restored, rebuilt):
            take(one, step, events)
        assert rebuilt.work() == restored.work()
        assert as_kept(rebuilt, restored.parts) == restored.parts


@settings(max_examples=30, deadline=None)
@given(plants())
def test_what_was_closed_after_time_went_back_is_known_to_a_rebuilt_state(
    inputs: list[list[Input]],
) -> None:
    """A delivery at a later time says nothing of a match that was closed afterwards, at an earlier one."""
    went = [("agree", 0), ("chapter", 1500), ("meter", 1), ("tick", 0), ("position", 0)]
    stand = lived(inputs, [Step(kind, number) for kind, number in went])
    rebuilt = stand.rebuilt()
    assert rebuilt.commit() == []
    assert as_kept(rebuilt, stand.parts) == stand.parts


@settings(max_examples=60, deadline=None)
@given(plants(), STEPS, st.data())
def test_where_the_group_is_behind_or_unknown_nothing_is_said_twice(
    inputs: list[list[Input]], steps: list[Step], data: st.DataObject
) -> None:
    stand = lived(inputs, steps)
    behind = data.draw(st.one_of(st.none(), st.integers(1, 6)))
    for topic, next_ in stand.next.items():
        if behind is None:
            del stand.topics.committed[topic]
        else:
            stand.topics.committed[topic] = max(0, next_ - behind)
    rebuilt = stand.rebuilt()
    assert all(rebuilt.next[topic] <= next_ for topic, next_ in stand.next.items())
    said = [CODEC.decode(record.value or b"") for record in rebuilt.work()]
    assert said == []
