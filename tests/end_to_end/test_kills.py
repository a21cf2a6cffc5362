"""Every process is killed in the middle of a stream, more than once, and everything still counts exactly once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from cli.connections import registry_address
from cli.verify import Ledger, Selection, verified
from runtime.log import OutRecord
from runtime.registry.client import RegistryClient
from schemas import topic_files
from schemas.events import Availability, Direction, Match
from sinks.measure import DOUBLED, POSITIONS_DIFFERING, STREAMS, PublishedStream, measure, query
from stream_processors.balance import material_rules
from synergy.catalogue import load_catalogue
from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.plants import TONNE, analysed, facility, now, reading

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PROGRAMME = "kills"
GIVERS = [f"kill-power-{number}" for number in range(16)]
RECEIVERS = [f"kill-cement-{number}" for number in range(4)]
READINGS_EACH = 250
WAVES = (("balance", "store"), ("market",), ("balance", "market", "store"))


def last_reading(plant: str) -> Availability:
    """A large reading that no deadband hides, so that the last position includes everything."""
    end = now() - timedelta(minutes=15)
    changes = needed(plant) or {"properties": analysed()}
    return reading(
        plant,
        READINGS_EACH,
        quantity=400 * TONNE,
        period_start=end - timedelta(hours=1),
        period_end=end,
        **changes,
    )


def needed(plant: str) -> dict[str, object]:
    """What a receiver needs; a giver needs nothing."""
    return {"material": "clay", "direction": Direction.DEMAND} if plant in RECEIVERS else {}


def stream() -> Iterator[Availability]:
    """Every plant's readings in turn, as they would arrive."""
    for sequence in range(1, READINGS_EACH):
        for plant in (*GIVERS, *RECEIVERS):
            yield reading(plant, sequence, **needed(plant))
    for plant in (*GIVERS, *RECEIVERS):
        yield last_reading(plant)


def applied_so_far(pipeline: Pipeline) -> int:
    return sum(head.next[topic_files.AVAILABILITY] for head in pipeline.heads("balance").values())


def wait_until_more_is_applied(pipeline: Pipeline, before: int) -> None:
    pipeline.eventually(
        f"more than {before} offsets are applied", lambda: applied_so_far(pipeline) > before
    )


def records(pipeline: Pipeline, events: Sequence[Availability]) -> list[OutRecord]:
    return [pipeline.record(topic_files.AVAILABILITY, one.facility, one) for one in events]


@pytest.fixture(scope="module")
def killed(pipeline: Pipeline) -> Pipeline:
    """Publish 5,000 readings in waves; kill something when a part of each wave is applied and the rest is not."""
    enrolled = [facility(plant, PROGRAMME) for plant in GIVERS]
    enrolled += [
        facility(plant, PROGRAMME, industry="2394", latitude=39.0 + number / 10)
        for number, plant in enumerate(RECEIVERS)
    ]
    pipeline.publish(pipeline.record(topic_files.FACILITIES, one.id, one) for one in enrolled)
    pipeline.eventually(
        "all are enrolled",
        lambda: len(pipeline.get("facilities", programme=PROGRAMME)) == len(enrolled),
    )
    restarts = pipeline.restarts()
    readings = list(stream())
    rest = iter(readings)
    size = len(readings) // (2 * len(WAVES))
    for names in WAVES:
        before = applied_so_far(pipeline)
        pipeline.publish(records(pipeline, list(islice(rest, size))))
        wait_until_more_is_applied(pipeline, before)
        pipeline.publish(records(pipeline, list(islice(rest, size))))
        for name in names:
            pipeline.kill(name)
    pipeline.publish(records(pipeline, list(rest)))
    pipeline.settle()
    for name in {name for names in WAVES for name in names}:
        wanted = sum(name in names for names in WAVES)
        assert pipeline.restarts()[name] - restarts[name] == wanted
    return pipeline


def test_the_ledger_has_every_reading_once(killed: Pipeline) -> None:
    published = [
        PublishedStream(f"meter:{plant}", plant, 1, READINGS_EACH)
        for plant in (*GIVERS, *RECEIVERS)
    ]
    streams = [row for row in killed.sql(query(STREAMS)) if str(row[1]).startswith("kill-")]
    [[doubled]] = killed.sql(query(DOUBLED))
    found = measure(published, streams, int(doubled))
    assert found.published == found.in_ledger == READINGS_EACH * len(published)
    assert (found.lost, found.duplicated, found.resent) == (0, 0, 0)
    [[identities, grams]] = killed.sql(
        "SELECT uniqExact(source, facility, epoch, sequence), sum(quantity) FROM availability_counted "
        "WHERE startsWith(facility, 'kill-')"
    )
    assert identities == found.published
    assert grams == sum(one.quantity for one in stream())


def test_every_published_position_equals_its_readings(killed: Pipeline) -> None:
    [[positions, differing]] = killed.sql(query(POSITIONS_DIFFERING))
    assert positions > len(GIVERS)
    assert differing == 0


def test_every_position_is_recomputed_from_the_bytes_of_the_ledger(killed: Pipeline) -> None:
    rules = material_rules(load_catalogue())
    with RegistryClient(registry_address(killed.stack.settings)) as registry:
        ledger = Ledger(killed.store, registry, killed.codec)
        report = verified(ledger, Selection(), rules)
        assert report.positions > len(GIVERS)
        assert report.readings >= READINGS_EACH * (len(GIVERS) + len(RECEIVERS))
        assert report.differences == []
        before_all = Selection(at=datetime(2000, 1, 1, tzinfo=UTC), facility=GIVERS[0])
        assert verified(ledger, before_all, rules).positions == 0


def test_the_positions_on_screen_include_everything(killed: Pipeline) -> None:
    shown = {
        row["facility"]: row["quantity_24h"] for row in killed.get("positions", programme=PROGRAMME)
    }
    expected: dict[str, int] = {}
    for one in stream():
        expected[one.facility] = expected.get(one.facility, 0) + one.quantity
    assert shown == {plant: grams / TONNE for plant, grams in expected.items()}


def test_the_matches_on_screen_are_the_fold_of_what_was_published(killed: Pipeline) -> None:
    latest: dict[str, Match] = {}
    revisions: dict[str, list[int]] = {}
    for one in killed.events(topic_files.MATCHES, Match):
        if one.programme == PROGRAMME:
            latest[str(one.id)] = one
            revisions.setdefault(str(one.id), []).append(one.revision)
    shown = {
        row["id"]: (row["revision"], row["state"], row["quantity_per_day"])
        for row in killed.get("matches", programme=PROGRAMME)
    }
    assert shown
    assert shown == {
        name: (one.revision, one.state.value, round(one.quantity_per_day / TONNE, 3))
        for name, one in latest.items()
        if one.state.value == "PROPOSED"
    }
    for numbers in revisions.values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_nothing_of_it_was_rejected(killed: Pipeline) -> None:
    assert killed.sql("SELECT 1 FROM rejected WHERE startsWith(facility, 'kill-')") == []


def test_the_logs_say_what_happened_without_a_traceback(killed: Pipeline) -> None:
    for name in ("balance", "market", "store"):
        lines = killed.log_lines(name)
        assert not [line for line in lines if "Traceback" in line]
        assert not [line for line in lines if '"level": "error"' in line]
