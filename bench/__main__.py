"""Run every benchmark that has a bar, one process each, and write `var/bench/results.json`.

    .venv/bin/python -m bench [NAME...]

One that fails does not keep the others from running; the exit status is 1 when one failed. A bar that is missed fails
nothing: what a machine can do depends on what else it does.
"""

from __future__ import annotations

import subprocess
import sys

from bench.foundation import say
from bench.results import RESULTS, line, read

BENCHMARKS = (
    "balance_worker",
    "engines",
    "scaling",
    "balance_core",
    "ledger_sink",
    "audit",
    "end_to_end",
    "first_match",
    "at_rest",
    "step_change",
    "latency",
    "answers",
    "own_plant",
    "resume",
    "page",
    "streams",
)


def main() -> int:
    """Run them one after the other: side by side they would measure each other."""
    names = sys.argv[1:] or BENCHMARKS
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        say(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}")
        return 2
    failed: list[str] = []
    for name in names:
        say(f"-- {name}")
        done = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
        if done.returncode:
            failed.append(name)
    say("")
    for document in read():
        say(line(document))
    say(f"written to {RESULTS}")
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
