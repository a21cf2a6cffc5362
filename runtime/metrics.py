"""Metrics: one typed list, and the Prometheus client behind it.

A name that is not in the list does not type-check. `docs/metrics.md` is generated from the list.
Names follow
Prometheus: one prefix, base units, `_total` for counters; labels take few values (no ids, no
    facilities).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge as PrometheusGauge
from prometheus_client import Histogram as PrometheusHistogram
from prometheus_client.exposition import generate_latest

CounterName = Literal[
    # Records taken from a topic, by topic.
    "synergy_records_read_total",
    # Records written to output topics and changelogs, by topic.
    "synergy_records_written_total",
    # Kafka transactions committed, by stage.
    "synergy_commits_total",
    # Commit calls that had to be repeated, by stage.
    "synergy_commit_retries_total",
    # Rows inserted into the ledger, by table.
    "synergy_ledger_rows_total",
]
GaugeName = Literal[
    # Partitions this process owns, by stage.
    "synergy_partitions_owned",
    # Records between what is done and the end of the input, by stage; the ledger is one.
    "synergy_lag_records",
    # Series with a position.
    "synergy_positions",
    # Matches that are proposed, accepted or agreed, by programme.
    "synergy_open_matches",
    # Event time of a programme, in seconds since 1970.
    "synergy_programme_time_seconds",
    # Records in the ledger's tables of what was refused, by table.
    "synergy_refused_records",
    # Rows that a crash had lost and recovery put back since the store started.
    "synergy_ledger_repaired_rows",
    # Offsets missing in the ledger at the last comparison with Kafka, by topic.
    "synergy_ledger_missing_rows",
    # Offsets twice in the ledger at the last comparison with Kafka, by topic.
    "synergy_ledger_doubled_rows",
    # 1 while the ledger sink works, 0 while it waits or has stopped.
    "synergy_ledger_working",
    # Readings that plants sent over REST and that the broker has not acknowledged yet.
    "synergy_readings_waiting",
]
HistogramName = Literal[
    # From begin to commit of one Kafka transaction, by stage.
    "synergy_commit_seconds",
    # From assignment of a partition until its state is there, by stage.
    "synergy_open_seconds",
    # Long work of a stage in a thread; in market the solving of one market.
    "synergy_job_seconds",
    # One insert into the ledger, by table.
    "synergy_ledger_insert_seconds",
]
Name = CounterName | GaugeName | HistogramName

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """What one metric means: its labels and a sentence."""

    labels: tuple[str, ...]
    meaning: str


METRICS: Mapping[Name, Metric] = {
    "synergy_records_read_total": Metric(("topic",), "Records taken from a topic"),
    "synergy_records_written_total": Metric(
        ("topic",), "Records written to output topics and changelogs"
    ),
    "synergy_commits_total": Metric(("stage",), "Kafka transactions committed"),
    "synergy_commit_retries_total": Metric(("stage",), "Commit calls that had to be repeated"),
    "synergy_ledger_rows_total": Metric(("table",), "Rows inserted into the ledger"),
    "synergy_partitions_owned": Metric(("stage",), "Partitions this process owns"),
    "synergy_lag_records": Metric(
        ("stage",),
        "Records between what is done and the end of the input; the ledger is a stage here",
    ),
    "synergy_positions": Metric((), "Series with a position"),
    "synergy_open_matches": Metric(("programme",), "Matches proposed, accepted or agreed"),
    "synergy_programme_time_seconds": Metric(
        ("programme",), "Event time of a programme, in seconds since 1970"
    ),
    "synergy_refused_records": Metric(("table",), "Records the ledger holds of what was refused"),
    "synergy_ledger_repaired_rows": Metric(
        (), "Rows that a crash had lost and recovery put back since the store started"
    ),
    "synergy_ledger_missing_rows": Metric(
        ("topic",), "Offsets missing in the ledger at the last comparison with Kafka"
    ),
    "synergy_ledger_doubled_rows": Metric(
        ("topic",), "Offsets twice in the ledger at the last comparison with Kafka"
    ),
    "synergy_ledger_working": Metric(
        (), "1 while the ledger sink works, 0 while it waits or stopped"
    ),
    "synergy_readings_waiting": Metric(
        (), "Readings that plants sent over REST and that the broker has not acknowledged yet"
    ),
    "synergy_commit_seconds": Metric(("stage",), "From begin to commit of one Kafka transaction"),
    "synergy_open_seconds": Metric(
        ("stage",), "From assignment of a partition until its state is there"
    ),
    "synergy_job_seconds": Metric(
        ("stage",), "Long work of a stage in a thread; in market the solving of one market"
    ),
    "synergy_ledger_insert_seconds": Metric(("table",), "One insert into the ledger"),
}


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """An endpoint that is being served."""

    port: int
    stop: Callable[[], None]


class LabelsError(Exception):
    """The labels given are not those of the metric."""

    def __init__(self, name: str, expected: tuple[str, ...], given: tuple[str, ...]) -> None:
        super().__init__(f"{name} has the labels {expected}, given were {given}")
        self.name = name
        self.expected = expected
        self.given = given


class Metrics:
    """The metrics of one process. Ask once for a bound function and call it on the hot path."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: PrometheusCounter(
                name, METRICS[name].meaning, METRICS[name].labels, registry=self._registry
            )
            for name in _counter_names()
        }
        self._gauges = {
            name: PrometheusGauge(
                name, METRICS[name].meaning, METRICS[name].labels, registry=self._registry
            )
            for name in _gauge_names()
        }
        self._histograms = {
            name: PrometheusHistogram(
                name,
                METRICS[name].meaning,
                METRICS[name].labels,
                registry=self._registry,
                buckets=SECONDS,
            )
            for name in _histogram_names()
        }

    def counter(self, name: CounterName, **labels: str) -> Callable[[float], None]:
        """Return a function that adds to the counter. Raises LabelsError."""
        values = _in_order(name, labels)
        counter = self._counters[name]
        return (counter.labels(*values) if values else counter).inc

    def gauge(self, name: GaugeName, **labels: str) -> Callable[[float], None]:
        """Return a function that sets the gauge. Raises LabelsError."""
        values = _in_order(name, labels)
        gauge = self._gauges[name]
        return (gauge.labels(*values) if values else gauge).set

    def histogram(self, name: HistogramName, **labels: str) -> Callable[[float], None]:
        """Return a function that takes one observation in seconds. Raises LabelsError."""
        values = _in_order(name, labels)
        histogram = self._histograms[name]
        return (histogram.labels(*values) if values else histogram).observe

    def text(self) -> str:
        """Return everything in Prometheus' text form."""
        return generate_latest(self._registry).decode()

    def serve(self, host: str, port: int) -> MetricsServer:
        """Serve `/metrics` from a thread, on any free port when `port` is 0. Raises OSError on a taken port."""
        server, thread = start_http_server(port, host, self._registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return MetricsServer(server.server_port, stop)


def _counter_names() -> tuple[CounterName, ...]:
    return get_args(CounterName)


def _gauge_names() -> tuple[GaugeName, ...]:
    return get_args(GaugeName)


def _histogram_names() -> tuple[HistogramName, ...]:
    return get_args(HistogramName)


def _in_order(name: Name, labels: Mapping[str, str]) -> list[str]:
    expected = METRICS[name].labels
    if set(labels) != set(expected):
        raise LabelsError(name, expected, tuple(sorted(labels)))
    return [labels[label] for label in expected]
