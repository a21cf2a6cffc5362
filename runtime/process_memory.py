"""What a process keeps of the memory it has used: Python's garbage collector and the C library's allocator."""

from __future__ import annotations

import ctypes
import gc

_COLLECT_AFTER = (100_000, 20, 50)
_ARENA_MAX, _TRIM_THRESHOLD, _MMAP_THRESHOLD = -8, -1, -3
"""Names of parameters in glibc's malloc.h."""


def collect_rarely() -> None:
    """Keep what start-up made out of the collector, and look for cycles rarely: reference counting frees the rest.

    With Python's own thresholds (700 objects) a fifth of a worker's CPU went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def give_memory_back() -> bool:
    """Let glibc keep one arena for all threads and give free memory back to the system; return whether it does.

    Call it before threads start. Else each thread that allocates has an arena of its own, and what is freed there stays
    with the process. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wanted = {_ARENA_MAX: 1, _MMAP_THRESHOLD: 1 << 20, _TRIM_THRESHOLD: 32 << 20}
    return all(mallopt(name, value) == 1 for name, value in wanted.items())
