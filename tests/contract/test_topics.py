"""The topic admin on the real broker."""

from __future__ import annotations

import pytest

from runtime.topics import TopicAdmin, TopicChange, TopicsError, TopicSpec, answering_cluster

pytestmark = pytest.mark.kafka

CONFIG = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}


@pytest.fixture
def admin(kafka: str) -> TopicAdmin:
    return TopicAdmin({"bootstrap.servers": kafka})


def test_a_missing_topic_is_created_with_its_settings(admin: TopicAdmin) -> None:
    spec = TopicSpec("topics.created.v1", 3, CONFIG)
    assert admin.apply([spec]) == [TopicChange(spec.name, "create", wanted="3")]
    state = admin.states([spec.name])[spec.name]
    assert state.partitions == 3
    assert {name: state.config[name] for name in CONFIG} == CONFIG


def test_a_second_apply_changes_nothing(admin: TopicAdmin) -> None:
    spec = TopicSpec("topics.twice.v1", 1, CONFIG)
    admin.apply([spec])
    assert admin.plan([spec]) == []


def test_a_differing_setting_is_set_and_others_stay(admin: TopicAdmin) -> None:
    admin.apply([TopicSpec("topics.set.v1", 1, {"retention.ms": "1000", "segment.ms": "60000"})])
    changes = admin.apply([TopicSpec("topics.set.v1", 1, {"retention.ms": "2000"})])
    assert changes == [TopicChange("topics.set.v1", "configure", "retention.ms", "1000", "2000")]
    config = admin.states(["topics.set.v1"])["topics.set.v1"].config
    assert (config["retention.ms"], config["segment.ms"]) == ("2000", "60000")


@pytest.mark.parametrize("wanted", [1, 4])
def test_the_number_of_partitions_is_never_changed(admin: TopicAdmin, wanted: int) -> None:
    name = f"topics.partitions.{wanted}.v1"
    admin.apply([TopicSpec(name, 2)])
    (change,) = admin.apply([TopicSpec(name, wanted)])
    assert (change.action, change.present, change.wanted) == ("refuse", "2", str(wanted))
    assert admin.states([name])[name].partitions == 2


def test_a_topic_that_no_spec_names_is_left_alone(admin: TopicAdmin) -> None:
    admin.apply([TopicSpec("topics.other.v1", 1)])
    admin.apply([TopicSpec("topics.named.v1", 1)])
    assert "topics.other.v1" in admin.states(["topics.other.v1"])


def test_a_setting_that_kafka_refuses_is_an_error_with_its_reason(admin: TopicAdmin) -> None:
    with pytest.raises(TopicsError, match=r"cleanup\.policy"):
        admin.apply([TopicSpec("topics.refused.v1", 1, {"cleanup.policy": "sometimes"})])


def test_a_running_broker_answers_and_an_empty_port_does_not(kafka: str) -> None:
    assert answering_cluster({"bootstrap.servers": kafka}, timeout_s=5)
    assert answering_cluster({"bootstrap.servers": "127.0.0.1:1"}, timeout_s=0.2) is None
