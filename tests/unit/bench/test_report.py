"""The page of the benchmarks: a section for each run, what its figures share said once, and plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bench.plots import PLOTS
from bench.report import page

MACHINE = {"at": "2026-11-28T16:00:00Z", "cores": 2, "load_average": 0.5, "python": "3.11.7"}
ENGINES = [
    {
        "name": f"engines: {engine}: CPU per reading",
        "value": value,
        "unit": "us",
        "bar": None,
        "holds": None,
        "conditions": {**MACHINE, "readings": 2_000_000, "interval_s": interval},
    }
    for engine, value, interval in (("slow & old", 30.0, 3.0), ("balance worker", 3.0, 1.0))
]
MISSED: dict[str, Any] = {
    "name": "stack at rest: CPU",
    "value": 16.5,
    "unit": "% of one core",
    "bar": "<= 15",
    "holds": False,
    "conditions": {**MACHINE, "at": "2026-11-28T17:00:00Z"},
}


def test_each_run_has_a_section_that_says_once_what_its_figures_share() -> None:
    text = page([*ENGINES, MISSED], "## Where the time goes\n")
    assert text.index("## Engines") < text.index("## Stack at rest") < text.index("## Where the")
    assert text.index("- stack at rest: CPU: 16.5, bar <= 15") < text.index("## Engines")
    assert text.count("readings 2,000,000") == 1
    assert text.count("2026-11-28T16:00:00Z, 2 cores, load average 0.5, Python 3.11.7.") == 1
    assert "| engines: balance worker: CPU per reading | 3.0 | us |  |  | interval s 1.0 |" in text
    assert "| stack at rest: CPU | 16.5 | % of one core | <= 15 | **missed** |" in text


def test_runs_of_one_benchmark_share_a_heading() -> None:
    later = {**MISSED, "conditions": {**MISSED["conditions"], "at": "2026-11-28T18:00:00Z"}}
    text = page([MISSED, later], "")
    assert text.count("## Stack at rest") == 1
    assert text.count("| stack at rest: CPU | 16.5 |") == 2


def test_a_page_without_a_missed_bar_says_so() -> None:
    assert "- none" in page(ENGINES, "")


def test_a_plot_shows_the_smallest_first_and_stays_within_its_frame(tmp_path: Path) -> None:
    (engines,) = (plot for plot in PLOTS if plot.file == "engines.svg")
    engines.write(ENGINES, tmp_path)
    drawn = ElementTree.fromstring((tmp_path / "engines.svg").read_text())  # noqa: S314 - our own
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[1:] == ["balance worker", "3.00", "slow & old", "30.00"]
    frame, *bars = drawn.iter("{http://www.w3.org/2000/svg}rect")
    assert [int(bar.attrib["width"]) for bar in bars] == [33, 330]
    assert all(
        int(b.attrib["x"]) + int(b.attrib["width"]) < int(frame.attrib["width"]) for b in bars
    )


def test_a_value_far_beyond_the_others_is_cut(tmp_path: Path) -> None:
    (engines,) = (plot for plot in PLOTS if plot.file == "engines.svg")
    far = {**ENGINES[0], "name": "engines: far: CPU per reading", "value": 900.0}
    engines.write([*ENGINES, far], tmp_path)
    text = (tmp_path / "engines.svg").read_text()
    assert text.count('width="330" height="20"') == 2
    assert "900.00 (bar is cut)" in text
    assert text.count("(bar is cut)") == 1


def test_a_plot_without_figures_goes(tmp_path: Path) -> None:
    for plot in PLOTS:
        (tmp_path / plot.file).write_text("old")
        plot.write([MISSED], tmp_path)
    assert list(tmp_path.iterdir()) == []
