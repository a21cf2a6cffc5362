"""What a claim makes of what librdkafka says of its membership."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as VendorPartition

import runtime.kafka_claim
import runtime.kafka_keeper
from runtime.clock import FakeClock
from runtime.kafka_claim import KafkaClaim
from runtime.kafka_keeper import KafkaKeeper
from runtime.log import TopicPartition
from runtime.sink_source import ClaimLostError, Position, SourceUnavailableError, TakenOverError

OFFSETS = [VendorPartition("orders", 0, 5)]


@dataclass(frozen=True)
class _Told:
    """What librdkafka says in place of a record."""

    code: int

    def error(self) -> KafkaError:
        return KafkaError(self.code)


@dataclass
class _Consumer:
    """A member of a group, as confluent-kafka gives it."""

    joins: bool = True
    member: str | None = None
    fails: int | None = None
    then: str | None = None
    says: int | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    committed: list[VendorPartition] = field(default_factory=list[VendorPartition])
    assigned: list[VendorPartition] | None = None
    closed: bool = False
    on_assign: Callable[[Any, list[VendorPartition]], None] | None = None

    def __call__(self, *_: Any, **__: Any) -> _Consumer:
        return self

    def subscribe(
        self, topics: list[str], on_assign: Callable[[Any, list[VendorPartition]], None]
    ) -> None:
        assert topics == ["orders"]
        self.on_assign = on_assign

    def poll(self, timeout: float) -> _Told | None:
        self.clock.advance(timeout)
        if self.says is not None:
            return _Told(self.says)
        if self.joins and self.on_assign is not None:
            self.member, self.joins = "a", False
            self.on_assign(self, [VendorPartition("orders", 0)])
        return None

    def assign(self, partitions: list[VendorPartition]) -> None:
        self.assigned = partitions

    def memberid(self) -> str | None:
        return self.member

    def commit(self, offsets: list[VendorPartition], **_: Any) -> Sequence[VendorPartition]:
        if self.then is not None:
            self.member = self.then
        if self.fails is not None:
            raise KafkaException(KafkaError(self.fails))
        self.committed = offsets
        return offsets

    def close(self) -> None:
        self.closed = True


def _claim(monkeypatch: pytest.MonkeyPatch, consumer: _Consumer) -> KafkaClaim:
    monkeypatch.setattr(runtime.kafka_claim, "Consumer", consumer)
    return KafkaClaim({"group.id": "ledger"}, ["orders"], 3.0, consumer.clock)


def test_a_member_commits_and_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = _Consumer()
    _claim(monkeypatch, consumer).commit(OFFSETS)
    assert consumer.committed == OFFSETS
    assert consumer.assigned == []


def test_who_can_not_join_in_time_has_claimed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = _Consumer(joins=False)
    with pytest.raises(SourceUnavailableError, match="could not be joined in 3 s"):
        _claim(monkeypatch, consumer)
    with pytest.raises(SourceUnavailableError, match="Invalid session timeout"):
        _claim(monkeypatch, _Consumer(joins=False, says=KafkaError.INVALID_SESSION_TIMEOUT))
    assert 3.0 <= consumer.clock.monotonic_s() < 4.0


@pytest.mark.parametrize("code", [KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL])
def test_a_member_that_was_replaced_is_taken_over(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    with pytest.raises(TakenOverError):
        _claim(monkeypatch, _Consumer(fails=code)).commit(OFFSETS)


def test_who_was_replaced_long_ago_is_taken_over_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the session librdkafka has forgotten the member id, and says first why it ended."""
    consumer = _Consumer()
    claim = _claim(monkeypatch, consumer)
    consumer.member, consumer.says = None, KafkaError._FATAL
    with pytest.raises(TakenOverError):
        claim.commit(OFFSETS)
    assert consumer.committed == []


def test_a_commit_without_an_answer_ends_the_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClaimLostError):
        _claim(monkeypatch, _Consumer(fails=KafkaError._TIMED_OUT)).commit(OFFSETS)


def test_a_commit_that_is_refused_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = _Consumer(fails=KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    claim = _claim(monkeypatch, consumer)
    with pytest.raises(SourceUnavailableError) as met:
        claim.commit(OFFSETS)
    assert not isinstance(met.value, ClaimLostError)
    consumer.fails = None
    claim.commit(OFFSETS)
    assert consumer.committed == OFFSETS


def test_a_client_that_lost_its_session_asks_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = _Consumer()
    claim = _claim(monkeypatch, consumer)
    consumer.member = None
    with pytest.raises(ClaimLostError):
        claim.commit(OFFSETS)
    assert consumer.committed == []


@pytest.mark.parametrize("then", ["", "b"])
def test_a_commit_by_one_who_lost_its_session_meanwhile_does_not_count(
    monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    consumer = _Consumer(then=then)
    with pytest.raises(ClaimLostError):
        _claim(monkeypatch, consumer).commit(OFFSETS)
    assert consumer.committed == OFFSETS, "an empty group has accepted it"


def test_a_client_that_joins_again_by_itself_has_not_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consumer = _Consumer()
    claim = _claim(monkeypatch, consumer)
    consumer.member = "b"
    assert consumer.on_assign is not None
    consumer.on_assign(consumer, [])
    with pytest.raises(ClaimLostError):
        claim.commit(OFFSETS)


def test_being_fenced_after_a_lost_session_is_no_other_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The group still knows the member that this client was: it is fenced by its own past."""
    with pytest.raises(ClaimLostError):
        _claim(monkeypatch, _Consumer(fails=KafkaError.FENCED_INSTANCE_ID, then="")).commit(OFFSETS)


def test_one_that_is_replaced_by_its_own_late_claim_claims_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broker stood still, and reads what was given up after what came later, by another connection."""
    consumer = _Consumer(joins=False)
    for module in (runtime.kafka_claim, runtime.kafka_keeper):
        monkeypatch.setattr(module, "Consumer", consumer)
    keeper = KafkaKeeper({"group.id": "ledger"}, 3.0, consumer.clock)
    position = {TopicPartition("orders", 0): Position(5)}
    with pytest.raises(SourceUnavailableError):
        keeper.claim(["orders"])
    with pytest.raises(ClaimLostError):
        keeper.commit(position)
    for seconds, expected in ((0.0, ClaimLostError), (90.0, TakenOverError)):
        consumer.clock.advance(seconds)
        consumer.joins, consumer.fails = True, KafkaError.FENCED_INSTANCE_ID
        keeper.claim(["orders"])
        with pytest.raises(expected):
            keeper.commit(position)
