"""The document of one facility: its series, matches, suggestions, and how its data are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.facility_health import FacilityHealth
from console.ledger_readers import LedgerReaders
from console.views import Views
from schemas import topic_files
from schemas.events import (
    Direction,
    FacilityFacts,
    Match,
    MatchState,
    Position,
    Reason,
    Rejected,
    Tick,
    Unmatched,
)
from synergy.catalogue import load_catalogue
from tests.ledger.desk import Desk, open_desk
from tests.ledger.engine import open_ledger
from tests.unit.console.examples import example

MILL = "mill"
THIRD = "third-plant"
FACTS = example(
    FacilityFacts,
    facility=MILL,
    programme="p",
    name="Mill (sample)",
    name_zh="样例厂",
    industry="3510",
    removed=False,
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "ledger") as opened:
        opened.show(topic_files.POSITIONS, FACTS)
        opened.show(
            topic_files.POSITIONS,
            replace(FACTS, facility="kiln", name="Kiln (sample)", name_zh="样例窑"),
        )
        yield opened


def ash(**changes: Any) -> Position:
    plain = example(
        Position,
        programme="p",
        facility=MILL,
        material="fly_ash",
        direction=Direction.SUPPLY,
        unit="GRM",
        stale=False,
        late=0,
        flags=(),
        days_seen=5,
        quality_good=1.0,
        quality_uncertain=0.0,
        quality_estimated=0.0,
    )
    return replace(plain, **changes)


def shown(client: TestClient, name: str = MILL) -> dict[str, Any]:
    answer = client.get(f"/api/v1/facilities/{name}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_a_facility_that_is_not_enrolled_is_said_so_with_the_command(client: TestClient) -> None:
    answer = client.get("/api/v1/facilities/nobody")
    assert answer.status_code == 404
    assert answer.json()["field"] == "id"
    assert "synergy facilities import" in answer.json()["fix"]


def test_who_never_sent_anything_is_told_how_to_begin(client: TestClient) -> None:
    document = shown(client)
    assert document["name_zh"] == "样例厂"
    assert document["industry_names"]["zh"] == "电力生产和供应"
    assert document["programme_mode"] == "live"
    (note,) = document["data_health"]["notes"]
    assert note["code"] == "silent"
    assert "--facility mill" in note["text"]
    assert "--facility mill" in note["text_zh"]


def test_a_match_is_shown_from_the_plant_s_own_side_and_names_no_third_plant(
    desk: Desk, client: TestClient
) -> None:
    reasons = (
        Reason(code="haul_reach", value=12.0, limit=90.0),
        Reason(code="alternative_receiver", subject=THIRD, value=3.0, unit="CNY", text="x"),
    )
    desk.show(
        topic_files.MATCHES,
        example(
            Match,
            programme="p",
            giver=MILL,
            receiver="kiln",
            material="fly_ash",
            use="fly_ash_raw_feed",
            need="clay",
            state=MatchState.PROPOSED,
            reasons=reasons,
        ),
    )
    (match,) = shown(client)["matches"]
    assert (match["role"], match["counterpart_names"]["zh"]) == ("giver", "样例窑")
    assert (match["use_names"]["zh"], match["need_names"]["en"]) == ("水泥生料", "Clay and shale")
    assert match["own_gain"] == match["giver_gain"]
    assert len(match["why"]) == len(match["why_zh"]) == 1
    assert THIRD not in " ".join((*match["why"], *match["why_zh"]))
    (seen_from_there,) = shown(client, "kiln")["matches"]
    assert (seen_from_there["role"], seen_from_there["counterpart_id"]) == ("receiver", MILL)


def test_a_series_without_a_match_says_why_in_both_languages(
    desk: Desk, client: TestClient
) -> None:
    reason = Reason(code="no_counterpart", subject="fly_ash")
    told = example(
        Unmatched,
        programme="p",
        facility=MILL,
        material="fly_ash",
        direction=Direction.SUPPLY,
        resolved=False,
        reasons=(reason,),
    )
    desk.show(topic_files.MATCHES, told)
    (unmatched,) = shown(client)["unmatched"]
    assert unmatched["why"] == ["Nobody in the programme offers or needs Coal fly ash for it now."]
    assert "粉煤灰" in unmatched["why_zh"][0]


def test_plants_of_its_industry_are_known_to_give_and_take(desk: Desk, client: TestClient) -> None:
    desk.show(topic_files.POSITIONS, ash())
    suggestions = shown(client)["suggestions"]
    gives = {(one["material"], one["use"]): one for one in suggestions["gives"]}
    raw_feed = gives["fly_ash", "fly_ash_raw_feed"]
    assert raw_feed["published"]
    assert raw_feed["recorded"] >= 3
    assert raw_feed["examples"][0]["source"]
    assert {"isic", "en", "zh"} <= raw_feed["partners"][0].keys()
    assert not gives["fgd_gypsum", "fgd_gypsum_wallboard"]["published"]
    assert any(one["material"] == "carbide_slag" for one in suggestions["takes"])


def test_the_health_of_its_data_names_what_to_mend(desk: Desk, client: TestClient) -> None:
    tick = example(Tick, programme="p")
    desk.show(topic_files.COMMANDS, tick)
    desk.show(
        topic_files.POSITIONS,
        ash(stale=True, late=4, as_of=tick.time - timedelta(hours=30)),
    )
    desk.show(
        topic_files.REJECTED, example(Rejected, facility=MILL, code="wrong_unit", source="meter")
    )
    desk.show(topic_files.REJECTED, example(Rejected, facility="kiln", code="wrong_unit"))
    document = shown(client)
    health = document["data_health"]
    assert health["state"] == "attention"
    assert [one["code"] for one in health["notes"]] == ["stale", "late", "rejected"]
    assert (health["series"][0]["age_s"], health["series"][0]["stale"]) == (30 * 3600, True)
    (rejects,) = health["rejects"]
    assert (rejects["code"], rejects["count"]) == ("wrong_unit", 1)
    assert rejects["words"]["fix"] == "convert and send grams, litres or kilojoules"
    assert rejects["words"]["fix_zh"]
    assert health["sources"] == []


def test_a_series_that_is_only_planned_has_no_meter_to_look_after(
    desk: Desk, client: TestClient
) -> None:
    plan = ash(direction=Direction.DEMAND, quality_good=0.0, plan_per_day=5_000_000)
    desk.show(topic_files.POSITIONS, plan)
    assert shown(client)["data_health"]["notes"] == []
    desk.show(topic_files.POSITIONS, replace(plan, plan_per_day=None))
    assert [one["code"] for one in shown(client)["data_health"]["notes"]] == ["uncertain"]


def test_good_data_need_no_words(desk: Desk, client: TestClient) -> None:
    desk.show(topic_files.POSITIONS, ash())
    health = shown(client)["data_health"]
    assert (health["state"], health["notes"]) == ("good", [])


def test_gaps_in_what_a_source_has_sent_are_counted_in_the_ledger(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger") as ledger:
        for offset, sequence in enumerate((1, 2, 2, 5)):
            ledger.database.command(
                "INSERT INTO availability"  # noqa: S608 our own numbers
                " (facility, source, epoch, sequence, _offset, period_end, _timestamp)"
                f" VALUES ('o''mill', 'meter', 7, {sequence}, {offset}, '2024-07-01 0{sequence}:00:00',"
                " '2024-07-02 00:00:00')"
            )
        for sequence, source in ((6, "meter"), (1, "erp")):  # refused, and of a year far away
            ledger.database.command(
                "INSERT INTO availability"  # noqa: S608 our own numbers
                " (_topic, facility, source, epoch, sequence, _offset, period_end, _timestamp)"
                f" VALUES ('t', 'o''mill', '{source}', 7, {sequence}, {90 + sequence},"
                " '2199-01-01 00:00:00', '2024-07-02 00:00:00')"
            )
            ledger.database.command(
                "INSERT INTO rejected (origin, code, facility, source, _timestamp)"  # noqa: S608
                f" VALUES (('t', 0, {90 + sequence}), 'period_in_future', 'o''mill', '{source}',"
                " '2024-07-02 00:00:00')"
            )
        readers = LedgerReaders.of(ledger.database)
        health = FacilityHealth(Views(), load_catalogue(), readers)
        document = asyncio.run(health.document("o'mill", [], datetime(2024, 7, 2, tzinfo=UTC)))
        readers.close()
    sources = {one["source"]: one for one in document["sources"]}
    source = sources["meter"]
    assert (source["records"], source["seen"], source["last"], source["missing"]) == (5, 4, 6, 2)
    assert source["newest_period_end"] == "2024-07-01T05:00:00Z", "what was refused says nothing"
    assert sources["erp"]["newest_period_end"] is None
    assert ("missing", "meter") in [(one["code"], one["subject"]) for one in document["notes"]]


def test_rejects_that_the_views_forgot_are_counted_in_the_ledger(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger") as ledger:
        for offset, (code, days) in enumerate(
            (("wrong_unit", 0), ("wrong_unit", 2), ("wrong_unit", 9), ("unknown_material", 1))
        ):
            ledger.database.command(
                "INSERT INTO rejected (origin, code, message, facility, source, _offset, _timestamp)"  # noqa: S608
                f" VALUES (('t', 1, {offset}), '{code}', 'no. {offset}', 'mill', 'meter', {offset},"
                f" now() - INTERVAL {days} DAY)"
            )
        readers = LedgerReaders.of(ledger.database)
        health = FacilityHealth(Views(), load_catalogue(), readers)
        document = asyncio.run(health.document("mill", [], datetime(2024, 7, 2, tzinfo=UTC)))
        readers.close()
    found = [(one["code"], one["count"], one["message"]) for one in document["rejects"]]
    assert found == [("wrong_unit", 2, "no. 0"), ("unknown_material", 1, "no. 3")]
    assert document["rejects"][0]["origin"] == {"topic": "t", "partition": 1, "offset": 0}
    assert document["rejects"][0]["words"]["fix"]


def test_a_ledger_that_does_not_answer_is_no_good_health(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger") as ledger:
        readers = LedgerReaders.of(ledger.database)
        readers.waiting = 1_000
        health = FacilityHealth(Views(), load_catalogue(), readers)
        document = asyncio.run(health.document("mill", [ash()], datetime(2024, 7, 2, tzinfo=UTC)))
        readers.close()
    assert (document["state"], document["sources"], document["notes"]) == ("unknown", None, [])
