"""A live programme of many meters, published at an even pace in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bench.foundation import Sender
from producers.load import (
    EPOCH_START,
    LoadPlan,
    load_facility,
    load_reading,
    load_records,
    load_sequence,
)
from runtime.clock import SystemClock
from schemas.identity import series_key

DAY = timedelta(days=1)
HISTORY_EPOCH = 2
SLICES_A_SECOND = 50
LONGEST_S = 7_200


@dataclass(slots=True)
class Background:
    """Readings of `facilities` x 3 materials at `per_second`; each meter reports in turn, for the time since its last.

    Loads one after the other need epochs of their own. `published` counts what was handed over, `behind_s` is by
    how much the pace was missed at worst.
    """

    facilities: int
    per_second: int
    epoch: int = 1
    published: int = 0
    behind_s: float = 0.0
    failure: Exception | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def plan(self, now: datetime) -> LoadPlan:
        """Return the load as of now: the first round of readings ends at this moment."""
        shape = LoadPlan(facilities=self.facilities, start=now)
        period = timedelta(seconds=shape.series / self.per_second)
        start = now - period
        return LoadPlan(facilities=self.facilities, start=start, period=period, epoch=self.epoch)

    def enrol(self, sender: Sender) -> None:
        """Publish the facilities. Balance has to know them before their first reading: look at the store."""
        plan = self.plan(EPOCH_START)
        sender.facilities(load_facility(plan, number) for number in range(plan.facilities))

    def give_history(self, sender: Sender, now: datetime) -> None:
        """Publish one reading for the last 24 h of each series, at the rate of those to come.

        Without it each reading of the first ten minutes changes its 24 h sum by more than the deadband, and so makes a
        position: the heaviest case. With it, positions are as rare as in a programme that has run for a day.
        """
        plan = self.plan(now)
        end = plan.start
        times = int(DAY / plan.period)
        for number in range(plan.series):
            one = load_reading(plan, number)
            day = replace(
                one, quantity=one.quantity * times, period_start=end - DAY, period_end=end
            )
            event = day.identified(HISTORY_EPOCH, load_sequence(plan, number))
            key = series_key(day.facility, day.material, day.direction)
            sender.reading(day.facility, key, sender.codec.encode(event))
        sender.publisher.flush()

    @contextmanager
    def running(self, sender: Sender, now: datetime) -> Generator[LoadPlan]:
        """Publish while the block runs. Raises what the thread met."""
        plan = self.plan(now)
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
