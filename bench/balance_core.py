"""CPU cost of the pure balance stage: microseconds per reading, and per published position.

    .venv/bin/python -m bench.balance_core

CPU is user + system time of the process over all threads. Each line is one load: series in the partition, rows a
batch, batches a commit. Columns: `apply` per reading; `take` (events and parts) per series that changed; `both` per
reading. The bars: apply <= 0.8, take <= 12.
"""

from __future__ import annotations

import gc
import io
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import numpy as np
import polars as pl

from bench.machine import conditions
from bench.results import Bar, Figure, record
from schemas.events import (
    Basis,
    DataKind,
    Direction,
    Facility,
    Form,
    Provenance,
    Quality,
    SourceKind,
)
from synergy.balance import MaterialRule, PartitionBalances

START_US = 1_719_792_000_000_000  # 2024-07-01
MATERIALS = ("fly_ash", "gypsum", "steel_slag")
RULES = {material: MaterialRule("GRM", 10**12, 6 * 3_600_000_000) for material in MATERIALS}


@dataclass(frozen=True)
class Load:
    """What is measured."""

    name: str
    series: int
    period_us: int = 900_000_000
    rows: int = 20_000
    batches: int = 24
    batches_a_commit: int = 5
    noise: float = 0.3
    decorated: bool = False
    """Every reading carries a formula and a flag, every tenth is BAD, one source sends for all facilities."""


def frames(load: Load) -> list[pl.DataFrame]:
    """Make batches in which every series reports in turn, one source a facility."""
    generator = np.random.default_rng(7)
    made: list[pl.DataFrame] = []
    for batch in range(load.batches):
        index = np.arange(batch * load.rows, (batch + 1) * load.rows)
        step, series = index // load.series, index % load.series
        facility, material = series // len(MATERIALS), series % len(MATERIALS)
        steady = 1_000_000 * (1 + series % 17)
        quantity = (steady * (1 + load.noise * generator.standard_normal(load.rows))).astype(
            np.int64
        )
        start = START_US + step * load.period_us
        made.append(
            pl.DataFrame(
                {
                    "source": facility,
                    "facility": facility,
                    "epoch": np.ones(load.rows, np.int64),
                    "sequence": step * len(MATERIALS) + material + 1,
                    "material": np.array(MATERIALS)[material],
                    "quantity": np.abs(quantity),
                    "period_start": start,
                    "period_end": start + load.period_us,
                }
            ).with_columns(
                source=pl.format("meter-{}", pl.col("source").cast(pl.String).str.zfill(6)),
                facility=pl.format("facility-{}", pl.col("facility").cast(pl.String).str.zfill(6)),
                unit=pl.lit("GRM"),
                direction=place(Direction.SUPPLY),
                form=place(Form.FLOW),
                source_kind=place(SourceKind.METER),
                quality=place(Quality.GOOD),
                data_kind=place(DataKind.MEASURED),
                basis=place(Basis.DRY),
                period_start=pl.col("period_start").cast(pl.Datetime("us", "UTC")),
                period_end=pl.col("period_end").cast(pl.Datetime("us", "UTC")),
                formula=pl.lit(None, pl.String),
                document=pl.lit(None, pl.String),
                revision=pl.lit(None, pl.Int32),
                corrects=pl.lit(None, pl.String),
                flags=pl.lit([], pl.List(pl.String)),
                properties=pl.lit([], pl.List(pl.Struct({"name": pl.String, "value": pl.Float64}))),
            )
        )
    return [plain(decorate(frame) if load.decorated else frame) for frame in made]


def place(symbol: Enum) -> pl.Expr:
    """Return an enum column of one value, as it is decoded."""
    return pl.lit(list(type(symbol)).index(symbol), pl.Int32)


def decorate(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the readings as a replay of derived flows sends them."""
    bad = pl.int_range(pl.len()) % 10 == 0
    return frame.with_columns(
        source=pl.lit("replay"),
        formula=pl.lit("fly_ash_from_heat_input"),
        flags=pl.lit(["substitute"], pl.List(pl.String)),
        quality=pl.when(bad).then(place(Quality.BAD)).otherwise(place(Quality.ESTIMATED)),
    )


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every column written out, as a decoder gives it."""
    written = io.BytesIO()
    frame.write_ipc(written)
    return pl.read_ipc(written.getvalue())


def enrolled(load: Load) -> PartitionBalances:
    """Make a partition with all facilities enrolled and told."""
    balances = PartitionBalances.restore("synergy.availability.v1", 0, RULES, {}, lambda _: 0)
    for number in range(load.series // len(MATERIALS) + 1):
        balances.put_facility(
            Facility(
                id=f"facility-{number:06d}",
                programme="ohio-valley",
                name=f"Plant {number}",
                latitude=39.0,
                longitude=-80.0,
                industry="3510",
                valid_from=datetime(2000, 1, 1, tzinfo=UTC),
                provenance=Provenance.SAMPLE,
                source="bench",
                country="US",
            ),
            number,
        )
    balances.take_events(0)
    balances.take_parts()
    return balances


@dataclass(frozen=True)
class Cost:
    """What one load cost: microseconds of CPU, and events and parts for each series that changed."""

    apply: float
    take: float
    both: float
    events: float
    parts: float


def run(load: Load) -> Cost:
    """Run one load; the first third warms up."""
    balances = enrolled(load)
    offsets = np.arange(load.rows, dtype=np.int64)
    apply_cpu = take_cpu = 0.0
    changed = events = parts = readings = 0
    for number, frame in enumerate(frames(load)):
        ends = frame["period_end"].to_physical().to_numpy()
        warm = number >= load.batches // 3
        before = time.process_time()
        arrived = np.full(load.rows, ends.max())
        refused = balances.apply_readings(frame, offsets + number * load.rows, arrived)
        apply_cpu += warm * (time.process_time() - before)
        assert not refused
        readings += warm * load.rows
        if (number + 1) % load.batches_a_commit == 0:
            before = time.process_time()
            published = balances.take_events((number + 1) * load.rows)
            saved = balances.take_parts()
            take_cpu += warm * (time.process_time() - before)
            changed += warm * min(load.series, load.rows * load.batches_a_commit)
            events += warm * len(published)
            parts += warm * len(saved)
    assert balances.applied == load.rows * load.batches
    return Cost(
        apply=apply_cpu / readings * 1e6,
        take=take_cpu / changed * 1e6,
        both=(apply_cpu + take_cpu) / readings * 1e6,
        events=events / changed,
        parts=parts / changed,
    )


WORKER_LOAD = Load("6,000 series, 15 min, each batch", 6_000, batches_a_commit=1)
LOADS = (
    Load("1,500 series, 15 min", 1_500),
    Load("6,000 series, 15 min", 6_000),
    WORKER_LOAD,
    Load("6,000 series, 1 h", 6_000, period_us=3_600_000_000),
    Load("6,000 series, 10 min", 6_000, period_us=600_000_000),
    Load("6,000 series, 1 min", 6_000, period_us=60_000_000),
    Load("6,000 series, steady", 6_000, noise=0.0),
    Load("6,000 series, formula and flag", 6_000, decorated=True),
    Load("99 series", 99),
    Load("99,999 series", 99_999, batches=60),
)


def figures(load: Load, cost: Cost) -> tuple[Figure, ...]:
    """Return what is kept of the load that is most like the worker's."""
    kept = conditions(
        {"series": load.series, "rows_a_batch": load.rows, "events_a_series": cost.events}
    )
    return (
        Figure(
            name="balance_core_apply",
            value=cost.apply,
            unit="us/reading",
            bar=Bar("<=", 0.8),
            conditions=kept,
        ),
        Figure(
            name="balance_core_take", value=cost.take, unit="us/series", bar=None, conditions=kept
        ),
    )


def main() -> None:
    """Print the cost of all loads."""
    for load in LOADS:
        gc.collect()
        cost = run(load)
        sys.stdout.write(
            f"{load.name:34s} apply {cost.apply:6.3f} us/reading"
            f"   take {cost.take:6.2f} us/series   both {cost.both:6.3f} us/reading"
            f"   {cost.events:5.2f} events and {cost.parts:5.2f} parts a series\n"
        )
        sys.stdout.flush()
        if load is WORKER_LOAD:
            record(figures(load, cost))


if __name__ == "__main__":
    main()
