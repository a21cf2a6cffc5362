"""`synergy up --for TIME --json`: the product as a newcomer starts it, replay included, twice on one folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.embedded.child import command_line
from cli.store_client import StoreClient, StoreError
from runtime.settings import load
from tests.end_to_end.pipeline import CLOCK, LONG_S

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

FIRST_S, SECOND_S, LONG_ENOUGH_S = 20, 20, 600
STARTS_WITHIN_S = 120.0  # a busy machine is no failure
EXACT = {"lost": 0, "duplicated": 0, "positions_differing": 0}
ENOUGH = {"matches": 5, "receivers": 8, "industries": 3}
STAGES = ("balance", "market", "store", "replay", "registry", "actors")


@contextmanager
def up(var: Path, seconds: int, *settings: str) -> Generator[subprocess.Popen[str]]:
    """Run the command; it is killed, and takes its processes along, when the test leaves early."""
    flags = [f"--set={one}" for one in (f"var={var}", *settings)]
    command = [sys.executable, "-m", "cli", *flags, "up", "--for", f"{seconds}s", "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def document(process: subprocess.Popen[str], var: Path) -> Mapping[str, Any]:
    """Return what the command prints at its end: one object on one line, with status 0."""
    printed, said = process.communicate(timeout=STARTS_WITHIN_S + FIRST_S)
    assert process.returncode == 0, f"{printed}\n{said}\n{logs(var)}"
    [line] = printed.splitlines()
    found: Mapping[str, Any] = json.loads(line)
    return found


def logs(var: Path) -> str:
    return "\n".join(
        f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
        for path in sorted((var / "log").glob("*.log"))
    )


def assert_quiet(var: Path) -> None:
    """Nothing in the logs of a healthy run wakes anybody up."""
    for stage in STAGES:
        for line in (var / "log" / f"{stage}.log").read_text(errors="replace").splitlines():
            assert json.loads(line)["level"] in {"info", "warning"}, line


def test_a_first_run_is_exact_and_a_second_goes_on_from_it(tmp_path: Path) -> None:
    with up(tmp_path, FIRST_S) as process:
        first = document(process, tmp_path)
    assert {name: first[name] for name in EXACT} == EXACT
    assert first["published"] > 0
    assert first["published"] == first["ledger_rows"]["availability"] - first["resent"]
    assert first["positions"] > 0
    assert first["open_matches"] >= 5
    assert first["rejected"] == 0
    assert first["seconds_to_first_match"] is not None
    with up(tmp_path, SECOND_S) as process:
        second = document(process, tmp_path)
    assert {name: second[name] for name in EXACT} == EXACT
    assert second["published"] > first["published"]
    assert second["ledger_rows"]["availability"] > first["ledger_rows"]["availability"]
    assert second["positions"] >= first["positions"]
    assert second["open_matches"] >= 5
    assert second["rejected"] == 0
    assert_quiet(tmp_path)


def test_a_clone_without_reference_data_has_receivers_and_matches_until_ctrl_c(
    tmp_path: Path,
) -> None:
    with up(tmp_path, LONG_ENOUGH_S, "replay.shared=/nonexistent") as process:
        best = _best_pilot(tmp_path, process)
        pids = [int(path.read_text()) for path in (tmp_path / "run").glob("*.pid")]
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=STARTS_WITHIN_S)
    assert best["matches"] >= ENOUGH["matches"], f"{best}\n{said}\n{logs(tmp_path)}"
    assert best["receivers"] >= ENOUGH["receivers"]
    assert best["industries"] >= ENOUGH["industries"]
    assert (process.returncode, printed) == (0, "")
    assert len(pids) == len(STAGES) + 1
    assert not [pid for pid in pids if str(tmp_path) in command_line(pid)]
    assert_quiet(tmp_path)


def _best_pilot(var: Path, process: subprocess.Popen[str]) -> Mapping[str, int]:
    """Return what the pilot had at most: open matches, facilities with a need, their industries."""
    best = dict.fromkeys(ENOUGH, 0)
    deadline = CLOCK.monotonic_s() + LONG_S
    while process.poll() is None and CLOCK.monotonic_s() < deadline:
        CLOCK.sleep(0.5)
        try:
            seen = _pilot(var)
        except StoreError:
            continue
        best = {name: max(best[name], seen[name]) for name in best}
        if all(best[name] >= wanted for name, wanted in ENOUGH.items()):
            break
    return best


def _pilot(var: Path) -> dict[str, int]:
    store = StoreClient(load({"var": var}).settings.store.address)
    try:
        matches, positions, facilities = (
            store.get(f"/api/v1/{name}", programme="hebei_anhui", limit="10000")[name]
            for name in ("matches", "positions", "facilities")
        )
    finally:
        store.close()
    receivers = {row["facility"] for row in positions if row["direction"] == "DEMAND"}
    industries = {row["industry"] for row in facilities if row["id"] in receivers}
    return {
        "matches": len(matches),
        "receivers": len(receivers),
        "industries": len(industries),
    }
