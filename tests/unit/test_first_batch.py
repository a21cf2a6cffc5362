"""The first batch after an opening: the state knows the time before it, as in all that follow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from runtime.log import Batch, TopicPartition
from runtime.memory_log import MemoryLog
from runtime.partition_actions import TaskSettings
from schemas.events import (
    Alert,
    AlertState,
    Command,
    Event,
    FacilityFacts,
    Match,
    MatchState,
    Outcome,
    Position,
    Property,
    Rejected,
    Side,
    Verdict,
)
from schemas.topic_files import ALERTS, COMMANDS, MARKET_CHANGELOG, POSITIONS
from stream_processors.market import MarketPartition
from synergy.balance.terms import moment
from synergy.market import Refusal
from tests.market.plants import GOOD_ASH, MIX, POLICY, POWER, need, supply
from tests.market.stand import INPUTS, NOON_MS, STAGE
from tests.market.values import CODEC
from tests.partition_driver import PartitionDriver, one_partition_each
from tests.stateful.tally import CHANGELOG, INPUT, OUTPUT, SETUP, TallyStage, TallyState
from tests.unit.test_told_alerts import LAG

NOW_US = NOON_MS * 1_000
MARKET = TaskSettings(
    stage="market", group="market", partition=0, inputs=INPUTS, changelog=MARKET_CHANGELOG
)
TALLY = TaskSettings(
    stage="tally", group="tally", partition=0, inputs=(INPUT, SETUP), changelog=CHANGELOG
)


@dataclass(frozen=True)
class _Watched(TallyStage):
    """Notes what it is asked to do."""

    asked: list[str] = field(default_factory=list[str])

    def apply(self, state: TallyState, batch: Batch, now_us: int) -> None:
        self.asked.append("apply")
        super().apply(state, batch, now_us)

    def tell_time(self, state: TallyState, now_us: int) -> None:
        self.asked.append("time")

    def tick(self, state: TallyState, now_us: int) -> bool:
        self.asked.append("tick")
        return super().tick(state, now_us)


def test_the_time_is_told_before_the_first_batch_and_passes_after_it() -> None:
    log = MemoryLog()
    for topic in (INPUT, SETUP, OUTPUT, CHANGELOG):
        log.create_topic(topic, 1)
    log.append(TopicPartition(INPUT, 0), b"a", b"1:1")
    stage = _Watched()
    PartitionDriver(log, stage, TALLY, NOW_US).work(2)
    assert stage.asked[:3] == ["time", "apply", "tick"]


class Market:
    """A market that is told of an alert, and people's commands about it."""

    def __init__(self) -> None:
        self.log = one_partition_each()
        self.now_us = NOW_US
        self._append(ALERTS, replace(LAG, programme_time=moment(NOW_US)))
        self.worker().work(3)

    def worker(self) -> PartitionDriver[MarketPartition]:
        return PartitionDriver(self.log, STAGE, MARKET, self.now_us)

    def command(self, action: str, quantity: int | None = None) -> None:
        sent_at = datetime(2026, 1, 1, tzinfo=UTC)
        self._append(
            COMMANDS,
            Command(
                id=UUID(int=1), programme="ohio", action=action, subject=str(LAG.id),
                actor="ann", sent_at=sent_at, quantity=quantity,
            ),
        )  # fmt: skip

    def accept(self, match: Match, side: Side, revision: int) -> None:
        sent = moment(self.now_us)
        self._append(
            COMMANDS,
            Command(
                id=UUID(int=10 + revision), programme="ohio", action="accept", subject=str(match.id),
                actor="ann", sent_at=sent, side=side, revision=revision,
            ),
        )  # fmt: skip

    def tell(self, event: FacilityFacts | Position) -> None:
        self._append(POSITIONS, event)

    def _append(self, topic: str, event: Event) -> None:
        self.log.append(TopicPartition(topic, 0), b"k", CODEC.encode(event))


def _told(worker: PartitionDriver[MarketPartition]) -> list[Event]:
    return [CODEC.decode(one.value or b"") for one in worker.work(5)]


def test_a_snooze_that_waited_for_a_worker_lasts() -> None:
    market = Market()
    market.command("snooze")
    said = _told(market.worker())
    assert [one.state for one in said if isinstance(one, Alert)] == [AlertState.SNOOZED]


def test_a_command_that_waited_for_a_worker_is_remembered() -> None:
    market = Market()
    market.command("acknowledge")
    worker = market.worker()
    first = [one for one in _told(worker) if isinstance(one, Outcome)]
    market.command("acknowledge")
    again = [one for one in _told(worker) if isinstance(one, Outcome)]
    assert first
    assert again == first, "the same answer, coordinates and all"


def test_a_snooze_of_any_length_has_an_outcome() -> None:
    market = Market()
    market.command("snooze", quantity=2**62)
    [outcome] = [one for one in _told(market.worker()) if isinstance(one, Outcome)]
    assert (outcome.accepted, outcome.reason) == (False, Refusal.QUANTITY_TOO_LARGE)


def test_a_command_that_the_market_fails_on_has_an_outcome_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("synergy.market.state.answer", broken)
    market = Market()
    market.command("acknowledge")
    said = _told(market.worker())
    assert [one.code for one in said if isinstance(one, Rejected)] == ["internal_error"]
    [outcome] = [one for one in said if isinstance(one, Outcome)]
    assert (outcome.accepted, outcome.reason) == (False, Refusal.INTERNAL_ERROR)


def test_an_acceptance_that_waited_for_a_worker_counts_although_its_time_ran_out_meanwhile() -> (
    None
):
    market = Market()
    proposal = _proposed(market)
    worker = market.worker()
    market.accept(proposal, Side.GIVER, 1)
    assert [one.accepted for one in _told(worker) if isinstance(one, Outcome)] == [True]
    market.accept(proposal, Side.RECEIVER, 2)
    market.now_us += int(POLICY.answer_within.total_seconds() * 1e6) + 3_600_000_000
    said = _told(market.worker())
    assert [one.accepted for one in said if isinstance(one, Outcome)] == [True]
    assert [one.state for one in said if isinstance(one, Match)] == [MatchState.AGREED]


def _proposed(market: Market, properties: tuple[Property, ...] = GOOD_ASH) -> Match:
    """Let a worker propose a match between two plants that are live."""
    live = {"as_of": moment(NOW_US)}
    ash = supply("power", "fly_ash", 100, properties=properties, **live)
    for one in (POWER, MIX, ash, need("mix", "portland_cement", 800, **live)):
        market.tell(one)
    [proposal] = [one for one in _told(market.worker()) if isinstance(one, Match)]
    return proposal


def test_a_first_acceptance_that_waited_is_of_the_time_when_it_is_answered() -> None:
    market = Market()
    proposal = _proposed(market)
    market.accept(proposal, Side.GIVER, 1)
    market.now_us += int(POLICY.answer_within.total_seconds() * 1e6) + 3_600_000_000
    said = _told(market.worker())
    [accepted] = [one for one in said if isinstance(one, Match)]
    assert accepted.state is MatchState.ACCEPTED_BY_GIVER
    assert accepted.programme_time >= moment(NOW_US) + POLICY.answer_within


def test_an_acceptance_that_waited_is_judged_by_what_holds_when_it_is_answered() -> None:
    market = Market()
    until = moment(NOW_US) + timedelta(days=1)
    proposal = _proposed(market, tuple(replace(one, valid_until=until) for one in GOOD_ASH))
    market.accept(proposal, Side.GIVER, 1)
    _told(market.worker())
    market.accept(proposal, Side.RECEIVER, 2)
    market.now_us += 5 * 86_400_000_000
    said = _told(market.worker())
    [agreed] = [one for one in said if isinstance(one, Match)]
    assert (agreed.state, agreed.verdict) == (MatchState.AGREED, Verdict.UNKNOWN)
