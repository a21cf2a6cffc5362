"""What each stage takes in before the rest: else a sender who waited for one event is told that it does not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.worker import MAKERS, WorkerTools
from runtime.kafka_log import KafkaConnection
from schemas.topic_files import ALERTS, FACILITIES
from tests.market.plants import CATALOGUE
from tests.market.values import CODEC


@pytest.mark.parametrize(("stage", "first"), [("balance", FACILITIES), ("market", ALERTS)])
def test_what_others_name_is_taken_in_first(tmp_path: Path, stage: Any, first: str) -> None:
    tools = WorkerTools(KafkaConnection("127.0.0.1:1"), CODEC, CATALOGUE, tmp_path)
    worker: Any = MAKERS[stage](tools, rebuild=False)
    assert worker._app.first_topics == (first,)
    assert worker._settings.task(0, rebuilt=False).first == (first,)


@pytest.mark.parametrize(("stage", "interval_us"), [("balance", 1_000_000), ("market", 250_000)])
def test_the_market_waits_less_for_its_commit_since_balance_has_waited(
    tmp_path: Path, stage: Any, interval_us: int
) -> None:
    tools = WorkerTools(KafkaConnection("127.0.0.1:1"), CODEC, CATALOGUE, tmp_path)
    worker: Any = MAKERS[stage](tools, rebuild=False)
    assert worker._settings.task(0, rebuilt=False).commit_interval_us == interval_us
