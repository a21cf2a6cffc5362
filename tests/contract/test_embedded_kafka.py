"""The life of the embedded broker: start, restart on its data, crash, taken ports."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from unittest.mock import Mock

import pytest

from cli.embedded import aot_cache, kafka
from cli.embedded.ports import remembered
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaConnection, KafkaLog
from runtime.log import TopicPartition
from runtime.settings import load
from runtime.topics import TopicAdmin, TopicSpec

pytestmark = pytest.mark.kafka

STOPS_WITHIN_S = 5.0


def test_the_data_outlive_a_stop_and_a_kill(tmp_path: Path) -> None:
    cache = load().settings.embedded.jar_cache.expanduser()
    spec = kafka.BrokerSpec(var=tmp_path, jar_cache=cache)
    clock = SystemClock()
    said: list[str] = []

    first = kafka.start(spec, said.append)
    topic = TopicSpec("kept.v1", 2)
    TopicAdmin({"bootstrap.servers": first.bootstrap}).apply([topic])
    log = KafkaLog(KafkaConnection(first.bootstrap))
    place = TopicPartition(topic.name, 1)
    assert log.bounds(place) == (0, 0)
    began_s = clock.monotonic_s()
    first.stop()
    assert clock.monotonic_s() - began_s < STOPS_WITHIN_S
    assert not spec.pid_file.exists()

    second = kafka.start(spec, said.append)
    assert TopicAdmin({"bootstrap.servers": second.bootstrap}).plan([topic]) == []
    assert second.bootstrap == first.bootstrap
    assert log.bounds(place) == (0, 0)  # although another leader epoch has begun
    # As after kill -9 of the parent: the broker is alive and holds its data, nobody holds the ports' claims.
    second.claims.close()
    os.kill(second.child.pid, signal.SIGSTOP)

    third = kafka.start(spec, said.append)
    try:
        assert any(f"ended process {second.child.pid}" in line for line in said)
        assert TopicAdmin({"bootstrap.servers": third.bootstrap}).plan([topic]) == []
        assert remembered(tmp_path / "ports.json").keys() == {"kafka", "kafka_controller"}
    finally:
        third.stop()
    assert second.child.exit_status() == -signal.SIGKILL


def test_a_broker_that_cannot_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    cache = load().settings.embedded.jar_cache.expanduser()
    spec = kafka.BrokerSpec(var=tmp_path, jar_cache=cache, heap_mb=0)
    with pytest.raises(kafka.BrokerError, match=r"heap|Xmx"):
        kafka.start(spec, lambda _: None)


def test_the_first_start_writes_the_cache_of_classes_and_a_damaged_one_stops_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kafka.aot"
    monkeypatch.setattr(aot_cache, "file_of", Mock(return_value=file))
    cache = load().settings.embedded.jar_cache.expanduser()
    spec = kafka.BrokerSpec(var=tmp_path, jar_cache=cache)
    said: list[str] = []

    kafka.start(spec, said.append).stop()
    assert file.stat().st_size > 10_000_000
    once = [line for line in said if "once" in line]
    assert "in common" in once[0]
    assert {path.name for path in tmp_path.glob("kafka.*")} == {"kafka.aot", "kafka.lock"}

    file.write_bytes(bytes(4096))
    kafka.start(spec, said.append).stop()
    assert [line for line in said if "once" in line] == once
