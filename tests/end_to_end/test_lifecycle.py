"""From a proposal to a completed delivery on the real stack, over REST and as it is typed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from schemas import topic_files
from schemas.events import Direction, Form, Outcome, Property, SourceKind, Transaction
from synergy.lifecycle import agreement_id
from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.plants import TONNE, facility, now, reading

pytestmark = pytest.mark.kafka

PROGRAMME = "lifecycle"
NAMES = UUID("7f1f2b0a-3c61-5f57-9a53-0d9b5a2d1c77")


def proposed(pipeline: Pipeline, programme: str = PROGRAMME, name: str = "life") -> dict[str, Any]:
    """Enrol two plants, publish what one has and the other needs, and return their match."""
    power, mix = f"{name}-power", f"{name}-mix"
    giver = facility(power, programme)
    receiver = facility(mix, programme, industry="2395", latitude=39.0, longitude=-82.0)
    pipeline.publish(
        pipeline.record(topic_files.FACILITIES, one.id, one) for one in (giver, receiver)
    )
    pipeline.eventually(
        "both are enrolled", lambda: len(pipeline.get("facilities", programme=programme)) == 2
    )
    units = {"loi": "%", "so3": "%", "moisture": "%"}
    analyses = tuple(
        Property(name=name, value=1.0, unit=unit, sampled_at=now() - timedelta(days=1))
        for name, unit in units.items()
    )
    flows = [
        reading(power, number, quantity=400_000, properties=analyses if number == 600 else ())
        for number in range(1, 601)
    ]
    plan = reading(
        mix,
        1,
        material="portland_cement",
        direction=Direction.DEMAND,
        form=Form.PLAN,
        source_kind=SourceKind.ERP,
        quantity=900 * TONNE,
        period_start=now() - timedelta(days=1),
        period_end=now() + timedelta(days=1),
        observed_at=now(),
        document="order-1",
        revision=1,
    )
    pipeline.publish(
        pipeline.record(topic_files.AVAILABILITY, one.facility, one) for one in (*flows, plan)
    )
    found: list[dict[str, Any]] = pipeline.eventually(
        "a match is proposed", lambda: pipeline.get("matches", programme=programme)
    )
    pipeline.settle()
    return pipeline.get("matches", programme=programme)[0] if found else {}


def typed(pipeline: Pipeline, *words: str) -> tuple[int, str]:
    """Run a command line against the stack's store."""
    port = pipeline.stack.settings.store.port
    done = CliRunner().invoke(app, ["--set", f"store.port={port}", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_match_becomes_a_delivery_that_is_received_in_part_and_completed(
    pipeline: Pipeline,
) -> None:
    match = proposed(pipeline)
    agreement = str(agreement_id(UUID(match["id"])))
    body = {
        "id": str(uuid5(NAMES, "accept")),
        "action": "accept",
        "subject": match["id"],
        "revision": match["revision"],
        "side": "giver",
        "actor": "dispatcher@life-power",
    }
    first = pipeline.store.post("/api/v1/commands?wait=10", body)
    assert first["accepted"] is True, first

    pipeline.kill("market")
    assert pipeline.store.post("/api/v1/commands?wait=10", body) == first
    stale = {**body, "id": str(uuid5(NAMES, "stale")), "side": "receiver"}
    pipeline.eventually(
        "the market answers again",
        lambda: pipeline.store.post("/api/v1/commands?wait=5", stale).get("reason") == "outdated",
    )

    status, said = typed(pipeline, "match", "accept", match["id"][:13], "--as", "receiver")
    assert (status, agreement in said) == (0, True), said
    pipeline.eventually("the agreement is listed", lambda: transactions(pipeline))
    if transactions(pipeline)[0]["state"] == "conditional":
        assert typed(pipeline, "transaction", "dispatch", agreement)[0] == 1
        assert typed(pipeline, "transaction", "sample", agreement)[0] == 0
        seen(pipeline, "sample_requested")
        assert typed(pipeline, "transaction", "qualify", agreement)[0] == 0
        seen(pipeline, "qualified")
    status, said = typed(pipeline, "transaction", "dispatch", agreement, "--quantity", "90 t")
    assert status == 0, said
    seen(pipeline, "dispatched")
    status, said = typed(
        pipeline, "transaction", "receive", agreement, "--quantity", "60", "--reason", "wet"
    )
    assert status == 0, said
    seen(pipeline, "received_in_part")
    status, said = typed(pipeline, "transaction", "complete", agreement)
    assert status == 0, said
    seen(pipeline, "completed")

    status, shown = typed(pipeline, "transaction", "show", agreement, "--json")
    document = json.loads(shown)
    assert (document["deliveries"][0]["sent"], document["deliveries"][0]["taken"]) == (90, 60)
    assert document["impact"]["diverted"] == 60
    funnel = pipeline.store.get("/api/v1/funnel", programme=PROGRAMME)
    for stage in ("accepted_one_side", "agreed", "running", "completed", "received_in_part"):
        assert funnel[stage] == 1, stage

    pipeline.settle()
    told = [
        event
        for event in pipeline.events(topic_files.TRANSACTIONS, Transaction)
        if event.programme == PROGRAMME
    ]
    assert len({event.id for event in told}) == len(told)
    outcomes = [
        outcome
        for outcome in pipeline.events(topic_files.OUTCOMES, Outcome)
        if outcome.programme == PROGRAMME and str(outcome.command) == body["id"]
    ]
    assert outcomes
    assert len({(one.accepted, one.revision) for one in outcomes}) == 1
    rows = pipeline.sql(
        "SELECT state, quantity, impact.diverted FROM transactions "
        f"WHERE programme = '{PROGRAMME}' AND delivery IS NOT NULL ORDER BY revision"
    )
    assert rows == [
        ["dispatched", 90 * TONNE, 0],
        ["received_in_part", 60 * TONNE, 60 * TONNE],
        ["completed", None, 0],
    ]


def transactions(pipeline: Pipeline) -> list[dict[str, Any]]:
    return pipeline.get("transactions", programme=PROGRAMME)


def seen(pipeline: Pipeline, state: str) -> None:
    """Wait until the store has seen a state."""

    def reached() -> bool:
        (one,) = transactions(pipeline)
        return state in {one["state"], *(part["state"] for part in one["deliveries"])}

    pipeline.eventually(f"the transaction is {state}", reached)
