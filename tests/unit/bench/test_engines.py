"""The comparison without a broker: figures, bars, and how a process is run and counted."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench.engines.comparison import Measured, figures, whole_rounds
from bench.engines.contenders import ENGINES, OURS, Engine
from bench.engines.field import PLAN
from bench.engines.running import Cores, EngineError, Run, Usage, on_cores, run
from bench.results import Bar, Figure

BY_KEY = {engine.key: engine for engine in ENGINES}


def measured(engine: Engine, cpu_s: float) -> Measured:
    idle = Usage(1.0, 2.0)
    return Measured(engine, 1_000_000, idle, Usage(1.0 + cpu_s, 12.0), 6_000, 10.0)


def ratios(*found: Measured) -> dict[str, Figure]:
    made = figures(found, dict)
    return {one.name: one for one in made if one.name.startswith("engines: balance worker over")}


def test_start_and_stop_are_taken_off_both_times() -> None:
    one = measured(OURS, 3.5)
    assert one.cost_us == pytest.approx(3.5)
    assert one.per_s == pytest.approx(100_000)


@pytest.mark.parametrize(
    ("key", "keeps", "misses"),
    [
        ("kafka_streams", 7.0, 6.9),
        ("bytewax", 21.0, 20.9),
        ("quix_exactly_once", 24.5, 24.4),
    ],
)
def test_the_bars_are_a_half_a_sixth_and_a_seventh(key: str, keeps: float, misses: float) -> None:
    for cost, holds in ((keeps, True), (misses, False)):
        [figure] = ratios(measured(OURS, 3.5), measured(BY_KEY[key], cost)).values()
        assert figure.bar is not None
        assert figure.bar.holds(figure.value) is holds


def test_the_floor_and_what_gives_less_have_no_bar() -> None:
    for key in ("floor", "quix_at_least_once", "faust"):
        [figure] = ratios(measured(OURS, 3.5), measured(BY_KEY[key], 2.0)).values()
        assert figure.bar is None
        assert figure.value == pytest.approx(1.75)


def test_without_the_balance_worker_there_is_no_ratio() -> None:
    assert ratios(measured(BY_KEY["faust"], 100.0)) == {}


def test_costs_come_cheapest_first() -> None:
    found = figures([measured(BY_KEY["faust"], 100.0), measured(OURS, 3.5)], dict)
    assert [one.value for one in found[:2]] == [pytest.approx(3.5), pytest.approx(100.0)]
    assert not any(isinstance(one.bar, Bar) for one in found[:2])


def test_readings_are_whole_rounds_of_all_series() -> None:
    assert whole_rounds(2_000_000) % PLAN.series == 0
    assert whole_rounds(2_000_000 + 1) == whole_rounds(2_000_000) < 2_000_000


def test_each_engine_has_topics_and_figures_of_its_own() -> None:
    everyone = (OURS, *ENGINES)
    assert len({one.key for one in everyone}) == len({one.name for one in everyone}) == 7


def busy(tmp_path: Path, program: str) -> Run:
    cores = Cores.of(os.sched_getaffinity(0))
    return Run(command=[sys.executable, "-c", program], log=tmp_path / "log", cores=cores.measured)


def test_a_process_that_ends_by_itself_is_counted_on_its_core(tmp_path: Path) -> None:
    program = "import os; print(os.sched_getaffinity(0)); sum(range(3_000_000))"
    what = busy(tmp_path, program)
    used = run(what, None)
    assert used.cpu_s > 0
    assert (tmp_path / "log").read_text().strip() == str(set(what.cores))


def test_a_process_that_ends_too_early_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no broker"):
        run(busy(tmp_path, "raise SystemExit('no broker')"), lambda: False)


def test_a_process_is_told_to_stop_when_the_end_is_reached(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('stopped')))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(0.01)\n"
    )
    log = tmp_path / "log"
    used = run(busy(tmp_path, program), lambda: "ready" in log.read_text())
    assert used.wall_s > 0
    assert "stopped" in log.read_text()


def test_cores_are_given_back() -> None:
    before = os.sched_getaffinity(0)
    with on_cores(frozenset({min(before)})):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before
