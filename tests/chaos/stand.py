"""The stack that chaos is let loose on: its own broker, two workers of each stage, a store, and a spooling source."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.foundation import take_free_ports
from cli.prepare import prepare
from cli.stack import PARTS, Part, Stack, StackSpec
from producers.spool import spooled_identities
from runtime.failpoints import Place
from runtime.settings import load
from schemas import topic_files
from tests.chaos.plants import PLANTS, facilities
from tests.end_to_end.pipeline import CLOCK, STAGE_INPUTS, Pipeline, say, started, stop

PROGRAM: Final = (sys.executable, "-m", "tests.chaos.process")
WORKERS: Final[Mapping[str, Sequence[str]]] = {
    "balance": ("balance", "balance-2"),
    "market": ("market", "market-2"),
}
STOPPED_S: Final = 9.0
"""Longer than a worker's session: its partitions have another owner by then."""
RECOVERED_S: Final = 180.0


def parts() -> list[Part]:
    """Return the usual parts with a second worker of each stage and the source instead of the replay."""
    own = [
        Part(name="balance-2", arguments=("worker", "balance"), stop_rank=2),
        Part(name="market-2", arguments=("worker", "market"), stop_rank=2),
        Part(name="source", arguments=("source",), stop_rank=1),
    ]
    return [part for part in PARTS if part.name not in {"replay", "actors"}] + own


@dataclass
class Stand:
    """The running stack, and what can be done to it.

    `choose` makes every choice: a seed repeats which faults come, and what the source disturbs. Which step of a process
    they meet is up to the machine.
    """

    pipeline: Pipeline
    choose: random.Random
    faults: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def control(self) -> Path:
        """Where the processes look for orders."""
        return self.pipeline.stack.settings.var / "chaos"

    # -- the source

    def begin(self) -> None:
        """Enrol the plants and let the source begin."""
        enrolled = [
            self.pipeline.record(topic_files.FACILITIES, one.id, one) for one in facilities()
        ]
        self.pipeline.publish(enrolled)
        self.pipeline.eventually(
            "all plants are enrolled", lambda: len(self.pipeline.get("facilities")) == len(PLANTS)
        )
        (self.control / "go").touch()

    def hold(self) -> None:
        """Let the source hold its breath; everything that it has spooled has passed every hop when this returns."""
        spool = self.control / "source.spool"
        (self.control / "pause").touch()
        self.pipeline.eventually(
            "the source has sent what it spooled",
            lambda: all(one.last == one.acknowledged for one in spooled_identities(spool)),
            RECOVERED_S,
        )
        self.pipeline.settle()

    def go_on(self) -> None:
        """Let the source breathe again."""
        (self.control / "pause").unlink()

    def finish(self) -> int:
        """Let the source send everything and its last readings; return how many it had spooled before those."""
        (self.control / "finish").touch()
        done = self.control / "finished"
        self.pipeline.eventually("the source has sent everything", done.exists, RECOVERED_S)
        return int(json.loads(done.read_text())["count"])

    # -- processes

    def pid(self, name: str) -> int | None:
        """Return the process of a part, or None while it waits for its next start."""
        return next(state.pid for state in self.pipeline.stack.states() if state.name == name)

    def running(self, name: str) -> int:
        """Return the process of a part once it runs."""
        return self.pipeline.eventually(f"{name} runs", lambda: self.pid(name) or 0)

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a part; return its process."""
        pid = self.running(name)
        os.kill(pid, number)
        return pid

    def broker(self) -> int:
        """Return the broker's process."""
        return int((self.pipeline.stack.settings.var / "run" / "kafka.pid").read_text())

    def die_at(self, place: Place, *names: str) -> set[str]:
        """Let parts die when they come to a place; return those that did so within some seconds."""
        pids = {name: self.running(name) for name in names}
        orders = [self.control / f"die-{pid}" for pid in pids.values()]
        for order in orders:
            order.write_text(place)
        deadline = CLOCK.monotonic_s() + 4 * STOPPED_S
        died: set[str] = set()
        while died != set(names) and CLOCK.monotonic_s() < deadline:
            self.wait(0.2)
            died |= {name for name, pid in pids.items() if self.pid(name) != pid}
        for order in orders:
            order.unlink(missing_ok=True)
        return died

    def wait(self, seconds: float) -> None:
        """Let time pass, and the supervisor look."""
        deadline = CLOCK.monotonic_s() + seconds
        while CLOCK.monotonic_s() < deadline:
            self.pipeline.stack.look()
            CLOCK.sleep(min(0.2, seconds))

    def recovered(self) -> None:
        """Wait until both stages have applied everything that is published now."""
        for stage, topics in STAGE_INPUTS.items():
            for topic in topics:
                self.pipeline.wait_applied(stage, topic, RECOVERED_S)


def start(var: Path, seed: int) -> Stand:
    """Start the stack on a folder of its own."""
    var.mkdir(exist_ok=True)
    take_free_ports(var)
    (var / "chaos").mkdir()
    (var / "chaos" / "seed").write_text(str(seed))
    loaded = load({"var": var, "logs.form": "json"})
    spec = StackSpec(loaded=loaded, parts=parts(), prepare=prepare, program=PROGRAM)
    choose = random.Random(seed)  # noqa: S311 - moments, no secrets
    return Stand(started(Stack(spec, CLOCK, say)), choose)


def end(stand: Stand) -> None:
    """Stop everything."""
    stop(stand.pipeline)
