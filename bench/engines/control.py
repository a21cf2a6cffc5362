"""The control: loops that are killed with everything written and nothing committed, and what their sums are afterwards.

A day of readings, so that whatever is counted twice stays inside the window. Each loop sums the first half; a process
that goes on with the second half is killed in its first commit, and the next one goes on to the end. The at-least-once
loop has to come out wrong, or the comparison would prove nothing; the same loop with transactions and the balance
worker come out right.
"""

from __future__ import annotations

import signal
import subprocess
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

KILL_AT = 1
"""In which of its commits a process is killed. Half of the readings were committed by the process before it."""
INTERVAL_S = 0.5
KILLED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Victim:
    """A loop that is killed; `bar` is for the number of series whose sums are wrong."""

    engine: Engine
    command: Callable[[Task], Sequence[str]]
    killed: Callable[[Task], Sequence[str]]
    bar: Bar


AT_LEAST_ONCE, EXACTLY_ONCE = "at-least-once", "exactly-once"
LOOPS = {guarantee: f"bare loop, {guarantee}" for guarantee in (AT_LEAST_ONCE, EXACTLY_ONCE)}


def killed_name(name: str) -> str:
    """Return the name of the figure of a killed loop."""
    return f"engines: {name}, killed between write and commit"


KILLED_NAMES = tuple(killed_name(name) for name in (*LOOPS.values(), OURS.name))


def victims(field: Field) -> tuple[Victim, ...]:
    """Return the at-least-once loop, the same with transactions, and the balance worker."""
    worker = OURS.ready(field.settings)
    killer = [sys.executable, "-m", "bench.engines.programs.killed_worker", str(KILL_AT)]
    return (
        _loop(AT_LEAST_ONCE, Bar(">=", 1)),
        _loop(EXACTLY_ONCE, Bar("==", 0)),
        Victim(OURS, worker, lambda task: [*killer, *worker(task)[3:]], Bar("==", 0)),
    )


def _loop(guarantee: str, bar: Bar) -> Victim:
    engine = replace(OURS, key=f"killed_{guarantee}", name=LOOPS[guarantee])
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
    rounds = WINDOW // PLAN.period
    everyone = victims(field)
    field.fill(rounds // 2 * PLAN.series)
    for victim in everyone:
        _to_the_end(field, victim)
    field.fill(rounds * PLAN.series)
    return [_killed(field, victim) for victim in everyone]


def _task(field: Field, victim: Victim) -> Task:
    return replace(field.task(victim.engine), interval_s=INTERVAL_S)


def _to_the_end(field: Field, victim: Victim) -> None:
    task = _task(field, victim)
    arrived = at_end(field.settings, task.group, task.topic, task.partitions)
    run(Run(victim.command(task), log_of(victim.engine), field.cores.measured), arrived)


def _killed(field: Field, victim: Victim) -> Survivor:
    task, log = _task(field, victim), log_of(victim.engine)
    doomed = start(Run(victim.killed(task), log, field.cores.measured))
    try:
        ended = doomed.wait(KILLED_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise EngineError(f"no commit {KILL_AT} within {KILLED_WITHIN_S:g} s", log) from None
    finally:
        doomed.kill()
        doomed.wait()
    if ended != -signal.SIGKILL:
        raise EngineError(f"it ended with {ended} and was not killed", log)
    _to_the_end(field, victim)
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
            name=killed_name(one.victim.engine.name),
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
