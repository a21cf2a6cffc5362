"""Rounds of faults, stand by stand, and what came of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from tests.chaos import people
from tests.chaos.faults import FAULTS, NotReachedError
from tests.chaos.last_faults import LAST_FAULTS, READERS
from tests.chaos.oracle import Findings, compare
from tests.chaos.stand import Stand

PAUSE_S = 3.0
LOOKS_EVERY = 10
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What the rounds came to, all stands together."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter[str])
    findings: Findings = field(default_factory=Findings)

    @property
    def exact(self) -> bool:
        """Whether nothing was lost, doubled or different."""
        found = self.findings
        return not (found.lost or found.duplicated or found.differing)

    def line(self) -> str:
        """Return the last line: JSON for people and programs."""
        found = self.findings
        return json.dumps(
            {
                "seed": self.seed,
                "rounds": self.faults.total(),
                "faults": dict(sorted(self.faults.items())),
                "events": found.events,
                "lost": found.lost,
                "duplicated": found.duplicated,
                "differing": found.differing,
            }
        )


def chosen(choose: random.Random, rounds: int) -> list[list[str]]:
    """Return the faults of each stand: kinds that a stand survives, each once in a random order, and a last one."""
    stands: list[list[str]] = []
    last = sorted(LAST_FAULTS)
    while rounds > 0:
        survived = choose.sample(sorted(FAULTS), min(rounds - 1, len(FAULTS)))
        stands.append([*survived, last[len(stands) % len(last)]])
        rounds -= len(stands[-1])
    return stands


def run(stand: Stand, names: Sequence[str], outcome: Outcome, say: Say) -> None:
    """Let faults happen one after the other, while readings come; settle, compare, and let the last ones happen."""
    stand.pipeline.eventually("there is a match", lambda: stand.pipeline.get("matches"))
    people.act(stand)
    survived = [name for name in names if name in FAULTS]
    for number, name in enumerate(survived, 1):
        say(f"round {number} of {len(names)}: {name}")
        people.act(stand)
        stand.wait(stand.choose.uniform(0.0, PAUSE_S))
        try:
            FAULTS[name](stand)
            outcome.faults[name] += 1
        except NotReachedError as error:
            say(f"round {number}: {error}")
            outcome.faults[f"{name}_not_reached"] += 1
        if number % LOOKS_EVERY == 0:
            stand.recovered()
    say("settling")
    stand.recovered()
    count = stand.finish()
    stand.pipeline.settle()
    findings = compare(stand, count)
    for line in findings.lines:
        say(line)
    outcome.findings.add(findings)
    for name in names[len(survived) :]:
        reader = stand.choose.choice(sorted(READERS))
        say(f"round {len(names)} of {len(names)}: {name} for {reader}")
        try:
            LAST_FAULTS[name](stand, reader)
        except (AssertionError, pytest.fail.Exception) as error:
            outcome.findings.differ(f"{name} for {reader}: {error}")
            say(outcome.findings.lines[-1])
        outcome.faults[f"{name}_for_{reader}"] += 1
