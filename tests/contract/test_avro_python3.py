"""A reader that is still on avro-python3 (abandoned in 2021) can read every event we publish.

The library has the import name of its successor, which we use, so it lives in an environment of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.avro_files import record_schemas
from schemas.codec import HEADER_BYTES, Codec
from schemas.conversion import to_plain
from schemas.json_form import from_json

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("avro_python3_reader.py")
REQUIREMENT = "avro-python3==1.10.2"


def uv() -> str | None:
    """Return a uv: on PATH, beside the interpreter, or where the set-up puts its own."""
    places = (None, str(Path(sys.executable).parent), str(ROOT / "var" / "setup" / "uv" / "bin"))
    return next(filter(None, (shutil.which("uv", path=place) for place in places)), None)


def install(environment: Path) -> subprocess.CompletedProcess[str]:
    """Make an environment that has avro-python3 alone; by uv from the lock file, else by pip."""
    if found := uv():
        command = [found, "sync", "--locked", "--only-group", "interop", "--project", str(ROOT)]
        variables = {"UV_PROJECT_ENVIRONMENT": str(environment)}
        made = run([found, "venv", "--quiet", "--python", sys.executable, str(environment)], {})
        return made if made.returncode else run(command, variables)
    made = run([sys.executable, "-m", "venv", str(environment)], {})
    if made.returncode:
        return made
    return run([str(environment / "bin" / "python"), "-m", "pip", "install", REQUIREMENT], {})


def run(command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command with more variables in its environment."""
    settings = [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(
        ["env", *settings, *command], capture_output=True, text=True, check=False, cwd=ROOT
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    environment = tmp_path_factory.mktemp("interop") / "venv"
    made = install(environment)
    if made.returncode and any(
        word in made.stderr.lower() for word in ("connect", "resolve", "dns", "network")
    ):
        pytest.skip(f"{REQUIREMENT} can't be fetched: no network. {made.stderr[-300:]}")
    assert made.returncode == 0, made.stderr
    return environment / "bin" / "python"


def readable(value: Any) -> Any:
    """Return a plain value as the reader prints it."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {name: readable(item) for name, item in entries.items()}
    if isinstance(value, (list, tuple)):
        return [readable(item) for item in cast("list[Any]", value)]
    return value


def test_every_example_is_read_without_logical_types(python: Path) -> None:
    examples = files("schemas") / "examples"
    names = {"FacilityFacts": "facility_facts"}
    sent: list[dict[str, str]] = []
    expected: list[Any] = []
    for record, schema in record_schemas().items():
        name = names.get(record, record.lower())
        content = json.loads((examples / f"{name}.v1.json").read_text(encoding="utf-8"))
        event = from_json(record, content)
        body = Codec({record: 1}).encode(event)[HEADER_BYTES:]
        sent.append({"schema": schema.text, "body": body.hex()})
        expected.append(readable(to_plain(schema.type)(event)))

    done = subprocess.run(
        [str(python), "-W", "ignore", str(SCRIPT)],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
    assert len(expected) == len(record_schemas())
