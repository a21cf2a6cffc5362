"""From a command to its outcome, and from a cause to its alert, over REST, while 1,000 readings a second come in.

    .venv/bin/python -m bench.answers [rounds] [readings a second]

The stack runs as `synergy up --without replay`, with the background of `bench.step_change`. A round makes a source lose
a reading: 64 readings with gaps between them are there, the 65th makes balance declare the oldest gap lost. The time of
an alert runs from the moment that reading was due to be sent to the first answer of `GET /api/v1/alerts` that has it,
asked every 20 ms. Then the alert is acknowledged: the time of a command is that of `POST /api/v1/commands` until it
answers with the outcome, accepted.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.background import Background
from bench.foundation import codec_of, say, sender, take_free_ports
from bench.machine import conditions
from bench.market_pair import GIVER, MarketPair
from bench.results import Bar, Condition, Figure, percentiles, record
from bench.running_stack import CpuShares, RunningStack, StackFailedError, running_stack
from bench.step_change import FACILITIES, PER_SECOND, POLL_S, PROGRAMME, enrol, now_of, ready
from schemas.identity import series_key
from synergy.balance.terms import RANGES_KEPT

ROUNDS = 60
WARM_UP_S = 20.0
PAUSE_S = (0.2, 1.2)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for."""

    rounds: int
    per_second: int


@dataclass(slots=True)
class Seconds:
    """What was measured, one of each a round."""

    alerts: list[float] = field(default_factory=list[float])
    commands: list[float] = field(default_factory=list[float])


def alert_of(stack: RunningStack, source: str) -> Mapping[str, Any] | None:
    """Return the alert about a source, None while there is none."""
    subject = f"{GIVER}/{source}/1"
    shown: list[dict[str, Any]] = stack.get(
        "/api/v1/alerts", programme=PROGRAMME, state="RAISED", limit="20"
    ).get("alerts", [])
    return next((one for one in shown if one["subject"] == subject), None)


def publish(pair: MarketPair, source: str, sequences: Sequence[int]) -> None:
    """Publish one gram for each sequence of a source, and wait for the broker."""
    for sequence in sequences:
        reading = replace(
            pair.flow(1), source=source, period_start=pair.now - timedelta(seconds=sequence)
        )
        key = series_key(reading.facility, reading.material, reading.direction)
        value = pair.sender.codec.encode(reading.identified(1, sequence))
        pair.sender.reading(reading.facility, key, value)
    pair.sender.publisher.flush()


def take_rounds(stack: RunningStack, pair: MarketPair, rounds: int) -> Seconds:
    """Lose a reading and acknowledge the alert, again and again."""
    moments = random.Random(20070301)  # noqa: S311 - no secret: the same moments every time
    found = Seconds()
    for number in range(rounds):
        source = f"bench/losing-{number}"
        every_second = [2 * at for at in range(1, RANGES_KEPT + 2)]
        publish(pair, source, every_second[:-1])
        stack.clock.sleep(moments.uniform(*PAUSE_S))
        due_s = stack.elapsed_s
        publish(pair, source, every_second[-1:])
        seen_s = stack.wait("the alert", lambda: alert_of(stack, source) is not None, POLL_S)  # noqa: B023
        found.alerts.append(seen_s - due_s)
        alert = alert_of(stack, source)
        if alert is not None:
            found.commands.append(acknowledge(stack, str(alert["id"])))
        if (number + 1) % 10 == 0:
            say(f"{number + 1} rounds, the last took {found.alerts[-1]:.2f} s")
    return found


def acknowledge(stack: RunningStack, alert: str) -> float:
    """Acknowledge an alert; return the seconds until the outcome. Raises StackFailedError."""
    body = {"action": "acknowledge", "subject": alert, "programme": PROGRAMME, "actor": "bench"}
    began_s = stack.elapsed_s
    outcome = stack.post("/api/v1/commands?wait=10", body)
    took_s = stack.elapsed_s - began_s
    if not outcome.get("accepted"):
        raise StackFailedError(f"an accepted command, and not {outcome}")
    return took_s


def measure(asked: Asked) -> list[Figure]:
    """Run the stack, the background and the rounds."""
    background = Background(FACILITIES, asked.per_second)
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var, without=("replay", "actors")) as stack:
            stack.wait("every part runs", lambda: ready(stack))
            codec = codec_of(stack.settings)
            with (
                sender(stack.settings, codec) as of_load,
                sender(stack.settings, codec) as of_pair,
            ):
                enrol(stack, background, of_load)
                with background.running(of_load, now_of(stack)):
                    pair = MarketPair(of_pair, PROGRAMME, now_of(stack))
                    pair.enrol()
                    stack.clock.sleep(WARM_UP_S)
                    used = CpuShares.begin(stack)
                    found = take_rounds(stack, pair, asked.rounds)
                    said = used.end(stack)
                    stack.check_accepted()
    return figures(found, asked, {"background_readings": background.published, **said})


def figures(found: Seconds, asked: Asked, more: Mapping[str, Condition]) -> list[Figure]:
    """Return median and 99th percentile of both."""
    said = conditions(
        {"rounds": asked.rounds, "background_readings_per_s": asked.per_second, **more}
    )
    measured = (
        ("command to outcome on REST", found.commands, 1.5),
        ("cause to alert on REST", found.alerts, 3.0),
    )
    return [
        figure
        for name, seconds, limit in measured
        for figure in percentiles(name, seconds, {50: None, 99: Bar("<=", limit)}, said)
    ]


def main() -> None:
    """Measure and record."""
    given = [int(text) for text in sys.argv[1:]]
    record(measure(Asked(*(*given, *(ROUNDS, PER_SECOND)[len(given) :]))))


if __name__ == "__main__":
    main()
