"""Taipower's ten-minute rows: subtotals, retired units, footnotes, remarks, gaps, repeats."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from producers.programmes import shipped_folder
from producers.programmes.files import read_lines
from producers.programmes.taipower import STEP, Snapshot, parse_snapshots

HEADER = "snapshot,fuel_group,sub_group,unit,capacity_mw,net_output_mw,output_share,remark"


@pytest.fixture(scope="module")
def snapshots() -> tuple[Snapshot, ...]:
    folder = shipped_folder() / "hebei_anhui"
    return parse_snapshots(read_lines(folder / "taipower_coal_units_2024_07_10min.csv.gz"))


def row(time: str, unit: str, capacity: str, output: str, remark: str = " ") -> str:
    return f"{time},燃煤(Coal),,{unit},{capacity},{output},1%,{remark}"


def test_subtotals_and_retired_units_are_left_out() -> None:
    (snapshot,) = parse_snapshots(
        [
            HEADER,
            row("2024-07-20 00:00", "林口#1", "800.0", "400.0"),
            row("2024-07-20 00:00", "小計", "10600.0(19.180%)", "400.0(1%)"),
            row("2024-07-20 00:00", "興達#1(註15)", "-", "0.0"),
        ]
    )
    assert set(snapshot.units) == {"林口#1"}
    assert snapshot.units["林口#1"].share == 0.5


def test_footnotes_and_blanks_are_no_part_of_names_and_remarks() -> None:
    (snapshot,) = parse_snapshots(
        [HEADER, row("2024-07-20 00:00", "興達#3(註12)", "550.0", "55.0", "測試運轉 ")]
    )
    assert snapshot.units["興達#3"].remark == "測試運轉"


def test_one_blank_is_no_remark() -> None:
    (snapshot,) = parse_snapshots([HEADER, row("2024-07-20 00:00", "台中#1", "550.0", "55.0")])
    assert snapshot.units["台中#1"].remark == ""


def test_a_snapshot_equal_to_the_one_before_is_a_repeat() -> None:
    rows = [row(f"2024-07-20 00:{minute}0", "台中#1", "550.0", "55.0") for minute in (0, 1)]
    rows.append(row("2024-07-20 00:20", "台中#1", "550.0", "56.0"))
    repeated = [snapshot.repeated for snapshot in parse_snapshots([HEADER, *rows])]
    assert repeated == [False, True, False]


def test_the_shipped_days_have_22_units_and_no_gap(snapshots: tuple[Snapshot, ...]) -> None:
    assert {len(snapshot.units) for snapshot in snapshots} == {22}
    steps = {later.time - earlier.time for earlier, later in pairwise(snapshots)}
    assert steps == {STEP}
    assert snapshots[0].time.utcoffset() == timedelta(hours=8)


def test_the_shipped_days_hold_the_remarks_that_tell_why(snapshots: tuple[Snapshot, ...]) -> None:
    remarks = Counter(load.remark for one in snapshots for load in one.units.values())
    assert {"故障", "歲修", "環保限制", "運轉限制", "友善降載減排"} <= set(remarks)
    assert all(remark == remark.strip() for remark in remarks)
