"""`synergy verify positions`: published positions recomputed from the ledger's own bytes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cli.connections import registry_address
from cli.questions import ask
from cli.store_client import StoreClient
from cli.tables import aligned
from cli.verify_errors import MomentError, NothingKnownError, UnknownFacilityError
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all, with_schemas_of
from runtime.settings import load
from schemas.codec import Codec
from schemas.events import Position
from schemas.topic_files import AVAILABILITY
from sinks.ledger_tables import TOMBSTONES, UNDECODABLE, tables_of
from stream_processors.balance import material_rules
from synergy.balance import MaterialRule
from synergy.balance.terms import arrival_us
from synergy.balance.verification import Difference, Evidence, Moments, Stated, Taken, verify
from synergy.catalogue import load_catalogue
from synergy.catalogue.near_names import near

Form = Literal["text", "json"]
PAGE = 5_000
COLUMNS = ("facility", "material", "direction", "field", "stated", "recomputed")
READ = "SELECT _offset, toUnixTimestamp64Milli(_timestamp) AS appended_ms, hex(_value) FROM"
NEWEST_TOPIC = "_topic_id = (SELECT argMax(_topic_id, _timestamp) FROM availability)"
SINCE_THEN = (  # a former topic had other records at the same offsets; the brokers' clocks may differ by a minute
    f"_timestamp >= (SELECT min(_timestamp) - INTERVAL 1 MINUTE FROM availability WHERE {NEWEST_TOPIC})"  # noqa: S608
)
NOT_REJECTED = (
    "(_topic, _partition, _offset) NOT IN"  # noqa: S608
    f" (SELECT origin.topic, origin.partition, origin.offset FROM rejected WHERE {SINCE_THEN})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which positions: the latest of each series that was known at a time, or now; of one facility, or of all."""

    at: datetime | None = None
    facility: str | None = None


@dataclass(slots=True)
class Report:
    """What was looked at, and what differs.

    `waiting` are series of which every position includes readings that the ledger does not have yet.
    """

    positions: int = 0
    readings: int = 0
    waiting: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])

    def document(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "positions": self.positions,
            "readings": self.readings,
            "waiting": self.waiting,
            "differing": len({one.position for one in self.differences}),
            "differences": [
                dict(zip(COLUMNS, row, strict=True)) for row in _rows(self.differences)
            ],
        }


def verify_positions(
    flags: Mapping[str, object], at: str | None, facility: str | None, form: Form
) -> int:
    """Recompute the latest positions from the readings that they include; return 1 when one differs.

    Raises:
        SettingsError, StoreError, RegistryError: the ledger or the schemas can't be asked.
        MomentError: `at` is no time.
        UnknownFacilityError: the ledger has no position of the facility.
        NothingKnownError: there were no positions at that time.
    """
    settings = load(flags).settings
    asked = Selection(at=None if at is None else moment_of(at), facility=facility)
    with (
        StoreClient(settings.store.address) as store,
        RegistryClient(registry_address(settings)) as registry,
    ):
        ledger = Ledger(store, registry, look_up_all(registry))
        report = verified(ledger, asked, material_rules(load_catalogue()))
    if form == "json":
        sys.stdout.write(json.dumps(report.document(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(report))
    return status_of(report, asked)


def moment_of(text: str) -> datetime:
    """Return a time in UTC; without an offset it is taken as UTC. Raises MomentError.

    >>> moment_of("2026-03-01T12:00:00+08:00").isoformat()
    '2026-03-01T04:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentError(text) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Ledger:
    """Records as the ledger holds them: their own bytes, decoded here."""

    def __init__(self, store: StoreClient, registry: RegistryClient, codec: Codec) -> None:
        self._store = store
        self._registry = registry
        self._codec = codec
        self._moments: dict[tuple[str, int], Moments] = {}

    def positions(self, asked: Selection) -> Iterator[tuple[list[Stated], int]]:
        """Yield the latest positions of each facility, and of how many of its series none can be recomputed yet.

        Positions and readings are on different topics: the ledger may have a position before its readings. Then the
        latest one whose readings it has is taken.
        """
        known = (
            SINCE_THEN if asked.at is None else f"{SINCE_THEN} AND _timestamp <= {_time(asked.at)}"
        )
        reach = self._reach()
        _, found = ask(self._store, "SELECT DISTINCT facility FROM positions ORDER BY facility")
        facilities = [str(row[0]) for row in found]
        if asked.facility is not None:
            if asked.facility not in facilities:
                raise UnknownFacilityError(asked.facility, near(asked.facility, facilities))
            facilities = [asked.facility]
        for facility in facilities:
            where = f"facility = {_text(facility)} AND {known}"
            _, [[series]] = ask(
                self._store,
                f"SELECT uniqExact(material, direction) FROM positions WHERE {where}",  # noqa: S608
            )
            stated = [
                Stated(event, arrived_us, has_means="means" in self._codec.fields_of(value))
                for _, arrived_us, value in self._rows(
                    f"{READ} positions WHERE {where} AND applied.offset <= {reach}"
                    " ORDER BY _timestamp DESC, _offset DESC LIMIT 1 BY material, direction"
                )
                if isinstance(event := self._codec.decode(value), Position)
            ]
            yield stated, int(series) - len(stated)

    def _reach(self) -> str:
        """Return, as a term of SQL, the offset up to which the ledger has the partition that a position rests on."""
        tables = " UNION ALL ".join(
            f"SELECT _partition, _offset FROM {table} WHERE {NEWEST_TOPIC}"  # noqa: S608 - our own names
            for table in (*tables_of(AVAILABILITY), UNDECODABLE, TOMBSTONES)
        )
        statement = f"SELECT _partition, max(_offset) + 1 FROM ({tables}) GROUP BY _partition"  # noqa: S608
        _, rows = ask(self._store, statement)
        numbers, ends = [int(row[0]) for row in rows], [int(row[1]) for row in rows]
        return f"transform(applied.partition, {numbers}, {ends}, 0)" if rows else "0"

    def readings(self, facility: str, partition: int, until: int) -> list[Taken]:
        """Return the readings of a facility below an offset that were not rejected."""
        where = f"facility = {_text(facility)} AND _partition = {partition} AND {NEWEST_TOPIC} AND {NOT_REJECTED}"
        return self._paged("availability", where, -1, until)

    def moments(self, programme: str, partition: int, until: int) -> Moments:
        """Return the times of a programme by its ticks below an offset."""
        key = programme, partition
        known = self._moments.setdefault(key, Moments(programme))
        where = f"programme = {_text(programme)} AND _partition = {partition} AND {NEWEST_TOPIC}"
        known.add(self._paged("ticks", where, known.last, until))
        return known

    def _paged(self, table: str, where: str, after: int, until: int) -> list[Taken]:
        found: list[Taken] = []
        while True:
            page = self._read(
                f"{READ} {table} WHERE {where} AND _offset > {after} AND _offset < {until}"
                f" ORDER BY _offset LIMIT {PAGE}"
            )
            found += page
            if len(page) < PAGE:
                return found
            after = page[-1].offset

    def _read(self, statement: str) -> list[Taken]:
        rows = self._rows(statement)
        return [Taken(offset, at, self._codec.decode(value)) for offset, at, value in rows]

    def _rows(self, statement: str) -> list[tuple[int, int, bytes]]:
        """Return offset, time of arrival and bytes; the codec knows their schemas afterwards."""
        _, rows = ask(self._store, statement)
        values = [bytes.fromhex(str(row[2])) for row in rows]
        if unknown := self._codec.unknown_ids(values):
            self._codec = with_schemas_of(self._codec, unknown, self._registry)
        return [
            (int(row[0]), arrival_us(int(row[1])), value)
            for row, value in zip(rows, values, strict=True)
        ]


def verified(ledger: Ledger, asked: Selection, rules: Mapping[str, MaterialRule]) -> Report:
    """Recompute the positions that were asked for; say on a terminal how far it is."""
    report = Report()
    for stated, waiting in ledger.positions(asked):
        report.waiting += waiting
        if not stated:
            continue
        facility = stated[0].position.facility
        until: dict[int, int] = {}
        for one in stated:
            applied = one.position.applied
            until[applied.partition] = max(until.get(applied.partition, 0), applied.offset)
        evidence: dict[int, Evidence] = {}
        for number, end in until.items():
            readings = ledger.readings(facility, number, end)
            evidence[number] = Evidence(readings, rules)
            report.readings += len(readings)
        for one in stated:
            applied = one.position.applied
            moments = ledger.moments(one.position.programme, applied.partition, applied.offset)
            report.differences += verify(one, evidence[applied.partition], moments)
            report.positions += 1
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{report.positions} positions, {report.readings} readings ")
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    return report


def status_of(report: Report, asked: Selection) -> int:
    """Return the exit status: 1 when a position differs. Raises NothingKnownError."""
    if asked.at is not None and not report.positions + report.waiting:
        raise NothingKnownError(asked.at)
    return int(bool(report.differences))


def _lines(report: Report) -> Iterator[str]:
    if report.differences:
        yield from aligned(COLUMNS, _rows(report.differences))
        yield ""
    differing = report.document()["differing"]
    more = f", {report.waiting:,} wait for readings" if report.waiting else ""
    yield (
        f"{report.positions:,} positions recomputed from {report.readings:,} readings: "
        f"{differing:,} differ{more}"
    )


def _rows(differences: Sequence[Difference]) -> list[list[str]]:
    return [
        [
            one.position.facility,
            one.position.material,
            one.position.direction.value,
            one.field,
            str(one.stated),
            str(one.recomputed),
        ]
        for one in differences
    ]


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _time(value: datetime) -> str:
    return f"toDateTime64('{value.replace(tzinfo=None).isoformat(sep=' ')}', 6, 'UTC')"
