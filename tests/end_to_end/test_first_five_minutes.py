"""What the README says of the first five minutes, typed as it stands there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.store_client import StoreClient, StoreError
from runtime.settings import load
from tests.end_to_end.pipeline import CLOCK, LONG_S
from tests.end_to_end.test_up import LONG_ENOUGH_S, logs, up

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def typed() -> list[str]:
    """Return the blocks of commands of the README's section, in their order."""
    section = (
        (ROOT / "README.md")
        .read_text("utf-8")
        .partition("## The first five minutes")[2]
        .partition("\n## ")[0]
    )
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def funnel(var: Path) -> Mapping[str, Any]:
    try:
        with StoreClient(load({"var": var}).settings.store.address) as store:
            return store.get("/api/v1/funnel")
    except StoreError:
        return {}


def the_actors_have_played(var: Path) -> bool:
    """Whether the stack is where a person who has read this far finds it."""
    found = funnel(var)
    return all(found.get(state, 0) > 0 for state in ("completed", "received_in_part", "declined"))


def test_the_first_five_minutes_go_as_the_readme_says(tmp_path: Path) -> None:
    path, *minutes = typed()
    assert len(minutes) == 4
    var, folder = tmp_path / "var", tmp_path / "somewhere"
    folder.mkdir()
    with up(var, LONG_ENOUGH_S) as process:
        deadline = CLOCK.monotonic_s() + LONG_S
        while not the_actors_have_played(var):
            assert process.poll() is None, logs(var)
            assert CLOCK.monotonic_s() < deadline, f"{funnel(var)}\n{logs(var)}"
            CLOCK.sleep(0.5)
        assert all(why.startswith("scripted: ") for why in funnel(var)["declined_reasons"])
        script = "\n".join(
            ("set -e", f"export SYNERGY__VAR='{var}'", path, f"cd '{folder}'", *minutes)
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * LONG_S,
        )
        process.terminate()
        process.wait(LONG_S)
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    assert "Both sides have accepted: this is transaction" in said, said
    assert "received_in_part" in said, said
    assert "2 new, 0 changed, 0 unchanged" in said
    assert re.search(r"matched after \d+\.\d s", said), said
    assert re.search(r"recomputed from [\d,]+ readings: 0 differ", said), said
    assert re.search(r"synergy\.availability\.v1 +\d+ +\d+", said), said
