"""From a step of a supply to the changed match over REST, while 1,000 readings a second come in.

    .venv/bin/python -m bench.step_change [steps] [readings a second]

The stack runs as `synergy up --without replay`. A live programme of 2,000 plants x 3 materials publishes the
background; in the same programme a refinery offers sulphur to an acid works, 30 % more or less at random moments, 1 to
3 s after the last step was seen. The time of a step runs from the moment it was due to be sent, not from the broker's
acknowledgement, to the first answer of `GET /api/v1/matches` with the new quantity, asked every 20 ms.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.background import Background
from bench.foundation import Sender, codec_of, say, sender, take_free_ports
from bench.machine import conditions
from bench.market_pair import GIVER, GRAM_A_TONNE, MarketPair
from bench.results import Bar, Condition, Figure, percentiles, record
from bench.running_stack import CpuShares, RunningStack, running_stack
from runtime.clock import US_PER_S

STEPS = 60
PER_SECOND = 1_000
FACILITIES = 2_000
PROGRAMME = "load"
WARM_UP_S = 20.0
POLL_S = 0.02
PAUSE_S = (1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Steps:
    """What was asked for."""

    count: int
    per_second: int


def now_of(stack: RunningStack) -> datetime:
    """Return the time of day."""
    return datetime.fromtimestamp(stack.clock.now_us() / US_PER_S, UTC)


def shown_tonnes(stack: RunningStack) -> float | None:
    """Return what the pair's match says a day, None while there is none."""
    matches: list[dict[str, Any]] = stack.get("/api/v1/matches", facility=GIVER).get("matches", [])
    return float(matches[0]["quantity_per_day"]) if matches else None


def shows(stack: RunningStack, grams: int) -> bool:
    """Whether the match has this quantity, to the kilogram that the documents have."""
    tonnes = shown_tonnes(stack)
    return tonnes is not None and abs(tonnes - grams / GRAM_A_TONNE) < 0.01


def ready(stack: RunningStack) -> bool:
    """Whether every part is a process of this start and the store answers that it is ready."""
    parts = ("kafka", "registry", "store", "balance", "market")
    return all(stack.runs(name) for name in parts) and bool(stack.get("/readyz").get("ready"))


def take_steps(stack: RunningStack, pair: MarketPair, steps: int) -> list[float]:
    """Take the steps; return the seconds of each."""
    moments = random.Random(20070301)  # noqa: S311 - no secret: the same moments every time
    seconds: list[float] = []
    for number in range(steps):
        stack.clock.sleep(moments.uniform(*PAUSE_S))
        due_s = stack.elapsed_s
        wanted = pair.step()
        seen_s = stack.wait("the changed match", lambda: shows(stack, wanted), POLL_S)  # noqa: B023
        seconds.append(seen_s - due_s)
        if (number + 1) % 10 == 0:
            say(f"{number + 1} steps, the last took {seconds[-1]:.2f} s")
    return seconds


def enrol(stack: RunningStack, background: Background, sender: Sender) -> None:
    """Publish the background's facilities and wait until the stack knows them all."""
    background.enrol(sender)

    def known() -> bool:
        found = stack.get("/api/v1/facilities", programme=PROGRAMME, limit="1")
        return int(found.get("total", 0)) >= background.facilities

    stack.wait("the facilities", known)


def enrol_pair(stack: RunningStack, sender: Sender) -> MarketPair:
    """Return the pair once its match is shown."""
    pair = MarketPair(sender, PROGRAMME, now_of(stack))
    pair.enrol()
    stack.wait("the pair's match", lambda: shows(stack, pair.quantity))
    return pair


def under_load(
    stack: RunningStack, pair: MarketPair, steps: int
) -> tuple[list[float], dict[str, Condition]]:
    """Return the seconds of each step, and the CPU of the processes meanwhile as conditions."""
    stack.clock.sleep(WARM_UP_S)
    used = CpuShares.begin(stack)
    seconds = take_steps(stack, pair, steps)
    said = used.end(stack)
    stack.check_accepted()
    return seconds, said


def measure(asked: Steps) -> list[Figure]:
    """Run the stack, the background and the steps."""
    background = Background(FACILITIES, asked.per_second)
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var, without=("replay",)) as stack:
            stack.wait("every part runs", lambda: ready(stack))
            codec = codec_of(stack.settings)
            with (
                sender(stack.settings, codec) as of_load,
                sender(stack.settings, codec) as of_pair,
            ):
                enrol(stack, background, of_load)
                with background.running(of_load, now_of(stack)):
                    pair = enrol_pair(stack, of_pair)
                    seconds, said = under_load(stack, pair, asked.count)
    return figures(seconds, asked, background, said)


def figures(
    seconds: Sequence[float], asked: Steps, background: Background, more: Mapping[str, Condition]
) -> list[Figure]:
    """Return the percentiles."""
    said = conditions(
        {
            "steps": len(seconds),
            "background_readings_per_s": asked.per_second,
            "background_readings": background.published,
            "background_behind_at_worst_s": round(background.behind_s, 2),
            **more,
        }
    )
    return percentiles(
        "step change to visible match", seconds, {50: Bar("<=", 1.5), 99: Bar("<=", 3.0)}, said
    )


def main() -> None:
    """Measure and record."""
    given = [int(text) for text in sys.argv[1:]]
    record(measure(Steps(*(*given, *(STEPS, PER_SECOND)[len(given) :]))))


if __name__ == "__main__":
    main()
