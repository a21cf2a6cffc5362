"""Loops that run beside a server, on its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running(
    *loops: Coroutine[Any, Any, None], ended: Callable[[asyncio.Task[None]], None]
) -> AsyncGenerator[None]:
    """Run loops beside what is in the context; who ends before it, or is cancelled with it, is told to `ended`."""
    tasks = [
        asyncio.create_task(loop, name=getattr(loop, "__qualname__", "loop")) for loop in loops
    ]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
