"""Memory of the whole stack in full play while 100 clients hold a stream open, and what each of them was sent.

    .venv/bin/python -m bench.streams [seconds]

The streams ask for what the page asks for. The bar is held against RSS, which counts pages shared by two processes
twice; PSS, which divides them, stands beside it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

import httpx

from bench.at_rest import GIGABYTE_MB
from bench.first_match import open_matches
from bench.foundation import say, take_free_ports
from bench.machine import conditions, memory
from bench.results import Bar, Figure, record
from bench.running_stack import CpuShares, RunningStack, running_stack

STREAMS: Final = 100
PLAYED_S: Final = 60.0
MEASURED_S: Final = 30.0
PATH: Final = "/api/v1/stream?kinds=match,alert,transaction,unmatched,programme,outcome&form=row"


async def listen(address: str, seconds: float) -> list[int]:
    """Hold the streams open for so long; return how many messages each was sent."""
    found = [0] * STREAMS
    limits = httpx.Limits(max_connections=STREAMS)

    async def one(client: httpx.AsyncClient, number: int) -> None:
        async with client.stream("GET", f"{address}{PATH}") as answer:
            async for line in answer.aiter_lines():
                found[number] += line.startswith("event:")

    async with httpx.AsyncClient(timeout=None, trust_env=False, limits=limits) as client:  # noqa: S113 streams stay open
        tasks = [asyncio.create_task(one(client, number)) for number in range(STREAMS)]
        await asyncio.sleep(seconds)
        ended = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if ended:
        say(f"{ended} of {STREAMS} streams ended by themselves")
    return found


def measure(seconds: float) -> list[Figure]:
    """Play, open the streams, and look at the memory before they are closed."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var) as stack:
            stack.wait("a first match", lambda: open_matches(stack) > 0)
            stack.clock.sleep(PLAYED_S)
            before = _held(stack)
            shares = CpuShares.begin(stack)
            sent, during = asyncio.run(_watched(stack, seconds))
            cpu = shares.end(stack)
    said = conditions({"streams": STREAMS, "seconds": seconds, **cpu})
    return [
        Figure(
            name="stack with 100 open streams: memory",
            value=during[0] / GIGABYTE_MB,
            unit="GB RSS of all processes",
            bar=Bar("<", 2.0),
            conditions={
                **said,
                "pss_gb": round(during[1] / GIGABYTE_MB, 2),
                "gb_before": round(before[0] / GIGABYTE_MB, 2),
            },
        ),
        Figure(
            name="stack with 100 open streams: least sent to one",
            value=min(sent),
            unit="messages",
            bar=Bar(">=", 1),
            conditions={**said, "most": max(sent)},
        ),
    ]


async def _watched(stack: RunningStack, seconds: float) -> tuple[list[int], tuple[float, float]]:
    listening = asyncio.create_task(listen(stack.settings.store.address, seconds))
    await asyncio.sleep(seconds * 0.9)
    held = await asyncio.to_thread(_held, stack)
    return await listening, held


def _held(stack: RunningStack) -> tuple[float, float]:
    found = [memory(pid) for pid in stack.processes()]
    return sum(one.rss_mb for one in found), sum(one.pss_mb for one in found)


def main() -> None:
    """Measure and record."""
    record(measure(float(sys.argv[1]) if len(sys.argv) > 1 else MEASURED_S))


if __name__ == "__main__":
    main()
