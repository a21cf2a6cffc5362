"""Alerts that the store raises: published once for each programme, until the topic says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from console.alarms import Alarms
from console.views import Views
from runtime.clock import FakeClock
from runtime.log import TopicPartition
from runtime.logs import logger
from runtime.publisher import MemoryPublisher, PublishError
from schemas import topic_files
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.events import Alert, AlertState, FacilityFacts, Rejected
from synergy.alerts import RuleName, alert_rules
from synergy.alerts.watches import LAG_S
from tests.unit.console.examples import example

MOST = int(alert_rules()[RuleName.LAG].limit)
STALL_S = alert_rules()[RuleName.STALLED].limit
MANY = int(alert_rules()[RuleName.REJECTS].limit)


@dataclass
class Stand:
    """Alarms whose publications the views hear when `hear_back` is called."""

    lags: dict[str, int] = field(default_factory=dict[str, int])
    clock: FakeClock = field(default_factory=FakeClock)
    views: Views = field(default_factory=Views)

    def __post_init__(self) -> None:
        codec = Codec({name: at for at, name in enumerate(sorted(record_schemas()), 1)})
        self.codec = codec
        self.publisher = MemoryPublisher({topic_files.ALERTS: 4})
        log = logger("tests")
        self.alarms = Alarms(
            self.publisher, codec, self.views, self.partition_lags, self.clock, log
        )
        for name, programme in (("mill", "river"), ("kiln", "sea")):
            self.views.take(example(FacilityFacts, facility=name, programme=programme))

    def partition_lags(self) -> dict[str, dict[TopicPartition, int]]:
        return {name: {TopicPartition("topic", 0): lag} for name, lag in self.lags.items()}

    def look(self) -> list[Alert]:
        """Look and publish; return what was published now."""
        before = len(self.publisher.acknowledged)
        self.alarms.look()
        self.alarms.publish()
        values = [record.value or b"" for record in self.publisher.acknowledged[before:]]
        found = [self.codec.decode(value) for value in values]
        return [event for event in found if isinstance(event, Alert)]

    def hear_back(self, *alerts: Alert) -> None:
        for alert in alerts:
            self.views.take(alert)
            self.alarms.hear(alert, 0)

    def reject(self, count: int, **changes: object) -> None:
        now_ms = self.clock.now_us() // 1_000
        for _ in range(count):
            self.alarms.hear(example(Rejected, **changes), now_ms)


@pytest.fixture
def stand() -> Stand:
    return Stand()


def said(alerts: list[Alert]) -> list[tuple[str, str, str, str]]:
    return sorted((one.programme, one.rule, one.subject, one.state.value) for one in alerts)


def test_many_rejects_are_told_to_the_programme_of_the_plant(stand: Stand) -> None:
    stand.reject(MANY - 1, facility="mill", source="meter-1")
    assert stand.look() == []
    stand.reject(3, facility="mill", source="meter-1")
    assert said(stand.look()) == [("river", "rejects", "mill/meter-1", "RAISED")]
    assert stand.look() == []


def test_many_rejects_of_an_unknown_plant_are_told_to_every_programme(stand: Stand) -> None:
    stand.reject(MANY, facility="nobody", source=None)
    assert [one[:3] for one in said(stand.look())] == [
        ("river", "rejects", "nobody"),
        ("sea", "rejects", "nobody"),
    ]


def test_what_somebody_looks_after_is_not_raised_again(stand: Stand) -> None:
    stand.reject(MANY, facility="mill", source="meter-1")
    (alert,) = stand.look()
    stand.hear_back(alert)
    stand.clock.advance(3_600.0)
    stand.reject(MANY, facility="mill", source="meter-1")
    assert stand.look() == []


def test_rejects_of_long_ago_that_a_restart_reads_again_are_old_news(stand: Stand) -> None:
    long_ago = stand.clock.now_us() // 1_000 - 3_600_000
    for _ in range(MANY):
        stand.alarms.hear(example(Rejected, facility="mill", source="meter-1"), long_ago)
    assert stand.look() == []


def test_lag_is_told_after_half_a_minute_and_cleared_at_a_tenth(stand: Stand) -> None:
    stand.lags["ledger"] = MOST
    assert stand.look() == []
    stand.clock.advance(LAG_S)
    behind = stand.look()
    assert said(behind) == [(name, "lag", "ledger", "RAISED") for name in ("river", "sea")]
    assert stand.look() == []
    stand.hear_back(*behind)
    stand.lags["ledger"] = MOST // 2
    assert stand.look() == []
    stand.lags["ledger"] = MOST // 10
    over = stand.look()
    assert said(over) == [(name, "lag", "ledger", "CLEARED") for name in ("river", "sea")]
    assert stand.look() == []
    stand.hear_back(*over)
    assert stand.look() == []


def test_a_lag_that_nobody_knows_is_no_all_clear(stand: Stand) -> None:
    stand.lags["ledger"] = MOST
    stand.look()
    stand.clock.advance(LAG_S)
    stand.hear_back(*stand.look())
    del stand.lags["ledger"]
    assert stand.look() == []
    stand.lags["ledger"] = 0
    assert {state for *_, state in said(stand.look())} == {"CLEARED"}


def test_a_stage_that_stands_still_is_told_and_cleared_when_it_moves(stand: Stand) -> None:
    stand.lags["market"] = 7
    assert stand.look() == []
    stand.clock.advance(STALL_S)
    still = stand.look()
    assert said(still) == [(name, "stalled", "market", "RAISED") for name in ("river", "sea")]
    stand.hear_back(*still)
    again = Stand(lags=stand.lags, clock=stand.clock, views=stand.views)  # the store was restarted
    assert again.look() == []
    again.lags["market"] = 6
    assert {state for *_, state in said(again.look())} == {"CLEARED"}


def test_what_could_not_be_published_is_published_later(stand: Stand) -> None:
    stand.reject(MANY, facility="mill", source="meter-1")
    stand.publisher.fail_next_flush()
    with pytest.raises(PublishError):
        stand.look()
    assert [alert.state for alert in stand.look()] == [AlertState.RAISED]


def test_an_alert_is_routed_by_its_programme(stand: Stand) -> None:
    stand.reject(MANY, facility="mill", source="meter-1")
    stand.look()
    (record,) = stand.publisher.acknowledged
    assert record.tp.topic == topic_files.ALERTS
    assert ("ce_type", b"synergy.v1.Alert") in record.headers
