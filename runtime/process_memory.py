"""What a process keeps of the memory it has used: Python's garbage collector and the C library's allocator."""

from __future__ import annotations

import ctypes
import gc

_COLLECT_AFTER = (100_000, 20, 50)
_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # as glibc's malloc.h has them
_MALLOC = {_ARENA_MAX: 1, _MMAP_THRESHOLD: 1 << 20, _TRIM_THRESHOLD: 32 << 20}


def collect_rarely() -> None:
    """Keep what start-up made out of the collector, and look for cycles rarely: reference counting frees the rest.

    With Python's own thresholds (700 objects) a fifth of a worker's CPU went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def give_memory_back() -> None:
    """Let glibc keep one arena for all threads and give free memory back; other C libraries do as they do.

    Each thread that allocates has an arena of its own otherwise, and what is freed there stays with the process. An
    arena that is there stays: call it before polars is imported, which starts threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for name, value in _MALLOC.items():
            mallopt(name, value)
