"""Loops that run beside a server, on its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Ended = Callable[[str, BaseException | None], object]
"""Is told the name of a loop that ended, and by which error."""


@asynccontextmanager
async def running(*loops: Coroutine[Any, Any, None], ended: Ended) -> AsyncGenerator[None]:
    """Run loops beside what is in the context; `ended` is told of those that end before it."""
    over = False

    def told(task: asyncio.Task[None]) -> None:
        if not over:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            ended(task.get_name(), error)

    tasks = [
        asyncio.create_task(loop, name=getattr(loop, "__qualname__", "loop")) for loop in loops
    ]
    for task in tasks:
        task.add_done_callback(told)
    try:
        yield
    finally:
        over = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
