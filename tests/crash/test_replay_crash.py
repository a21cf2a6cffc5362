"""A replay that is killed with SIGKILL at every moment of a step loses nothing and doubles no identity."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPLAYER = Path(__file__).with_name("replayer.py")
ROOT = Path(__file__).resolve().parents[2]
STATEMENTS_OF_A_STEP = 48
LINES_OF_A_STEP = 30


def run(folder: Path, *death: str) -> int:
    done = subprocess.run(
        [sys.executable, str(REPLAYER), str(folder), *death],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


def lines_of(folder: Path, kind: str) -> list[str]:
    lines = (folder / "broker").read_text().splitlines()
    return [line for line in lines if line.startswith(f"{kind}|")]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder) == 0
    readings = lines_of(folder, "reading")
    assert len(readings) == len(set(readings)) == 5 * 1500
    return readings


@pytest.mark.parametrize(
    ("where", "last"), [("statement", STATEMENTS_OF_A_STEP), ("line", LINES_OF_A_STEP)]
)
def test_killed_anywhere_and_resumed_it_publishes_what_an_uninterrupted_run_does(
    tmp_path: Path, uninterrupted: list[str], where: str, last: int
) -> None:
    for number in range(1, last + 1):
        assert run(tmp_path, where, str(number)) == -signal.SIGKILL
    assert run(tmp_path) == 0
    readings = lines_of(tmp_path, "reading")
    assert list(dict.fromkeys(readings)) == uninterrupted  # same identities, same order, none lost
    times = [line.split("|")[1] for line in lines_of(tmp_path, "tick")]
    assert times == sorted(times)  # programme time never went back
