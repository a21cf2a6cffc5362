"""A visitor's own plant: enrolled from a file, published, and matched or told why not, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.reading_gateway import client_token
from runtime.settings import load
from schemas import topic_files
from schemas.events import Availability
from tests.end_to_end.pipeline import Pipeline

pytestmark = pytest.mark.kafka

PROGRAMME = "own-plants"
WITHIN_S = 5.0
PLANTS = """\
id,name,industry,latitude,longitude,country
own-power,Own power station (sample),gbt:4411,32.66,117.02,CN
own-kiln,Own cement works (sample),gbt:3011,32.70,117.10,CN
"""


def typed(pipeline: Pipeline, *words: str) -> tuple[int, str]:
    """Run a command line against the stack, as on its machine."""
    settings = pipeline.stack.settings
    flags = {
        "var": settings.var,
        "store.port": settings.store.port,
        "registry.url": settings.registry.url,
        "kafka.bootstrap": settings.kafka.bootstrap,
    }
    given = [word for name, value in flags.items() for word in ("--set", f"{name}={value}")]
    done = CliRunner().invoke(app, [*given, *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def published(pipeline: Pipeline, *words: str) -> tuple[int, dict[str, Any]]:
    status, said = typed(pipeline, "publish", *words, "--json", "--wait", "60")
    return status, json.loads(said)


def enrol(pipeline: Pipeline, file: Path) -> str:
    words = ("facilities", "import", str(file), "--programme", PROGRAMME, "--new-programme")
    status, said = typed(pipeline, *words)
    assert status == 0, said
    return said.splitlines()[-1]


def test_an_own_plant_is_enrolled_matched_and_told_why_another_material_is_not(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    file = tmp_path / "plants.csv"
    file.write_bytes(PLANTS.encode("gb18030"))
    assert enrol(pipeline, file) == "2 new, 0 changed, 0 unchanged"
    assert enrol(pipeline, file) == "0 new, 0 changed, 2 unchanged"

    kiln = ("--facility", "own-kiln", "--material", "clay", "--demand", "600 t/day")
    status, alone = published(pipeline, *kiln)
    assert (status, alone["outcome"]) == (3, "unmatched"), alone
    assert alone["why"]

    power = ("--facility", "own-power", "--material", "粉煤灰", "--supply", "12 t/h")
    status, matched = published(
        pipeline, *power, "--moisture", "0.5%", "--loi", "7.1%", "--key", "own-power-1"
    )
    assert (status, matched["outcome"]) == (0, "matched"), matched
    assert matched["seconds"] < WITHIN_S
    (match,) = matched["matches"]
    assert (match["counterpart_id"], match["role"]) == ("own-kiln", "giver")

    status, heat = published(
        pipeline, "--facility", "own-power", "--material", "waste_heat", "--supply", "40 GJ/h"
    )
    assert (status, heat["outcome"]) == (3, "unmatched"), heat
    assert heat["seconds"] < WITHIN_S

    document = pipeline.store.get("/api/v1/facilities/own-power")
    assert [one["material"] for one in document["positions"]] == ["waste_heat", "fly_ash"]
    assert document["programme_mode"] == "live"


def test_the_same_key_is_answered_the_same_after_the_store_was_killed_and_counts_once(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    file = tmp_path / "plants.csv"
    file.write_text(PLANTS, encoding="utf-8")
    enrol(pipeline, file)
    body = {
        "readings": [
            {
                "facility": "own-power",
                "material": "bottom_ash",
                "direction": "supply",
                "quantity": 60,
                "unit": "TNE",
                "source": "silo",
            }
        ]
    }
    token = client_token(load({"var": pipeline.stack.settings.var}).settings)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "silo-2024-001"}
    first = pipeline.store.post("/api/v1/readings", body, headers)
    pipeline.kill("store")
    again = pipeline.eventually(
        "the store answers again",
        lambda: pipeline.store.post("/api/v1/readings", body, headers),
    )
    assert again == first
    pipeline.settle()
    sent = [
        event
        for event in pipeline.events(topic_files.AVAILABILITY, Availability)
        if event.source == "rest/demo/silo"
    ]
    assert {(one.epoch, one.sequence) for one in sent} == {
        (one["epoch"], one["sequence"]) for one in first["readings"]
    }
    rows = pipeline.sql(
        "SELECT count(), sum(quantity) FROM availability_counted WHERE source = 'rest/demo/silo'"
    )
    assert rows == [[1, 60_000_000]]


def test_a_file_with_a_wrong_row_enrols_nobody(pipeline: Pipeline, tmp_path: Path) -> None:
    file = tmp_path / "plants.csv"
    file.write_text(PLANTS.replace("own-", "odd-") + "odd-one,Odd,cement,32,117,CN\n")
    words = ("facilities", "import", str(file), "--programme", PROGRAMME, "--new-programme")
    status, said = typed(pipeline, *words)
    assert status == 1
    assert "row 4, industry 'cement'" in said
    assert said.endswith("1 error: nothing was enrolled.\n")
    status, said = typed(pipeline, *words, "--dry-run", "--json")
    assert (status, json.loads(said)["enrolled"]) == (1, False)
    assert not pipeline.get("facilities", facility="odd-power")
