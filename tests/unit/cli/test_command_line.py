"""The commands as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.stack import PARTS
from cli.up import DurationError, Request, seconds_of

HEAVY = ("pydantic", "polars", "confluent_kafka", "faust", "numpy", "rich", "httpx", "chdb")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['synergy', '--help']\nfrom cli.__main__ import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.replace("'", '"')))
    assert "Usage: synergy" in done.stdout
    assert loaded & set(HEAVY) == set()


def test_the_commands_that_are_promised_exist() -> None:
    text = CliRunner().invoke(app, ["--help"]).output
    for command in (
        "up", "status", "topics", "schemas", "replay", "worker", "store", "rejected", "sql", "doctor", "config",
    ):  # fmt: skip
        assert f"\n  {command}" in text, command


@pytest.mark.parametrize(
    ("typed", "left_out"),
    [([], set[str]()), (["--no-actors"], {"actors"}), (["--without", "replay"], {"replay"})],
)
def test_what_is_left_out_of_a_start_is_not_started(
    typed: list[str], left_out: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []

    def up(request: Request) -> int:
        asked.append(request)
        return 0

    monkeypatch.setattr("cli.up.up", up)
    assert CliRunner().invoke(app, ["up", *typed]).exit_code == 0
    (request,) = asked
    assert request.without == left_out
    assert {"actors", "replay"} <= {part.name for part in PARTS}


def test_config_show_prints_values_with_their_origin() -> None:
    shown = CliRunner().invoke(app, ["--set", "store.port=8123", "config", "show", "--json"])
    rows = {row["name"]: row for row in json.loads(shown.output)}
    assert rows["store.port"] == {"name": "store.port", "value": "8123", "origin": "flag"}
    assert rows["kafka.bootstrap"]["origin"] == "default"


def test_a_setting_without_a_value_is_typed_wrongly() -> None:
    assert CliRunner().invoke(app, ["--set", "store.port", "config", "show"]).exit_code == 2


def test_an_error_of_ours_is_a_sentence_and_status_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--set", "store.port=0", "status"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("synergy: settings: store.port (flag)")
    assert "Traceback" not in done.stderr


def test_a_command_that_needs_the_store_says_how_to_start_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--set", "store.port=1", "status"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "make run" in done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("1h", 3600), ("2", 2)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "0", "1d", "nan", "inf", "5 minutes"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(DurationError):
        seconds_of(text)
