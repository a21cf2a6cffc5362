"""The end of `synergy up --for TIME --json`: let everything arrive, then count once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.connections import kafka_connection
from cli.run_replay import spool_folder
from cli.stack import Stack
from cli.store_client import StoreClient, StoreError
from cli.view import view_of
from producers.spool import spooled_identities
from runtime.clock import Clock
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.partition_head import HEAD_KEY, Head
from runtime.setting_types import Settings
from schemas import topic_files
from sinks.measure import DOUBLED, POSITIONS_DIFFERING, STREAMS, PublishedStream, measure, query

SETTLE_S = 20.0
QUIET_LOOKS = 3
PERIOD_S = 0.5
EXACT = ("lost", "duplicated", "positions_differing")
ASKED_FOR = ("rejected", "positions", "open_matches", "ledger_rows", "lag", "funnel")


def reckon(stack: Stack, clock: Clock) -> dict[str, Any]:
    """Stop the replay and the actors, wait until nothing is under way, and count.

    What can't be had is None: a number that was not measured is not zero.
    """
    stack.stop_part("actors")
    stack.stop_part("replay")
    client = StoreClient(stack.settings.store.address)
    try:
        status = _settled(client, stack, clock)
        counts = _counts(client, stack.settings)
    finally:
        client.close()
    return counts | {name: status.get(name) for name in ASKED_FOR}


def is_exact(document: Mapping[str, Any]) -> bool:
    """Whether everything was counted, and nothing was lost, doubled or wrong."""
    return all(document[name] == 0 for name in EXACT)


def _settled(client: StoreClient, stack: Stack, clock: Clock) -> dict[str, Any]:
    """Return the status once the lag has been zero and the ledger unchanged for a few looks in a row."""
    deadline = clock.monotonic_s() + SETTLE_S
    quiet = 0
    before: object = None
    status = _get(client, "/api/v1/status")
    while quiet < QUIET_LOOKS and clock.monotonic_s() < deadline:
        clock.sleep(PERIOD_S)
        stack.look()
        status = _get(client, "/api/v1/status")
        rows = status.get("ledger_rows")
        still = rows is not None and rows == before and view_of(status, {}).lag == 0
        quiet = quiet + 1 if still else 0
        before = rows
    return status


def _get(client: StoreClient, path: str) -> dict[str, Any]:
    try:
        return client.get(path)
    except StoreError:
        return {}


def _counts(client: StoreClient, settings: Settings) -> dict[str, Any]:
    names = ("published", "applied", "resent", "lost", "duplicated")
    positions = ("positions_published", "positions_differing")
    try:
        doubled = _ask(client, query(DOUBLED))[0][0]
        found = measure(_published(settings), _ask(client, query(STREAMS)), int(doubled))
        applied = _ask(client, _applied_below(_heads(settings)))[0][0]
        checked = _ask(client, query(POSITIONS_DIFFERING))[0]
    except StoreError:
        return dict.fromkeys((*names, *positions))
    values = (found.published, applied, found.resent, found.lost, found.duplicated)
    return dict(zip((*names, *positions), (*values, *checked), strict=True))


def _ask(client: StoreClient, sql: str) -> list[list[Any]]:
    return list(client.post("/api/v1/sql", {"sql": sql})["rows"])


def _published(settings: Settings) -> Iterator[PublishedStream]:
    for path in sorted(spool_folder(settings).glob("*.sqlite")):
        for one in spooled_identities(path):
            yield PublishedStream(one.source, one.facility, one.epoch, one.acknowledged)


def _heads(settings: Settings) -> Mapping[int, int]:
    """Return the first offset of availability that each balance partition has not applied, as its state says."""
    log = KafkaLog(kafka_connection(settings))
    found: dict[int, int] = {}
    for number in range(log.describe(topic_files.BALANCE_CHANGELOG).partitions):
        tp = TopicPartition(topic_files.BALANCE_CHANGELOG, number)
        for record in log.read(tp, *log.bounds(tp)):
            if record.key == HEAD_KEY and record.value is not None:
                found[number] = Head.decode(record.value).next[topic_files.AVAILABILITY]
    return found


def _applied_below(heads: Mapping[int, int]) -> str:
    """Return the query that counts the readings which are in the positions."""
    below = [f"_partition = {number} AND _offset < {next_}" for number, next_ in heads.items()]
    return f"SELECT count() FROM availability_counted WHERE {' OR '.join(below) or 'false'}"  # noqa: S608 - numbers
