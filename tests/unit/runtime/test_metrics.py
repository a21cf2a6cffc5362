"""The list of metrics and the client behind it."""

from __future__ import annotations

from typing import get_args

import httpx
import pytest

from runtime.metrics import METRICS, CounterName, GaugeName, HistogramName, LabelsError, Metrics


def test_every_name_has_one_kind_and_a_meaning() -> None:
    names = [*get_args(CounterName), *get_args(GaugeName), *get_args(HistogramName)]
    assert sorted(names) == sorted(METRICS)
    assert all(metric.meaning for metric in METRICS.values())


def test_names_follow_the_conventions_of_prometheus() -> None:
    assert all(name.startswith("synergy_") for name in METRICS)
    assert all(name.endswith("_total") for name in get_args(CounterName))
    assert all(name.endswith("_seconds") for name in get_args(HistogramName))


def test_what_is_counted_is_what_is_scraped() -> None:
    metrics = Metrics()
    add = metrics.counter("synergy_records_read_total", topic="t")
    add(3)
    add(4)
    metrics.gauge("synergy_lag_records", stage="market")(12)
    metrics.histogram("synergy_commit_seconds", stage="balance")(0.05)
    text = metrics.text()
    assert 'synergy_records_read_total{topic="t"} 7.0' in text
    assert 'synergy_lag_records{stage="market"} 12.0' in text
    assert 'synergy_commit_seconds_count{stage="balance"} 1.0' in text


@pytest.mark.parametrize("labels", [{}, {"stage": "balance", "id": "7"}, {"topic": "t"}])
def test_other_labels_than_those_of_the_list_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(LabelsError, match="synergy_commits_total"):
        Metrics().counter("synergy_commits_total", **labels)


def test_two_processes_in_one_interpreter_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()
    first.counter("synergy_commits_total", stage="market")(1)
    assert 'synergy_commits_total{stage="market"}' not in second.text()


def test_the_endpoint_serves_the_numbers_until_it_is_stopped() -> None:
    metrics = Metrics()
    metrics.gauge("synergy_positions")(5)
    server = metrics.serve("127.0.0.1", 0)
    answer = httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False)
    assert "synergy_positions 5.0" in answer.text
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False)
