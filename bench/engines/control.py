"""The control: loops that are killed with everything written and nothing committed, and what their sums are afterwards.

A day of readings, so that whatever is counted twice stays inside the window. An at-least-once loop has to come out
wrong, or the comparison would prove nothing; the same loop with transactions and the balance worker come out right.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.engines.comparison import log_of
from bench.engines.contenders import OURS, Engine, Task, floor_command
from bench.engines.field import PLAN, Field
from bench.engines.oracle import WINDOW, differing, expected_sums, surplus
from bench.engines.running import EngineError, Run, at_end, run, start
from bench.foundation import say
from bench.results import Bar, Condition, Figure

KILL_AT = 7
"""In which commit of the process it is killed: partitions commit one by one, and some have done it before."""
INTERVAL_S = 0.5
KILLED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Victim:
    """A loop that is killed; `bar` is for the number of series whose sums are wrong."""

    engine: Engine
    command: Callable[[Task], Sequence[str]]
    killed: Callable[[Task], Sequence[str]]
    bar: Bar


def victims(field: Field) -> tuple[Victim, ...]:
    """Return the at-least-once loop, the same with transactions, and the balance worker."""
    worker = OURS.ready(field.settings)
    killer = [sys.executable, "-m", "bench.engines.programs.killed_worker", str(KILL_AT)]
    return (
        _loop("at-least-once", Bar(">=", 1)),
        _loop("exactly-once", Bar("==", 0)),
        Victim(OURS, worker, lambda task: [*killer, *worker(task)[3:]], Bar("==", 0)),
    )


def _loop(guarantee: str, bar: Bar) -> Victim:
    engine = replace(OURS, key=f"killed_{guarantee}", name=f"bare loop, {guarantee}")
    return Victim(
        engine,
        lambda task: floor_command(task, guarantee=guarantee),
        lambda task: floor_command(task, guarantee=guarantee, kill_at=str(KILL_AT)),
        bar,
    )


@dataclass(frozen=True, slots=True)
class Survivor:
    """A loop that was killed and went on to the end: how many series are wrong, and what was counted too much."""

    victim: Victim
    wrong: int
    surplus: float


def control(field: Field) -> list[Survivor]:
    """Kill each loop, let it go on to the end, and look at its sums.

    Raises:
        EngineError: one was not killed, or did not come to the end.
    """
    field.fill(WINDOW // PLAN.period * PLAN.series)
    return [_killed(field, victim) for victim in victims(field)]


def _killed(field: Field, victim: Victim) -> Survivor:
    task = replace(field.task(victim.engine), interval_s=INTERVAL_S)
    log, cores = log_of(victim.engine), field.cores.measured
    doomed = start(Run(command=victim.killed(task), log=log, cores=cores))
    try:
        ended = doomed.wait(KILLED_WITHIN_S)
    finally:
        doomed.kill()
    if ended != -signal.SIGKILL:
        raise EngineError(f"it ended with {ended} and was not killed", log)
    arrived = at_end(field.settings, task.group, task.topic, task.partitions)
    run(Run(command=victim.command(task), log=log, cores=cores), arrived)
    found = field.written(victim.engine, task).sums
    expected = expected_sums(PLAN, field.readings)
    made = Survivor(victim, differing(found, expected), surplus(found, expected))
    say(
        f"{victim.engine.name}: killed in commit {KILL_AT}: {made.wrong} wrong, {made.surplus:+.1%}"
    )
    return made


def killed_figures(
    survivors: Sequence[Survivor], said: Callable[[dict[str, Condition]], dict[str, Condition]]
) -> list[Figure]:
    """Return how many series of each are wrong."""
    return [
        Figure(
            name=f"engines: {one.victim.engine.name}, killed between write and commit",
            value=one.wrong,
            unit=f"wrong sums of {PLAN.series}",
            bar=one.victim.bar,
            conditions=said(
                {
                    "killed_in_commit": KILL_AT,
                    "counted_too_much_percent": round(100 * one.surplus, 1),
                }
            ),
        )
        for one in survivors
    ]
