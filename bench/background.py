"""A live programme of many meters, published at an even pace in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.foundation import Sender
from producers.load import LoadPlan, load_facility, load_records
from runtime.clock import SystemClock

SLICES_A_SECOND = 50
LONGEST_S = 7_200


@dataclass(slots=True)
class Background:
    """Readings of `facilities` x 3 materials at `per_second`; each meter reports in turn, for the time since its last.

    No history lies before the first reading, so that in the first minutes each reading changes its 24 h sum by more
    than the deadband and makes a position: the heaviest case. `published` counts what was handed over, `behind_s` is by
    how much the pace was missed at worst.
    """

    facilities: int
    per_second: int
    published: int = 0
    behind_s: float = 0.0
    failure: Exception | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def plan(self, now: datetime) -> LoadPlan:
        """Return the load as of now: the first round of readings ends at this moment."""
        shape = LoadPlan(facilities=self.facilities, start=now)
        period = timedelta(seconds=shape.series / self.per_second)
        return LoadPlan(facilities=self.facilities, start=now - period, period=period)

    @contextmanager
    def running(self, sender: Sender, now: datetime) -> Generator[LoadPlan]:
        """Enrol the facilities and publish while the block runs. Raises what the thread met."""
        plan = self.plan(now)
        sender.facilities(load_facility(plan, number) for number in range(plan.facilities))
        thread = threading.Thread(target=self._run, args=(sender, plan), name="background")
        thread.start()
        try:
            yield plan
        finally:
            self._stop.set()
            thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self, sender: Sender, plan: LoadPlan) -> None:
        try:
            self._publish(sender, plan)
        except Exception as error:  # it is raised again where the block ends
            self.failure = error

    def _publish(self, sender: Sender, plan: LoadPlan) -> None:
        clock = SystemClock()
        records = load_records(plan, sender.codec.encode, self.per_second * LONGEST_S)
        size = max(1, self.per_second // SLICES_A_SECOND)
        began = clock.monotonic_s()
        for number, one in enumerate(records):
            if number % size == 0:
                wait = began + number / self.per_second - clock.monotonic_s()
                self.behind_s = max(self.behind_s, -wait)
                if self._stop.wait(max(0.0, wait)):
                    break
            sender.reading(one.facility, one.key, one.value)
            self.published += 1
        sender.publisher.flush()
