"""Compares every hop with the one before: spool, topics, positions, ledger, screen. Each difference is one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from cli.connections import registry_address
from cli.verify import Ledger, Selection, verified
from producers.spool import SpooledRange, spooled_identities
from runtime.registry.client import RegistryClient
from schemas import topic_files
from schemas.errors import DecodeError
from schemas.events import (
    Availability,
    Command,
    Match,
    MatchState,
    Outcome,
    Rejected,
    Transaction,
)
from schemas.routing import partition_for
from sinks.ledger_tables import LEDGER_TABLES
from sinks.measure import DOUBLED, POSITIONS_DIFFERING, STREAMS, PublishedStream, measure, query
from stream_processors.balance import material_rules
from synergy.catalogue import load_catalogue
from tests.chaos.plants import PLANTS, sums
from tests.chaos.stand import Stand
from tests.end_to_end.pipeline import PARTITIONS, Pipeline
from tests.end_to_end.plants import TONNE

Place = tuple[str, int, int]
UNANSWERED = (
    MatchState.PROPOSED,
    MatchState.ACCEPTED_BY_GIVER,
    MatchState.ACCEPTED_BY_RECEIVER,
)


@dataclass
class Findings:
    """What the oracle found. `lost`, `duplicated` and `differing` count readings, rows and values."""

    events: int = 0
    lost: int = 0
    duplicated: int = 0
    differing: int = 0
    lines: list[str] = field(default_factory=list[str])

    def differ(self, line: str) -> None:
        """Note one value that is not what it should be."""
        self.differing += 1
        self.lines.append(line)

    def add(self, other: Findings) -> None:
        """Add what was found on another stand."""
        self.events += other.events
        self.lost += other.lost
        self.duplicated += other.duplicated
        self.differing += other.differing
        self.lines += other.lines


def compare_hops(stand: Stand) -> Findings:
    """Look at spool, topics and ledger; the source holds its breath and the stack is settled."""
    found, pipeline = Findings(), stand.pipeline
    spooled = spooled_identities(stand.control / "source.spool")
    _topic_has_what_was_spooled(pipeline, spooled, found)
    _ledger_has_what_was_spooled(pipeline, spooled, found)
    _ledger_has_what_the_topics_have(pipeline, found)
    return found


def compare(stand: Stand, count: int) -> Findings:
    """Look at everything; the stack is settled and the source has finished after `count` readings and the last ones."""
    found, pipeline = compare_hops(stand), stand.pipeline
    _positions(pipeline, count, found)
    _matches(pipeline, found)
    _commands(pipeline, found)
    _agreements(pipeline, found)
    return found


def _topic_has_what_was_spooled(
    pipeline: Pipeline, spooled: tuple[SpooledRange, ...], found: Findings
) -> None:
    seen: set[tuple[str, str, int, int]] = set()
    bad: set[Place] = set()
    for tp, record in pipeline.read(topic_files.AVAILABILITY):
        found.events += 1
        try:
            event = pipeline.codec.decode(record.value or b"")
        except DecodeError:
            bad.add((tp.topic, tp.partition, record.offset))
            continue
        assert isinstance(event, Availability)
        if partition_for(event.facility, PARTITIONS) != tp.partition:
            bad.add((tp.topic, tp.partition, record.offset))
            continue
        seen.add((event.source, event.facility, event.epoch, event.sequence))
    expected = {
        (one.source, one.facility, one.epoch, sequence)
        for one in spooled
        for sequence in range(1, one.last + 1)
    }
    for identity in sorted(expected - seen):
        found.lost += 1
        found.lines.append(f"spooled and not in the topic: {identity}")
    for identity in sorted(seen - expected):
        found.differ(f"in the topic and never spooled: {identity}")
    rejected = Counter(
        (one.origin.topic, one.origin.partition, one.origin.offset)
        for one in pipeline.events(topic_files.REJECTED, Rejected)
    )
    for place in sorted(bad - rejected.keys()):
        found.lost += 1
        found.lines.append(f"bad and not rejected: {place}")
    for place in sorted(rejected.keys() - bad):
        found.differ(f"good and rejected: {place}")
    for place, times in rejected.items():
        if times > 1:
            found.duplicated += times - 1
            found.lines.append(f"rejected {times} times: {place}")


def _ledger_has_what_was_spooled(
    pipeline: Pipeline, spooled: tuple[SpooledRange, ...], found: Findings
) -> None:
    published = [PublishedStream(s.source, s.facility, s.epoch, s.last) for s in spooled]
    [[doubled]] = pipeline.sql(query(DOUBLED))
    measured = measure(published, pipeline.sql(query(STREAMS)), int(doubled))
    found.lost += measured.lost
    found.duplicated += measured.duplicated
    if measured.lost or measured.duplicated:
        found.lines.append(f"ledger: {measured}")
    [[positions, differing]] = pipeline.sql(query(POSITIONS_DIFFERING))
    if not int(positions):
        found.differ("the ledger has no position")
    if int(differing):
        found.differing += int(differing)
        found.lines.append(f"{differing} of {positions} positions differ from their readings")


def _ledger_has_what_the_topics_have(pipeline: Pipeline, found: Findings) -> None:
    tables = " UNION ALL ".join(
        f"SELECT _topic, _partition, _offset FROM {table}"  # noqa: S608 - names of our own tables
        for table in LEDGER_TABLES
    )
    rows = pipeline.sql(
        "SELECT _topic, _partition, count(), sum(_offset), max(_offset)"  # noqa: S608
        f" FROM ({tables}) GROUP BY _topic, _partition"
    )
    held = {(str(row[0]), int(row[1])): tuple(int(one) for one in row[2:]) for row in rows}
    for topic in (name for name, one in topic_files.topic_files().items() if one.records):
        for number, offsets in _offsets(pipeline, topic):
            if not offsets:
                continue
            there = held.get((topic, number))
            wanted = len(offsets), sum(offsets), offsets[-1]
            if there != wanted:
                found.differ(
                    f"{topic}[{number}]: {wanted} offsets in the topic, {there} in the ledger"
                )


def _offsets(pipeline: Pipeline, topic: str) -> Iterator[tuple[int, list[int]]]:
    for number in range(PARTITIONS):
        yield number, [record.offset for _, record in pipeline.read(topic, [number])]


def _positions(pipeline: Pipeline, count: int, found: Findings) -> None:
    shown = {row["facility"]: row["quantity_24h"] for row in pipeline.get("positions")}
    for plant, grams in sums(count).items():
        if shown.get(plant) != round(grams / TONNE, 3):
            found.differ(f"{plant}: {grams} g published, {shown.get(plant)} t on screen")
    rules = material_rules(load_catalogue())
    with RegistryClient(registry_address(pipeline.stack.settings)) as registry:
        ledger = Ledger(pipeline.store, registry, pipeline.codec)
        report = verified(ledger, Selection(), rules)
        before = verified(ledger, Selection(at=datetime(2000, 1, 1, tzinfo=UTC)), rules)
    if report.positions < len(PLANTS):
        found.differ(f"only {report.positions} positions could be recomputed")
    if before.positions:
        found.differ("positions were known before there were any")
    for one in report.differences:
        place = f"{one.position.facility} {one.field}"
        found.differ(f"{place}: stated {one.stated}, recomputed {one.recomputed}")


def _matches(pipeline: Pipeline, found: Findings) -> None:
    latest: dict[str, Match] = {}
    revisions: dict[str, list[int]] = {}
    for one in pipeline.events(topic_files.MATCHES, Match):
        latest[str(one.id)] = one
        revisions.setdefault(str(one.id), []).append(one.revision)
    if not latest:
        found.differ("there is no match")
    for name, numbers in revisions.items():
        if numbers != list(range(1, len(numbers) + 1)):
            found.differ(f"match {name} has the revisions {numbers}")
    wanted: Mapping[str, tuple[int, str]] = {
        name: (one.revision, one.state.value)
        for name, one in latest.items()
        if one.state in UNANSWERED
    }
    shown = {
        row["id"]: (row["revision"], row["state"])
        for row in pipeline.get("matches")
        if row["state"] != MatchState.AGREED.value
    }
    for name in sorted(wanted.keys() | shown.keys()):
        if wanted.get(name) != shown.get(name):
            found.differ(f"match {name}: {wanted.get(name)} in the topic, {shown.get(name)} on screen")  # fmt: skip


def _commands(pipeline: Pipeline, found: Findings) -> None:
    """Every command has an answer for each time it is in the topic, always the same one."""
    asked = Counter(one.id for one in pipeline.events(topic_files.COMMANDS, Command))
    answers: dict[UUID, list[tuple[bool, str | None, int | None]]] = {}
    for one in pipeline.events(topic_files.OUTCOMES, Outcome):
        answers.setdefault(one.command, []).append((one.accepted, one.reason, one.revision))
    if not any(accepted for told in answers.values() for accepted, _, _ in told):
        reasons = Counter(reason for told in answers.values() for _, reason, _ in told)
        found.differ(f"none of {len(asked)} commands was accepted: {dict(reasons)}")
    for command in asked.keys() | answers.keys():
        told = answers.get(command, [])
        if len(told) < asked[command]:
            found.lost += asked[command] - len(told)
            found.lines.append(f"command {command}: sent {asked[command]} times, answers {told}")
        elif len(told) > asked[command]:
            found.duplicated += len(told) - asked[command]
            found.lines.append(f"command {command}: sent {asked[command]} times, answers {told}")
        elif len(set(told)) > 1:
            found.differ(f"command {command}: its answers differ: {told}")


def _agreements(pipeline: Pipeline, found: Findings) -> None:
    """A match that is agreed has one agreement, and every agreement is of a match that is."""
    agreements: dict[UUID, set[UUID]] = {}
    for one in pipeline.events(topic_files.TRANSACTIONS, Transaction):
        agreements.setdefault(one.match, set()).add(one.agreement)
    matches = pipeline.events(topic_files.MATCHES, Match)
    agreed = {one.id for one in matches if one.state is MatchState.AGREED}
    for match in agreed | agreements.keys():
        if match not in agreed or len(agreements.get(match, ())) != 1:
            found.differ(f"match {match}: agreed {match in agreed}, {agreements.get(match)}")
