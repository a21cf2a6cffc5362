"""`make chaos`: a real stack, and everything that can happen to it.

    .venv/bin/python -m tests.chaos [--rounds N] [--seed N] [--only FAULT]

Prints the seed, every difference, and last one line with rounds, faults by kind, events, lost, duplicated, differing.
The exit status is 1 on any of these.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.last_faults import LAST_FAULTS
from tests.chaos.rounds import Outcome, chosen, run
from tests.chaos.stand import end, start
from tests.end_to_end.pipeline import CLOCK

BEGAN_S = CLOCK.monotonic_s()


def say(line: str) -> None:
    """Report progress, with the seconds since the start."""
    sys.stdout.write(f"{CLOCK.monotonic_s() - BEGAN_S:6.0f} s  {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the rounds; each stand has a folder of its own, which remains."""
    kinds = sorted(FAULTS.keys() | LAST_FAULTS.keys())
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--rounds", type=int, default=2 * (len(FAULTS) + 1))
    parser.add_argument("--seed", type=int, default=CLOCK.now_us() % 1_000_000)
    parser.add_argument("--only", choices=kinds)
    asked = parser.parse_args()
    seed, rounds = asked.seed, asked.rounds
    choose = random.Random(seed)  # noqa: S311 - moments, no secrets
    if asked.only is None:
        stands = chosen(choose, rounds)
    elif asked.only in FAULTS:
        stands = [[asked.only] * rounds]
    else:
        stands = [[asked.only]] * rounds
    folder = Path(tempfile.mkdtemp(prefix="synergy-chaos-"))
    say(f"seed {seed}, {rounds} rounds on {len(stands)} stands, logs in {folder}")
    outcome = Outcome(seed)
    for number, names in enumerate(stands, 1):
        say(f"stand {number} of {len(stands)}: {len(names)} rounds")
        stand = start(folder / str(number), choose.randrange(1_000_000))
        try:
            stand.begin()
            run(stand, names, outcome, say)
        finally:
            end(stand)
    say(outcome.line())
    return 0 if outcome.exact else 1


if __name__ == "__main__":
    sys.exit(main())
