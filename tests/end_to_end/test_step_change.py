"""A step in what a plant supplies changes its match, all the way to what people see over REST."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from schemas import topic_files
from schemas.events import Availability, Direction, Facility, Match
from tests.end_to_end.pipeline import CLOCK, Pipeline, say
from tests.end_to_end.plants import TONNE, analysed, facility, now, reading

pytestmark = pytest.mark.kafka

PROGRAMME = "step"
GIVER, RECEIVER = "step-power", "step-cement"
DAY = timedelta(days=1)


def publish(pipeline: Pipeline, topic: str, events: Iterable[Availability | Facility]) -> None:
    pipeline.publish(
        pipeline.record(topic, one.id if isinstance(one, Facility) else one.facility, one)
        for one in events
    )


def flow(plant: str, sequence: int, tonnes: int, **changes: Any) -> Availability:
    """So many tonnes in the hour before the last quarter of an hour."""
    end = now() - timedelta(minutes=15)
    return reading(
        plant,
        sequence,
        quantity=tonnes * TONNE,
        period_start=end - timedelta(hours=1),
        period_end=end,
        **changes,
    )


def open_matches(pipeline: Pipeline) -> list[dict[str, Any]]:
    return pipeline.get("matches", programme=PROGRAMME)


def supply(pipeline: Pipeline) -> dict[str, Any]:
    [found] = pipeline.get("positions", programme=PROGRAMME, facility=GIVER)
    return found


def test_a_step_in_supply_revises_the_match_and_is_seen_over_rest(pipeline: Pipeline) -> None:
    publish(
        pipeline,
        topic_files.FACILITIES,
        [
            facility(GIVER, PROGRAMME),
            facility(RECEIVER, PROGRAMME, industry="2394", latitude=39.0, longitude=-82.0),
        ],
    )
    pipeline.eventually(
        "both are enrolled", lambda: len(pipeline.get("facilities", programme=PROGRAMME)) == 2
    )
    need = {"material": "clay", "direction": Direction.DEMAND}
    publish(
        pipeline,
        topic_files.AVAILABILITY,
        [flow(RECEIVER, 1, 900, **need), flow(GIVER, 1, 100, properties=analysed())],
    )
    [before] = pipeline.eventually("a match is proposed", lambda: open_matches(pipeline))
    assert (before["giver_id"], before["receiver_id"]) == (GIVER, RECEIVER)
    assert before["quantity_per_day"] == supply(pipeline)["quantity_24h"] == 100

    began = CLOCK.monotonic_s()
    publish(pipeline, topic_files.AVAILABILITY, [flow(GIVER, 2, 200)])
    [after] = pipeline.eventually(
        "the match is revised over REST",
        lambda: [one for one in open_matches(pipeline) if one["quantity_per_day"] == 300],
    )
    say(f"from the reading to REST: {CLOCK.monotonic_s() - began:.2f} s")
    assert supply(pipeline)["quantity_24h"] == 300
    assert after["id"] == before["id"]
    assert after["revision"] > before["revision"]
    assert after["gain_giver"] > before["gain_giver"]
    assert after["gain_receiver"] > before["gain_receiver"]
    told = [
        one for one in pipeline.events(topic_files.MATCHES, Match) if one.programme == PROGRAMME
    ]
    assert [one.revision for one in told] == list(range(1, len(told) + 1))
    assert str(told[-1].id) == after["id"]
    assert told[-1].quantity_per_day == 300 * TONNE

    publish(pipeline, topic_files.AVAILABILITY, [flow(GIVER, 3, 2_000)])
    pipeline.eventually(
        "the need is what limits it now",
        lambda: [
            one
            for one in open_matches(pipeline)
            if 300 < one["quantity_per_day"] <= 900
            and any(reason["code"].startswith("binding") for reason in one["reasons"])
        ],
    )
