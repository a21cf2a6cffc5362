"""From a visitor's own reading to what became of it, in the running demonstration.

    .venv/bin/python -m bench.own_plant [readings]

`synergy up` plays both programmes. The two sample plants of `synergy facilities template` are enrolled, and `synergy
publish` sends supplies of the power station, each of another size, one after the other. A time is what the command
says: from the moment it sends the reading to the first answer that names its matches, or why there is none.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.first_match import open_matches
from bench.foundation import take_free_ports
from bench.machine import conditions
from bench.results import Bar, Figure, percentiles, record
from bench.running_stack import CpuShares, RunningStack, StackFailedError, running_stack

READINGS = 20
WAIT_S = 30
PROGRAMME = "hebei_anhui"


def command(stack: RunningStack, *words: str, statuses: Sequence[int] = (0,)) -> str:
    """Run a command against the stack; return what it prints. Raises StackFailedError."""
    line = [sys.executable, "-m", "cli", "--set", f"var={stack.var}", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode not in statuses:
        raise StackFailedError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def seconds_of(stack: RunningStack, tonnes: int) -> float:
    """Publish a supply; return the seconds until its matches, or why there is none, are known."""
    supply = ("--supply", f"{tonnes} t/h", "--loi", "4.1%", "--wait", str(WAIT_S), "--json")
    plant = ("--facility", "my_power_station", "--material", "fly_ash")
    matched, unmatched = 0, 3
    said = command(stack, "publish", *plant, *supply, statuses=(matched, unmatched))
    return float(json.loads(said)["seconds"])


def measure(readings: int) -> list[Figure]:
    """Play the demonstration, enrol the plants, publish."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder) / "var"
        var.mkdir()
        take_free_ports(var)
        with running_stack(var) as stack:
            stack.wait("a first match", lambda: open_matches(stack) > 0)
            plants = Path(folder) / "plants.csv"
            plants.write_text(command(stack, "facilities", "template"))
            command(stack, "facilities", "import", str(plants), "--programme", PROGRAMME)
            used = CpuShares.begin(stack)
            seconds = [seconds_of(stack, 12 + number) for number in range(readings)]
            said = conditions({"readings": readings, **used.end(stack)})
    name = "own plant's reading to its matches or why none"
    return percentiles(name, seconds, {50: None, 99: Bar("<=", 5.0)}, said)


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS))


if __name__ == "__main__":
    main()
