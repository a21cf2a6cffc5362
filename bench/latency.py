"""From a step of a supply to the changed match over REST, at 10, 50 and 80 % of what the whole stack can take.

    .venv/bin/python -m bench.latency [steps]

The maximum comes first: readings as fast as the broker takes them, for some seconds, over the time until both stages
and the ledger have done them all. Then the same steps as in `bench.step_change` at each share of it, open loop: what
is due is sent, whatever became of what was sent before, and a step's time runs from the moment it was due. All of it
shares the machine: sender, broker, stages, store and the process that looks.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.background import Background
from bench.foundation import Sender, codec_of, say, sender, take_free_ports
from bench.machine import conditions
from bench.market_pair import MarketPair
from bench.results import Bar, Figure, percentiles, record
from bench.resume import idle
from bench.running_stack import RunningStack, running_stack
from bench.step_change import FACILITIES, enrol, enrol_pair, now_of, ready, under_load

STEPS = 40
FLOOD_S = 10.0
FLOOD_PER_SECOND = 1_000_000
SHARES = (0.1, 0.5, 0.8)
FIRST_EPOCH = 10
HELD_TO_THE_BAR = 0.5
BAR = Bar("<=", 2.0)
"""An interval of commits and a second more."""


@dataclass(frozen=True, slots=True)
class Level:
    """A share of the maximum as a pace. Each level's readings have an epoch of their own."""

    share: float
    per_second: int
    epoch: int


def maximum(stack: RunningStack, made: Sender) -> float:
    """Return the readings a second that the stack takes from the first one sent to the last one in the ledger."""
    background = Background(FACILITIES, FLOOD_PER_SECOND, epoch=FIRST_EPOCH)
    enrol(stack, background, made)
    began = stack.clock.monotonic_s()
    with background.running(made, now_of(stack)):
        stack.clock.sleep(FLOOD_S)
    stack.wait("the end of the flood", lambda: idle(stack))
    rate = background.published / (stack.clock.monotonic_s() - began)
    stack.check_accepted()
    say(f"{background.published:,} readings at {rate:,.0f} a second")
    return rate


def at_share(stack: RunningStack, pair: MarketPair, level: Level, steps: int) -> list[Figure]:
    """Take the steps while readings come at an even pace; return the figures."""
    background = Background(FACILITIES, level.per_second, epoch=level.epoch)
    codec = codec_of(stack.settings)
    with sender(stack.settings, codec) as of_load, background.running(of_load, now_of(stack)):
        seconds, used = under_load(stack, pair, steps)
    stack.wait("the end of the lag", lambda: idle(stack))
    said = conditions(
        {
            "steps": steps,
            "readings_per_s": level.per_second,
            "readings": background.published,
            "sent_late_at_worst_s": round(background.behind_s, 2),
            **used,
        }
    )
    bar = BAR if level.share == HELD_TO_THE_BAR else None
    bars = {50: None, 99: bar, 99.9: None}
    return percentiles(f"latency at {level.share:.0%} of the maximum", seconds, bars, said)


def measure(steps: int) -> list[Figure]:
    """Find the maximum, then take the steps at each share of it."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var, without=("replay",)) as stack:
            stack.wait("every part runs", lambda: ready(stack))
            with sender(stack.settings, codec_of(stack.settings)) as made:
                most = maximum(stack, made)
                whole = Figure(
                    name="whole stack: readings taken a second",
                    value=most,
                    unit="readings/s",
                    bar=None,
                    conditions=conditions({"flood_s": FLOOD_S}),
                )
                pair = enrol_pair(stack, made)
                levels = [
                    Level(share, round(most * share), FIRST_EPOCH + number)
                    for number, share in enumerate(SHARES, 1)
                ]
                found = [at_share(stack, pair, level, steps) for level in levels]
    return [whole, *chain.from_iterable(found)]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS))


if __name__ == "__main__":
    main()
