"""What a claim makes of what librdkafka says of its membership."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as VendorPartition

import runtime.kafka_claim
from runtime.clock import FakeClock
from runtime.kafka_claim import KafkaClaim
from runtime.sink_source import ClaimLostError, SourceUnavailableError, TakenOverError

OFFSETS = [VendorPartition("orders", 0, 5)]


@dataclass
class _Consumer:
    """A member of a group, as confluent-kafka gives it."""

    joins: bool = True
    member: str | None = None
    fails: int | None = None
    then: str | None = None
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

    def poll(self, timeout: float) -> None:
        self.clock.advance(timeout)
        if self.joins and self.on_assign is not None:
            self.member, self.joins = "a", False
            self.on_assign(self, [VendorPartition("orders", 0)])

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
    assert 3.0 <= consumer.clock.monotonic_s() < 4.0


@pytest.mark.parametrize("code", [KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL])
def test_a_member_that_was_replaced_is_taken_over(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    with pytest.raises(TakenOverError):
        _claim(monkeypatch, _Consumer(fails=code)).commit(OFFSETS)


@pytest.mark.parametrize("code", [KafkaError._TIMED_OUT, KafkaError.ILLEGAL_GENERATION])
def test_a_commit_that_fails_otherwise_has_to_be_asked_for(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    with pytest.raises(ClaimLostError):
        _claim(monkeypatch, _Consumer(fails=code)).commit(OFFSETS)


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
