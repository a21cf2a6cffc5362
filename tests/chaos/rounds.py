"""Rounds of faults on one stand, and what came of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos import people
from tests.chaos.faults import FAULTS, NotReachedError
from tests.chaos.oracle import Findings, compare
from tests.chaos.stand import Stand

PAUSE_S = 3.0
LOOKS_EVERY = 10
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    seed: int
    faults: Counter[str]
    findings: Findings

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


def chosen(stand: Stand, rounds: int) -> list[str]:
    """Return the faults of so many rounds: every kind as often as any other, in a random order."""
    names: list[str] = []
    while len(names) < rounds:
        names += stand.choose.sample(sorted(FAULTS), len(FAULTS))
    return names[:rounds]


def run(stand: Stand, names: Sequence[str], seed: int, say: Say) -> Outcome:
    """Let the faults happen one after the other, while readings come; settle, and compare."""
    counted: Counter[str] = Counter()
    stand.pipeline.eventually("there is a match", lambda: stand.pipeline.get("matches"))
    for number, name in enumerate(names, 1):
        say(f"round {number} of {len(names)}: {name}")
        people.act(stand)
        stand.wait(stand.choose.uniform(0.0, PAUSE_S))
        try:
            FAULTS[name](stand)
            counted[name] += 1
        except NotReachedError as error:
            say(f"round {number}: {error}")
            counted[f"{name}_not_reached"] += 1
        if number % LOOKS_EVERY == 0:
            stand.recovered()
    say("settling")
    stand.recovered()
    count = stand.finish()
    stand.pipeline.settle()
    findings = compare(stand, count)
    for line in findings.lines:
        say(line)
    outcome = Outcome(seed, counted, findings)
    say(outcome.line())
    return outcome
