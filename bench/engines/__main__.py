"""CPU per reading of the balance worker and of other engines, side by side.

    .venv/bin/python -m bench.engines [readings] [ENGINE...]

One broker, one topic of the product's own readings in 4 partitions, one engine after the other, each alone on a core
with broker and benchmark on another. Every engine keeps the sum of the last 24 h of each series in its durable state
and writes the sums that changed, once an interval; at the end all sums are compared with what the plan of the load
says, and an engine whose sums differ gets no figure. CPU is user + system time of the engine's processes from start to
end, less that of a run with the same state and no new readings: so imports, opening and stopping are not counted, and
warming up is. The others sum every record; only the balance worker validates, tells repeats by their identity, keeps
35 days besides, and publishes whole positions, when they are news.

After that, on a broker of its own, the control: loops that are killed in the middle of a commit, one of which has to
come out wrong.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench.engines.comparison import Comparison, cost_name, figures, ratio_name
from bench.engines.contenders import ENGINES, OURS
from bench.engines.control import KILLED_NAMES, control, killed_figures
from bench.engines.field import Field, field
from bench.engines.running import Cores, on_cores
from bench.machine import conditions
from bench.results import forget, record

READINGS = 2_000_000


@contextmanager
def fresh_field() -> Generator[Field]:
    """Yield a field on a broker of its own, with this process and the broker off the measured core."""
    cores = Cores.of(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory(prefix="synergy-engines-") as folder,
        on_cores(cores.others),
        field(Path(folder), cores) as ground,
    ):
        yield ground


def main() -> int:
    """Measure and record; the status is 1 when the balance worker has no figure."""
    readings = int(sys.argv[1]) if len(sys.argv) > 1 else READINGS
    wanted = set(sys.argv[2:])
    engines = [OURS, *(one for one in ENGINES if not wanted or one.key in wanted)]
    forget([*KILLED_NAMES, *(name(one) for one in engines for name in (cost_name, ratio_name))])
    with fresh_field() as ground:
        found = Comparison(ground, engines).measured(readings)
    record(figures(found, conditions))
    with fresh_field() as ground:
        killed = control(ground)
    record(killed_figures(killed, conditions))
    return 0 if any(one.engine is OURS for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
