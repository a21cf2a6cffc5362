"""A reading that was rejected for a reason that somebody mends is sent again, and counts once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.rejected import PAGE
from schemas import topic_files
from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.plants import facility, reading

pytestmark = pytest.mark.kafka

PROGRAMME = "mended"
LATE = "enrolled-late"


def synergy(pipeline: Pipeline, *arguments: str) -> str:
    """Run a command on the pipeline; return what it prints."""
    settings = pipeline.stack.settings
    flags = [
        f"--set=var={settings.var}",
        f"--set=kafka.bootstrap={settings.kafka.bootstrap}",
        f"--set=store.port={settings.store.port}",
    ]
    command = [sys.executable, "-m", "cli", *flags, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rejections(pipeline: Pipeline, code: str) -> int:
    [[found]] = pipeline.sql(f"SELECT count() FROM rejected WHERE code = '{code}'")
    return int(found)


def test_what_is_not_mended_is_rejected_again_and_the_command_ends(pipeline: Pipeline) -> None:
    code = "unknown_material"
    plant = "not-mended"
    pipeline.publish([pipeline.record(topic_files.FACILITIES, plant, facility(plant, PROGRAMME))])
    pipeline.eventually(
        "it is enrolled", lambda: pipeline.get("facilities", programme=PROGRAMME, facility=plant)
    )
    before = rejections(pipeline, code)
    bad = [reading(plant, number, material="unobtainium") for number in range(1, 2 * PAGE + 2)]
    pipeline.publish(pipeline.record(topic_files.AVAILABILITY, plant, one) for one in bad)
    count = before + len(bad)
    pipeline.eventually("all are rejected", lambda: rejections(pipeline, code) == count)
    said = synergy(pipeline, "rejected", "replay", "--code", code)
    assert said == f"{count} records published again\n"
    pipeline.settle()
    assert rejections(pipeline, code) == 2 * count


def test_a_reading_of_a_facility_that_was_enrolled_too_late_counts_once(pipeline: Pipeline) -> None:
    early = [reading(LATE, number) for number in (1, 2, 3)]
    pipeline.publish(pipeline.record(topic_files.AVAILABILITY, LATE, one) for one in early)
    where = f"facility = '{LATE}' AND code = 'unknown_facility'"
    places = pipeline.eventually(
        "all three are in the ledger's rejections",
        lambda: (
            rows
            if len(
                rows := pipeline.sql(
                    f"SELECT origin.topic, origin.partition, origin.offset FROM rejected WHERE {where}"
                )
            )
            == len(early)
            else []
        ),
    )
    assert pipeline.sql(f"SELECT 1 FROM availability_counted WHERE facility = '{LATE}'") == []
    pipeline.publish([pipeline.record(topic_files.FACILITIES, LATE, facility(LATE, PROGRAMME))])
    pipeline.eventually(
        "it is enrolled", lambda: pipeline.get("facilities", programme=PROGRAMME, facility=LATE)
    )
    coordinates = [":".join(map(str, place)) for place in places]
    listed = synergy(pipeline, "rejected", "list", "--code", "unknown_facility", "--limit", "1000")
    assert all(one in listed for one in coordinates)
    twice = [*coordinates, *coordinates]  # somebody is not sure whether it worked
    assert synergy(pipeline, "rejected", "replay", *twice) == "6 records published again\n"
    pipeline.settle()
    counted = pipeline.sql(
        f"SELECT sequence, quantity FROM availability_counted WHERE facility = '{LATE}' ORDER BY sequence"
    )
    assert counted == [[one.sequence, one.quantity] for one in early]
    assert pipeline.sql(f"SELECT count() FROM availability WHERE facility = '{LATE}'") == [[9]]
    [shown] = pipeline.get("positions", programme=PROGRAMME, facility=LATE)
    assert shown["quantity_24h"] == round(sum(one.quantity for one in early) / 1e6, 3)
