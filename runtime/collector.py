"""How often Python looks for garbage cycles in a process that makes thousands of objects a fetch."""

from __future__ import annotations

import gc

_COLLECT_AFTER = (100_000, 20, 50)


def collect_rarely() -> None:
    """Keep what start-up made out of the collector, and look for cycles rarely: reference counting frees the rest.

    With Python's own thresholds (700 objects) a fifth of a worker's CPU went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
