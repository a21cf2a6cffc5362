"""CPU cost of checked block decoding, and of its unchecked core, for batches as the balance worker gets them.

    .venv/bin/python bench/block_decoding.py [batches]

A batch is 20,000 readings of 2,000 facilities x 3 materials. CPU is user + system time of the process, over all its
threads: polars uses several. The bar: <= 0.9 microseconds a reading.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import polars as pl

from producers.load import LoadPlan, load_records
from schemas.block import BlockReaders, decode_batch
from schemas.codec import Codec

ROWS = 20_000
TOKEN = 0x7EDC_BA98_7654_3210
PLAN = LoadPlan(facilities=2_000, start=datetime(2024, 7, 1, tzinfo=UTC))


def cpu_s() -> float:
    """Return the CPU time of the process so far, over all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def say(line: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{line}\n")


def microseconds_a_row(work: Callable[[], object], batches: int) -> tuple[float, float]:
    """Return the mean and the best cost of one row."""
    work()
    costs: list[float] = []
    for _ in range(batches):
        before = cpu_s()
        work()
        costs.append((cpu_s() - before) / ROWS * 1e6)
    return sum(costs) / len(costs), min(costs)


def main() -> None:
    """Measure and print."""
    batches = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    codec = Codec({"Availability": 1, "Tick": 2})
    readers = BlockReaders(codec)
    values = [record.value for record in load_records(PLAN, codec.encode, ROWS)]
    block = readers.reader(1).lay_out(values, TOKEN)
    broken = [*values[:-1], values[-1][:-1]]
    cases: dict[str, Callable[[], object]] = {
        "checked": lambda: decode_batch(values, readers, TOKEN),
        "polars alone": lambda: pl.read_avro(BytesIO(block.data)),
        "checked, one bad row": lambda: decode_batch(broken, readers, TOKEN),
    }
    say(f"{ROWS} rows of {len(values[0])} bytes, {batches} batches, microseconds of CPU a row")
    for name, work in cases.items():
        mean, best = microseconds_a_row(work, batches)
        say(f"{name:22} mean {mean:.3f}  best {best:.3f}")


if __name__ == "__main__":
    main()
