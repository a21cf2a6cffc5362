"""One engine after the other on the same readings, and what comes out as figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.engines.contenders import INTERVAL_S, OURS, Commands, Engine
from bench.engines.environments import FOLDER, EnvironmentFailedError
from bench.engines.field import PLAN, Field
from bench.engines.oracle import differing, expected_sums
from bench.engines.running import LOOK_S, EngineError, Run, Usage, at_end, run
from bench.foundation import say
from bench.results import Bar, Condition, Figure
from cli.embedded.jars import JarError

Found = TypeVar("Found")
FIRST = PLAN.series
"""The readings of the first run, one of each series. The idle run after it has ticks alone: what is taken off is
starting with the state of all series and stopping, and nothing that goes by readings, series or commits."""
UNIT = "us of user+system CPU"


@dataclass(frozen=True, slots=True)
class Measured:
    """What an engine cost for so many readings beyond its idle run; its sums were right."""

    engine: Engine
    readings: int
    idle: Usage
    drain: Usage
    records: int
    decoding_us: float

    @property
    def cost_us(self) -> float:
        """CPU per reading in microseconds."""
        return (self.drain.cpu_s - self.idle.cpu_s) / self.readings * 1e6

    @property
    def per_s(self) -> float:
        """Readings per second of wall time; a commit interval is in it, start and stop are not."""
        return self.readings / max(self.drain.wall_s - self.idle.wall_s, LOOK_S)


class Comparison:
    """The engines on one field."""

    def __init__(self, field: Field, engines: Sequence[Engine]) -> None:
        self._field = field
        self._engines = engines
        self._commands: dict[str, Commands] = {}
        self._first: list[str] = []
        self._idle: dict[str, Usage] = {}

    def measured(self, readings: int) -> list[Measured]:
        """Return what could be measured; what could not is said."""
        for engine in self._engines:
            self._try(engine, self._make_ready)
        self._field.fill(FIRST)
        for engine in self._able(self._commands):
            self._try(engine, self._run_first)
        self._field.tick()
        for engine in self._able(self._first):
            self._try(engine, self._run_idle)
        found: list[Measured | None] = []
        for engine in sorted(self._able(self._idle), key=lambda one: one.share):
            self._field.fill(whole_rounds(readings * engine.share))
            found.append(self._try(engine, self._drain))
        return [one for one in found if one is not None]

    def _able(self, table: Iterable[str]) -> list[Engine]:
        names = set(table)
        return [engine for engine in self._engines if engine.key in names]

    def _try(self, engine: Engine, step: Callable[[Engine], Found]) -> Found | None:
        try:
            return step(engine)
        except (EngineError, EnvironmentFailedError, JarError) as error:
            say(f"{engine.name}: no figure: {error}")
            return None

    def _make_ready(self, engine: Engine) -> None:
        self._commands[engine.key] = engine.ready(self._field.settings)

    def _run_first(self, engine: Engine) -> None:
        """Let it make its topics and files, and compile what it compiles only once."""
        self._run(engine)
        self._first.append(engine.key)

    def _run_idle(self, engine: Engine) -> None:
        self._idle[engine.key] = self._run(engine)

    def _drain(self, engine: Engine) -> Measured | None:
        drain = self._run(engine)
        written = self._field.written(engine, self._field.task(engine))
        wrong = differing(written.sums, expected_sums(PLAN, self._field.readings))
        if wrong:
            say(f"{engine.name}: no figure: the sums of {wrong} of {PLAN.series} series are wrong")
            return None
        readings = self._field.readings - FIRST
        decoding_us = self._field.decoding_us()
        idle = self._idle[engine.key]
        found = Measured(engine, readings, idle, drain, written.records, decoding_us)
        say(
            f"{engine.name}: {found.cost_us:.2f} us a reading, {found.per_s:,.0f} readings/s, sums are right"
        )
        return found

    def _run(self, engine: Engine) -> Usage:
        say(f"{engine.name}: {self._field.readings:,} readings are there")
        task = self._field.task(engine)
        what = Run(
            command=self._commands[engine.key](task),
            log=log_of(engine),
            cores=self._field.cores.measured,
            settle_s=engine.settle_s,
        )
        if not engine.grouped:
            return run(what, None)
        return run(what, at_end(self._field.settings, task.group, task.topic, task.partitions))


def log_of(engine: Engine) -> Path:
    """Return where the output of an engine goes."""
    return FOLDER / "log" / f"{engine.key}.log"


def whole_rounds(readings: float) -> int:
    """Return the largest number of whole rounds that is not above, at least two rounds, in readings.

    >>> whole_rounds(2_000_000), whole_rounds(1)
    (1998000, 12000)
    """
    return max(2, int(readings) // PLAN.series) * PLAN.series


def cost_name(engine: Engine) -> str:
    """Return the name of the figure of an engine's cost."""
    return f"engines: {engine.name}: CPU per reading"


def ratio_name(engine: Engine) -> str:
    """Return the name of the figure of the balance worker's cost over an engine's."""
    return f"engines: balance worker over {engine.name}"


def figures(
    found: Sequence[Measured], said: Callable[[dict[str, Condition]], dict[str, Condition]]
) -> list[Figure]:
    """Return the costs, cheapest first, and the ratios of the balance worker's cost to those of the others."""
    costs = sorted(found, key=lambda one: one.cost_us)
    made = [_cost(one, said) for one in costs]
    ours = next((one for one in costs if one.engine is OURS), None)
    if ours is None:
        return made
    return made + [_ratio(ours, one, said) for one in costs if one is not ours]


def _cost(one: Measured, said: Callable[[dict[str, Condition]], dict[str, Condition]]) -> Figure:
    return Figure(
        name=cost_name(one.engine),
        value=one.cost_us,
        unit=UNIT,
        bar=None,
        conditions=said(
            {
                "readings": one.readings,
                "series": PLAN.series,
                "readings_a_second": round(one.per_s),
                "records_written": one.records,
                "interval_s": INTERVAL_S,
                "cpu_of_start_and_stop_s": round(one.idle.cpu_s, 2),
                "fastavro_then_us": round(one.decoding_us, 1),
                "engine": one.engine.said,
            }
        ),
    )


def _ratio(
    ours: Measured, other: Measured, said: Callable[[dict[str, Condition]], dict[str, Condition]]
) -> Figure:
    most = other.engine.most
    return Figure(
        name=ratio_name(other.engine),
        value=ours.cost_us / other.cost_us,
        unit="of its CPU per reading",
        bar=None if most is None else Bar("<=", most),
        conditions=said({"ours_us": round(ours.cost_us, 2), "its_us": round(other.cost_us, 2)}),
    )
