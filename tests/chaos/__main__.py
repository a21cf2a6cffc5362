"""`make chaos`: a real stack, and everything that can happen to it.

    .venv/bin/python -m tests.chaos [--rounds N] [--seed N] [--only FAULT]

Prints the seed, every difference, and last one line with rounds, faults by kind, events, lost, duplicated, differing.
The exit status is 1 on any of these.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.rounds import chosen, run
from tests.chaos.stand import end, start
from tests.end_to_end.pipeline import CLOCK

BEGAN_S = CLOCK.monotonic_s()


def say(line: str) -> None:
    """Report progress, with the seconds since the start."""
    sys.stdout.write(f"{CLOCK.monotonic_s() - BEGAN_S:6.0f} s  {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the rounds on a folder of their own, which remains when something is wrong."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--rounds", type=int, default=2 * len(FAULTS))
    parser.add_argument("--seed", type=int, default=CLOCK.now_us() % 1_000_000)
    parser.add_argument("--only", choices=sorted(FAULTS))
    asked = parser.parse_args()
    seed, rounds = asked.seed, asked.rounds
    folder = Path(tempfile.mkdtemp(prefix="synergy-chaos-"))
    say(f"seed {seed}, {rounds} rounds, logs in {folder / 'log'}")
    stand = start(folder, seed)
    try:
        stand.begin()
        names = [asked.only] * rounds if asked.only else chosen(stand, rounds)
        outcome = run(stand, names, seed, say)
    finally:
        end(stand)
    return 0 if outcome.exact else 1


if __name__ == "__main__":
    sys.exit(main())
