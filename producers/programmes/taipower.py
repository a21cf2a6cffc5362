"""Ten-minute load of Taiwan's coal units (data: Taiwan Power Company), used as borrowed load profiles.

Quirks of the data: subtotal rows (unit `小計`) repeat the sum of the units; retired units keep sending
zeros with capacity `-`; unit names carry footnotes; remarks have trailing blanks or are one blank; some
snapshots are missing and some repeat the one before.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

TAIPEI = timezone(timedelta(hours=8))
SUBTOTAL = "小計"
RETIRED = "-"
FOOTNOTE = re.compile(r"\(註\d+\)")
STEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """Load of one source unit as a share of its capacity, with the publisher's remark (may be empty)."""

    share: float
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All units at one moment. `repeated`: every unit equals the snapshot before, so it may be stale."""

    time: datetime
    units: Mapping[str, UnitLoad]
    repeated: bool


def parse_snapshots(lines: Iterable[str]) -> tuple[Snapshot, ...]:
    """Read the rows of the shipped file into snapshots, oldest first.

    Subtotals and retired units are left out: counting them would double the load.
    """
    by_time: dict[datetime, dict[str, UnitLoad]] = {}
    for row in csv.DictReader(lines):
        time = datetime.fromisoformat(row["snapshot"]).replace(tzinfo=TAIPEI)
        units = by_time.setdefault(time, {})
        if row["unit"] == SUBTOTAL or row["capacity_mw"] == RETIRED:
            continue
        capacity, output = float(row["capacity_mw"]), float(row["net_output_mw"])
        name = FOOTNOTE.sub("", row["unit"])
        units[name] = UnitLoad(max(output, 0.0) / capacity, row["remark"].strip())
    snapshots: list[Snapshot] = []
    for time in sorted(by_time):
        repeated = bool(snapshots) and snapshots[-1].units == by_time[time]
        snapshots.append(Snapshot(time=time, units=by_time[time], repeated=repeated))
    return tuple(snapshots)
