"""What a rebuilt market knows, where it goes on, and what it does when something is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from runtime.log import OutRecord
from schemas import topic_files
from schemas.events import (
    Alert,
    AlertState,
    Command,
    Event,
    Match,
    MatchState,
    Outcome,
    Reason,
    ReplayState,
    Side,
    Tick,
)
from stream_processors.market import MarketStage
from stream_processors.market_past import UnreadablePastError
from synergy.alerts import RuleName, alert_rules, raised
from synergy.lifecycle import agreement_id
from tests.market.plants import GOOD_ASH, MARCH, MIX, POWER, days, need, supply
from tests.market.stand import STAGE, Stand
from tests.market.values import CODEC

SENT = datetime(2026, 1, 1, tzinfo=UTC)
LAG = raised(
    alert_rules()[RuleName.LAG],
    ("ohio", "balance"),
    (Reason(code="lag", subject="balance", value=2e5, limit=1e5, unit="records"),),
    MARCH,
)
WORSE = replace(LAG, reasons=(replace(LAG.reasons[0], value=3e5),))


def tick(time: datetime) -> Tick:
    return Tick(programme="ohio", time=time, state=ReplayState.RUNNING, speed=60.0)


def command(number: int, action: str, subject: object, **changes: Any) -> Command:
    plain = Command(
        id=UUID(int=number),
        programme="ohio",
        action=action,
        subject=str(subject),
        actor="ann",
        reason="because",
        sent_at=SENT,
    )
    return replace(plain, **changes)


def answer(number: int, match: Match, action: str, side: Side) -> Command:
    return command(number, action, match.id, revision=match.revision, side=side)


def decoded(records: list[OutRecord]) -> list[Event]:
    return [CODEC.decode(record.value or b"") for record in records]


def only_match(stand: Stand) -> Match:
    (match,) = stand.state.market.matches("ohio")
    return match


@pytest.fixture
def stand() -> Stand:
    """One proposal: ash of a power station for a ready-mix plant."""
    made = Stand()
    made.say(tick(MARCH), POWER, MIX)
    made.say(supply("power", "fly_ash", 100, properties=GOOD_ASH))
    made.say(need("mix", "portland_cement", 800))
    made.work()
    return made


def agreed(stand: Stand) -> UUID:
    """Both sides accept; return the agreement."""
    stand.say(answer(1, only_match(stand), "accept", Side.GIVER))
    stand.work()
    stand.say(answer(2, only_match(stand), "accept", Side.RECEIVER))
    stand.work()
    return agreement_id(only_match(stand).id)


def rebuilt(stand: Stand) -> Stand:
    """The rebuilt stand after its first commit, which publishes nothing."""
    made = stand.rebuilt()
    assert made.commit() == []
    return made


def test_a_cancelled_agreement_is_not_proposed_again_under_the_same_conditions(
    stand: Stand,
) -> None:
    agreement = agreed(stand)
    stand.say(command(3, "cancel", agreement, revision=1, side=Side.GIVER))
    stand.work()
    again = rebuilt(stand)
    assert again.parts == stand.parts
    again.say(supply("power", "fly_ash", 104, properties=GOOD_ASH))
    assert not [one for one in decoded(again.work()) if isinstance(one, Match)]


def test_a_pair_that_was_proposed_after_a_cancellation_is_refused_no_longer(stand: Stand) -> None:
    agreement = agreed(stand)
    stand.say(command(3, "cancel", agreement, revision=1, side=Side.GIVER))
    stand.work()
    stand.say(supply("power", "fly_ash", 170, properties=GOOD_ASH))
    assert [one.state for one in decoded(stand.work()) if isinstance(one, Match)] == [
        MatchState.PROPOSED
    ]
    assert rebuilt(stand).parts == stand.parts


def test_reading_goes_on_at_the_first_command_without_an_outcome(stand: Stand) -> None:
    first = answer(1, only_match(stand), "accept", Side.GIVER)
    stand.say(first)
    stand.work()
    waiting = stand.next[topic_files.COMMANDS]
    stand.say(answer(2, only_match(stand), "accept", Side.RECEIVER), first)
    for known in (dict(stand.topics.committed), {}):
        stand.topics.committed = known
        again = rebuilt(stand)
        assert again.next[topic_files.COMMANDS] == waiting
        said = [one for one in decoded(again.work()) if isinstance(one, Outcome)]
        assert [(one.command.int, one.accepted) for one in said] == [(2, True), (1, True)]


def test_answers_that_were_forgotten_are_not_remembered_again(stand: Stand) -> None:
    stand.say(command(1, "decline", UUID(int=9)))
    stand.work()
    stand.now_ms += 8 * 86_400_000
    stand.say(command(2, "decline", UUID(int=9)))
    stand.work()
    again = rebuilt(stand)
    assert again.parts == stand.parts
    again.say(command(1, "decline", UUID(int=9)), command(2, "decline", UUID(int=9)))
    new, known = [one for one in decoded(again.work()) if isinstance(one, Outcome)]
    assert new.coordinates != known.coordinates
    assert known.coordinates.offset < new.coordinates.offset


def test_what_was_raised_again_over_an_answer_is_told_once(stand: Stand) -> None:
    stand.say(LAG)
    stand.work()
    stand.say(command(1, "snooze", LAG.id))
    stand.work()
    assert rebuilt(stand).next[topic_files.ALERTS] == stand.next[topic_files.ALERTS]
    stand.say(WORSE)
    again = rebuilt(stand)
    assert again.next[topic_files.ALERTS] == stand.next[topic_files.ALERTS]
    (told,) = [one for one in decoded(again.work()) if isinstance(one, Alert)]
    assert (told.state, told.reasons) == (AlertState.SNOOZED, WORSE.reasons)
    assert again.rebuilt().work() == []


def test_an_alert_that_woke_by_itself_stays_awake(stand: Stand) -> None:
    stand.say(LAG)
    stand.work()
    stand.say(command(1, "snooze", LAG.id))
    stand.work()
    stand.now_ms += 5 * 3_600_000
    stand.work()
    again = rebuilt(stand)
    assert again.parts == stand.parts
    assert again.work() == []


def test_the_ticks_of_a_replay_are_deleted_in_time_and_no_clock_moves_it(stand: Stand) -> None:
    stand.topics.cut(topic_files.COMMANDS)
    again = rebuilt(stand)
    again.now_ms += 60_000
    assert again.work() == []
    again.say(answer(1, only_match(again), "accept", Side.GIVER))
    assert [one.accepted for one in decoded(again.work()) if isinstance(one, Outcome)] == [True]


def test_a_live_programme_goes_on_by_the_clock_without_solving_anything() -> None:
    stand = Stand()
    now = datetime.fromtimestamp(stand.now_ms / 1_000, UTC)
    analysed = tuple(replace(one, sampled_at=now - timedelta(days=2)) for one in GOOD_ASH)
    stand.say(POWER, MIX)
    stand.say(supply("power", "fly_ash", 100, properties=analysed, as_of=now))
    stand.say(need("mix", "portland_cement", 800, as_of=now))
    stand.work()
    stand.work()  # from now on it is known to be live
    assert only_match(stand).state is MatchState.PROPOSED
    again = rebuilt(stand)
    assert STAGE.job(again.state) is None
    again.apply()
    assert STAGE.job(again.state) is None
    again.say(answer(1, only_match(again), "accept", Side.GIVER))
    again.work()
    again.now_ms += 15 * 86_400_000
    first, *_ = [one for one in decoded(again.work()) if isinstance(one, Match)]
    assert first.state is MatchState.EXPIRED


def test_inputs_that_were_made_anew_are_read_from_their_start(stand: Stand) -> None:
    for topic in (topic_files.POSITIONS, topic_files.COMMANDS):
        stand.topics.recreate(topic)
    stand.say(tick(MARCH + days(1)), POWER, MIX, need("mix", "portland_cement", 800))
    stand.say(supply("power", "fly_ash", 50, properties=GOOD_ASH))
    again = rebuilt(stand)
    assert (again.next[topic_files.POSITIONS], again.next[topic_files.COMMANDS]) == (0, 0)
    (match,) = [one for one in decoded(again.work()) if isinstance(one, Match)]
    before = only_match(stand)
    assert (match.id, match.revision) == (before.id, before.revision + 1)
    assert match.quantity_per_day < before.quantity_per_day


def test_a_market_that_waited_for_a_solve_waits_for_its_next_change(stand: Stand) -> None:
    stand.say(answer(1, only_match(stand), "decline", Side.GIVER))
    stand.apply()
    stand.commit()
    assert STAGE.job(stand.restored().state) is not None
    again = rebuilt(stand)
    assert STAGE.job(again.state) is None
    again.say(supply("power", "fly_ash", 200, properties=GOOD_ASH))
    assert [one.state for one in decoded(again.work()) if isinstance(one, Match)] == [
        MatchState.PROPOSED
    ]


def test_what_is_no_event_among_what_was_published_stops_the_rebuild(stand: Stand) -> None:
    stand.say_bytes(topic_files.MATCHES, b"no event")
    with pytest.raises(UnreadablePastError, match=r"synergy.matches.v1\[0\] at"):
        stand.rebuilt()


def test_the_first_state_of_all_is_empty_and_reads_everything() -> None:
    stand = Stand()
    stand.say(tick(MARCH), POWER, supply("power", "fly_ash", 100))
    begun = STAGE.begin(0, stand.topics)
    assert isinstance(STAGE, MarketStage)
    assert begun.next == dict.fromkeys(stand.next, 0)
    assert begun.state.market.take_parts() == {}
