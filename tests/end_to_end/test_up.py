"""`synergy up --for TIME --json`: the product as a newcomer starts it, replay included, twice on one folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.store_client import StoreClient, StoreError
from runtime.settings import SettingsError, load
from tests.end_to_end.pipeline import CLOCK, LONG_S

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SECONDS = 20
STARTS_WITHIN_S = 120.0  # a busy machine is no failure
EXACT = {"lost": 0, "duplicated": 0, "positions_differing": 0}
STAGES = ("balance", "market", "store", "replay", "registry")


@contextmanager
def up(var: Path, *settings: str) -> Generator[subprocess.Popen[str]]:
    """Run the command; it is killed, and takes its processes along, when the test leaves early."""
    flags = [f"--set={one}" for one in (f"var={var}", *settings)]
    command = [sys.executable, "-m", "cli", *flags, "up", "--for", f"{SECONDS}s", "--json"]
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
    printed, said = process.communicate(timeout=STARTS_WITHIN_S + 2 * SECONDS)
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
    with up(tmp_path) as process:
        first = document(process, tmp_path)
    assert {name: first[name] for name in EXACT} == EXACT
    assert first["published"] > 0
    assert first["published"] == first["ledger_rows"]["availability"] - first["resent"]
    assert first["positions"] > 0
    assert first["open_matches"] >= 5
    assert first["rejected"] == 0
    assert first["seconds_to_first_match"] is not None
    with up(tmp_path) as process:
        second = document(process, tmp_path)
    assert {name: second[name] for name in EXACT} == EXACT
    assert second["published"] > first["published"]
    assert second["ledger_rows"]["availability"] > first["ledger_rows"]["availability"]
    assert second["positions"] >= first["positions"]
    assert second["open_matches"] >= 5
    assert second["rejected"] == 0
    assert_quiet(tmp_path)


def test_a_clone_without_reference_data_has_receivers_and_matches(tmp_path: Path) -> None:
    with up(tmp_path, "replay.shared=/nonexistent") as process:
        best = _best_pilot(tmp_path, process)
        found = document(process, tmp_path)
    assert {name: found[name] for name in EXACT} == EXACT
    assert best["matches"] >= 5
    assert best["receivers"] >= 8
    assert best["industries"] >= 3


def _best_pilot(var: Path, process: subprocess.Popen[str]) -> Mapping[str, int]:
    """Return what the pilot had while it ran: open matches, facilities with a need, their industries."""
    best: dict[str, int] = dict.fromkeys(("matches", "receivers", "industries"), 0)
    deadline = CLOCK.monotonic_s() + LONG_S
    while process.poll() is None and CLOCK.monotonic_s() < deadline:
        CLOCK.sleep(0.5)
        try:
            seen = _pilot(var)
        except (StoreError, SettingsError):
            continue
        best = {name: max(best[name], seen[name]) for name in best}
        if best["matches"] >= 5 and best["receivers"] >= 8 and best["industries"] >= 3:
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
