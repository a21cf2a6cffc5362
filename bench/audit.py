"""Seconds of audit questions to a ledger of ten million readings: a year of quarter-hours of a hundred plants.

    .venv/bin/python -m bench.audit [steps]

Each plant has three meters. One reading in a hundred was sent again, one in ten thousand of the first ten plants was
rejected. The questions are the named ones, asked through the handle that people's questions get: one thread, 256 MB.
The ledger has ten plants first and a hundred then, and what is asked about one plant should take no longer for the
other ninety.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.foundation import say
from bench.machine import conditions
from bench.results import Bar, Figure, record
from console.audit.named_queries import named_queries
from console.audit.parameters import PARAMETERS
from console.ledger_readers import SEARCH
from runtime.clickhouse import ClickHouse, EmbeddedEngine, open_database
from runtime.clock import SystemClock
from sinks.migrate import migrate, shipped

STEPS: Final = 33_333
METERS: Final = 3
FEW, MANY = 10, 100
ROWS_A_BLOCK: Final = 240_000
MATCH: Final = "00000000-0000-0000-0000-000000000001"
TIMES: Final = 3

PLANT: Final[Mapping[str, object]] = {"facility": "plant07"}
MARCH: Final[Mapping[str, object]] = {"from": "2024-03-01", "to": "2024-04-01"}


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `bar` is in seconds, for a hundred plants."""

    what: str
    name: str
    asked: Mapping[str, object]
    bar: float


OF_ONE: Final = (
    Question("one plant's months", "tonnes", PLANT, 1.0),
    Question("one plant's March", "tonnes", {**PLANT, **MARCH}, 1.0),
    Question("what of one plant was rejected or late", "rejected_late", PLANT, 1.0),
    Question("readings behind a match", "match_readings", {"match": MATCH}, 1.0),
)
OF_ALL: Final = (
    Question("everybody's March", "tonnes", MARCH, 10.0),
    Question("everybody's months", "tonnes", {}, 30.0),
    Question("what was rejected or late", "rejected_late", {}, 10.0),
)

# {first} and {count} are numbers of readings: by quarter-hour, then plant from {from_plant} of {plants}, then meter.
_READINGS: Final = """
INSERT INTO availability (
    id, source, facility, epoch, sequence, material, direction, form, source_kind, quantity, unit, period_start,
    period_end, observed_at, quality, data_kind, basis, flags, properties, _topic, _topic_id, _partition, _offset,
    _timestamp, _schema_id, _key, _value
)
WITH
    intDiv(number, {plants} * 3) AS step,
    {from_plant} + intDiv(number, 3) % {plants} AS plant,
    number % 3 AS meter,
    toDateTime64('2024-01-01 00:00:00', 6, 'UTC') + toIntervalMinute(15 * step) AS begin
SELECT
    generateUUIDv4(), concat('meter/', toString(plant)), concat('plant', leftPad(toString(plant), 2, '0')), 1,
    step * 3 + meter + 1, ['fly_ash', 'fgd_gypsum', 'bottom_ash'][meter + 1], 'SUPPLY', 'FLOW', 'METER',
    1000000 + rand() % 1000000, 'GRM', begin, begin + toIntervalMinute(15), begin + toIntervalMinute(15), 'GOOD',
    'MEASURED', 'DRY', [], [], 'synergy.availability.v1', 'topic', plant % 4,
    number * 2 + copy, toDateTime64(begin, 3, 'UTC'), 1, concat('plant', toString(plant)), ''
FROM numbers({first}, {count})
ARRAY JOIN if(number % 100 = 0, [0, 1], [0]) AS copy
"""
_REJECTED: Final = """
INSERT INTO rejected (origin, code, message, facility, source, stage, _topic, _topic_id, _partition, _offset,
    _timestamp, _schema_id, _value)
SELECT
    (_topic, _partition, _offset), 'wrong_unit', 'the unit is wrong', facility, source, 'balance',
    'synergy.rejected.v1', 'rejections', 0, rowNumberInAllBlocks(), _timestamp, 1, ''
FROM availability
WHERE _offset % 20000 = 2
"""
_FACILITIES: Final = """
INSERT INTO facilities (id, programme, park, name, latitude, longitude, industry, permits, blocked, valid_from,
    provenance, source, country, _topic, _topic_id, _partition, _offset, _timestamp, _schema_id, _value)
SELECT
    concat('plant', leftPad(toString(number), 2, '0')), 'big', 'park', 'Plant (sample)', 32.6, 117, '3510', [], [],
    toDateTime64('2024-01-01 00:00:00', 6, 'UTC'), 'SAMPLE', 'made up for a benchmark', 'CN', 'synergy.facilities.v1',
    'facts', 0, number, toDateTime64('2024-01-01 00:00:00', 3, 'UTC'), 1, ''
FROM numbers(100)
"""
_POSITIONS: Final = """
INSERT INTO positions (programme, facility, material, direction, as_of, applied, latest, latest_source,
    latest_sequence, source_kind, data_kind, unit, quantity_24h, basis, _topic,
    _topic_id, _partition, _offset, _timestamp, _schema_id, _value)
SELECT
    'big', facility, material, direction, period_end, (_topic, _partition, _offset + 1), (_topic, _partition, _offset),
    source, sequence, source_kind, data_kind, unit, quantity, basis, 'synergy.positions.v1', 'positions', 0, _offset,
    _timestamp, 1, ''
FROM availability
WHERE facility IN ('plant07', 'plant08') AND _offset % 2 = 0
"""
_MATCH: Final = """
INSERT INTO matches (id, programme, revision, state, giver, receiver, material, need, unit, supply_position,
    need_position, _topic, _topic_id, _partition, _offset, _timestamp, _schema_id, _value)
SELECT
    '{match}', 'big', 1, 'PROPOSED', 'plant07', 'plant08', 'fly_ash', 'fgd_gypsum', 'GRM',
    ('synergy.positions.v1', 0, maxIf(_offset, facility = 'plant07' AND material = 'fly_ash')),
    ('synergy.positions.v1', 0, maxIf(_offset, facility = 'plant08' AND material = 'fgd_gypsum')),
    'synergy.matches.v1', 'matches', 0, 0, max(_timestamp), 1, ''
FROM positions
"""


def fill(database: ClickHouse, steps: int, plants: range) -> None:
    """Insert the readings of some plants in the order of time, as a sink does."""
    rows = steps * len(plants) * METERS
    for first in range(0, rows, ROWS_A_BLOCK):
        count = min(ROWS_A_BLOCK, rows - first)
        said = {"first": first, "count": count, "plants": len(plants), "from_plant": plants.start}
        database.command(_READINGS.format(**said))
        if first // ROWS_A_BLOCK % 8 == 0:
            say(f"{first + count:,} of {rows:,} readings")


def seconds(database: ClickHouse, question: Question) -> float:
    """Return the median of some answers' seconds."""
    clock, query = SystemClock(), named_queries()[question.name]
    values = {one: PARAMETERS[one].absent for one in query.takes} | dict(question.asked)
    took: list[float] = []
    for _ in range(TIMES):
        began = clock.monotonic_s()
        reader = database.reader(SEARCH)
        rows = reader.query(query.sql, values).rows
        reader.close()
        took.append(clock.monotonic_s() - began)
        if not rows:
            raise RuntimeError(question.what)
    return sorted(took)[TIMES // 2]


def measure(steps: int) -> list[Figure]:
    """Fill a ledger, ask, fill it further, ask again; return the figures."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        database = open_database(EmbeddedEngine(path=Path(folder) / "ledger"))
        try:
            migrate(database, shipped())
            database.command(_FACILITIES)
            fill(database, steps, range(FEW))
            for statement in (_POSITIONS, _MATCH.format(match=MATCH), _REJECTED):
                database.command(statement)
            few = {one.what: seconds(database, one) for one in OF_ONE}
            fill(database, steps, range(FEW, MANY))
            many = {one.what: seconds(database, one) for one in OF_ONE + OF_ALL}
        finally:
            database.close()
    return figures(steps, few, many)


def figures(steps: int, few: Mapping[str, float], many: Mapping[str, float]) -> list[Figure]:
    """Return the seconds of every question, and how they grew with the ledger."""
    said = conditions({"readings": steps * MANY * METERS, "plants": MANY})
    rows: list[tuple[str, float, str, Bar | None]] = [
        (one.what, many[one.what], "s", Bar("<=", one.bar)) for one in OF_ONE + OF_ALL
    ]
    grown = sum(many[what] for what in few) / sum(few.values())
    rows.append(("about one plant, beside a tenth of the ledger", grown, "times", Bar("<=", 2.0)))
    return [
        Figure(name=f"audit: {what}", value=value, unit=unit, bar=bar, conditions=said)
        for what, value, unit, bar in rows
    ]


def main() -> None:
    """Measure and record."""
    record(measure(int(sys.argv[1]) if len(sys.argv) > 1 else STEPS))


if __name__ == "__main__":
    main()
