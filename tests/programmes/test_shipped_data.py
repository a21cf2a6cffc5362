"""The shipped rows are the rows of the reference data, trimmed as the citation says and nothing else."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from producers.programmes import shipped_folder
from producers.programmes.files import read_lines

COAL_STATIONS = {
    "3935", "3936", "3938", "3942", "3943", "3944", "3945", "3946", "3947", "3948", "3954",
    "6004", "6264",
}  # fmt: skip
EPA_COLUMNS = (0, 1, 2, 3, 5, 7, 8, 10, 11, 12)
FIRST_SNAPSHOT = "2024-07-14 00:00"
LARGEST_TOTAL = 10_000_000


def shipped_rows(name: str) -> list[list[str]]:
    return list(csv.reader(read_lines(shipped_folder() / name)))[1:]


@pytest.mark.parametrize(
    ("source", "shipped"),
    [
        ("epa_cem_wv_2007_03_hourly.csv", "epa_hourly_2007_03.csv.gz"),
        ("epa_cem_mitchell1_2007_hourly.csv", "epa_hourly_2007_mitchell_1.csv.gz"),
        ("epa_cem_mountaineer1_2007_hourly.csv", "epa_hourly_2007_mountaineer_1.csv.gz"),
    ],
)
def test_epa_rows_are_unchanged(shared: Path, source: str, shipped: str) -> None:
    rows = csv.reader(read_lines(shared / "data" / "timeseries" / source))
    expected = [[row[at] for at in EPA_COLUMNS] for row in rows if row[0] in COAL_STATIONS]
    assert len(expected) >= 8760
    assert shipped_rows(f"ohio_valley/{shipped}") == expected


def test_taipower_rows_are_unchanged(shared: Path) -> None:
    lines = read_lines(shared / "data/timeseries/taipower_coal_units_2024_07_10min.tsv")
    rows = csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE)
    expected = [
        row[:8] for row in rows if row[0] >= FIRST_SNAPSHOT and not row[1].startswith("汽電共生")
    ]
    assert len(expected) > 40_000
    shipped = shipped_rows("hebei_anhui/taipower_coal_units_2024_07_10min.csv.gz")
    assert shipped == expected


def test_power_plant_rows_are_unchanged(shared: Path) -> None:
    rows = csv.reader(read_lines(shared / "data/facilities/qinhuangdao_huainan_150km.csv"))
    expected = [row for row in rows if row[1] == "coal power plant"]
    assert len(expected) == 42
    assert shipped_rows("hebei_anhui/wri_coal_power.csv") == expected


def test_shipped_data_is_small_and_every_folder_has_licence_and_citation() -> None:
    folder = shipped_folder()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST_TOTAL
    for programme in ("ohio_valley", "hebei_anhui"):
        for name in ("LICENCE.md", "CITATION.md"):
            assert (folder / programme / name).read_text(encoding="utf-8").strip()
    licence = (folder / "hebei_anhui" / "LICENCE.md").read_text(encoding="utf-8")
    assert "data: Taiwan Power Company" in licence
