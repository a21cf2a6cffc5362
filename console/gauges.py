"""What the store tells Prometheus about the whole product, made at the moment of a scrape."""

from __future__ import annotations

from collections import Counter

from console.state import StoreState
from runtime.metrics import Metrics


def set_gauges(metrics: Metrics, state: StoreState) -> None:
    """Set the gauges to what the store knows now; a microsecond or two each."""
    views = state.views
    metrics.gauge("synergy_positions")(len(views.positions))
    open_matches = Counter(match.programme for match in views.matches_open())
    for programme, tick in views.programmes.items():
        metrics.gauge("synergy_open_matches", programme=programme)(open_matches[programme])
        metrics.gauge("synergy_programme_time_seconds", programme=programme)(tick.time.timestamp())
    sink = state.sink_status()
    for stage, lag in {"ledger": 0, **state.lags()}.items():
        metrics.gauge("synergy_lag_records", stage=stage)(lag)
    for table in ("rejected", "undecodable"):
        metrics.gauge("synergy_refused_records", table=table)(state.ledger_rows.get(table, 0))
    metrics.gauge("synergy_ledger_repaired_rows")(sink.repaired)
    metrics.gauge("synergy_ledger_working")(0 if sink.problem else 1)
