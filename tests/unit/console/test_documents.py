"""Documents: trade units, names, and the kind of number that a person may rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.documents import TRADE, Documents, traded
from console.views import Views
from schemas.events import (
    DataKind,
    FacilityFacts,
    Match,
    Position,
    Rejected,
    ReplayState,
    Tick,
    Unmatched,
)
from synergy.catalogue import load_catalogue
from tests.unit.console.examples import example

CATALOGUE = load_catalogue()


@pytest.fixture
def views() -> Views:
    return Views()


@pytest.fixture
def documents(views: Views) -> Documents:
    return Documents(views, CATALOGUE)


def test_quantities_are_in_trade_units_to_the_kilogram() -> None:
    assert traded(1_234_567, "GRM") == 1.235
    assert traded(1_500, "LTR") == 1.5
    assert traded(-1_500, "KJO") == -1.5


def test_every_base_unit_of_the_catalogue_has_a_trade_unit() -> None:
    assert {material.base_unit for material in CATALOGUE.materials.values()} == TRADE.keys()


def test_a_position_names_facility_and_material_once_they_are_known(
    views: Views, documents: Documents
) -> None:
    position = example(Position, facility="mill", material="fly_ash", unit="GRM", stock=None)
    assert documents.position(position)["facility_name"] == "mill"
    views.take(example(FacilityFacts, facility="mill", name="Mill (sample)", removed=False))
    shown = documents.position(position)
    assert (shown["facility_name"], shown["material_name"]) == ("Mill (sample)", "Coal fly ash")
    assert (shown["unit"], shown["stock"]) == ("t", None)
    assert shown["quantity_24h"] == round(position.quantity_24h / 1_000_000, 3)
    assert shown["applied"] == {
        "topic": position.applied.topic,
        "partition": position.applied.partition,
        "offset": position.applied.offset,
    }


def test_a_match_shows_names_and_keeps_the_ids(views: Views, documents: Documents) -> None:
    match = example(Match, giver="mill", receiver="kiln", material="fly_ash", unit="GRM")
    views.take(example(FacilityFacts, facility="mill", name="The mill", removed=False))
    shown = documents.match(match)
    assert (shown["giver"], shown["giver_id"]) == ("The mill", "mill")
    assert (shown["receiver"], shown["receiver_id"]) == ("kiln", "kiln")
    assert (shown["material"], shown["material_id"]) == ("Coal fly ash", "fly_ash")
    assert shown["giver_gain"] == float(match.gain_giver)
    assert shown["quantity_per_day"] == round(match.quantity_per_day / 1_000_000, 3)
    assert shown["id"] == str(match.id)


def test_every_document_is_json(documents: Documents) -> None:
    found: dict[str, Any] = {
        "match": documents.match(example(Match)),
        "position": documents.position(example(Position)),
        "facility": documents.facility(example(FacilityFacts)),
        "unmatched": documents.unmatched(example(Unmatched)),
        "rejected": documents.rejected(example(Rejected, value=b"\x00\xff")),
        "programme": documents.programme(example(Tick)),
    }
    for name, document in found.items():
        assert json.loads(json.dumps(document, allow_nan=False)) == document, name


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        ((), ""),
        (("MEASURED",), "MEASURED"),
        (("MEASURED", "ESTIMATED"), "ESTIMATED"),
        (("ESTIMATED", "SIMULATED", "ASSUMED"), "SIMULATED"),
    ],
)
def test_a_programme_is_as_certain_as_its_least_certain_position(
    views: Views, documents: Documents, kinds: tuple[str, ...], shown: str
) -> None:
    for number, kind in enumerate(kinds):
        views.take(
            example(Position, facility=f"f{number}", programme="p", data_kind=DataKind(kind))
        )
    views.take(example(Position, facility="other", programme="q", data_kind=DataKind.SIMULATED))
    assert documents.programme(example(Tick, programme="p"))["data_kind"] == shown


def test_a_replay_that_ended_has_no_speed_and_says_so(documents: Documents) -> None:
    running = documents.programme(example(Tick, state=ReplayState.RUNNING, speed=60.0))
    ended = documents.programme(example(Tick, state=ReplayState.ENDED, speed=60.0))
    assert (running["speed"], running["note"]) == (60.0, "")
    assert (ended["speed"], ended["note"]) == (None, "replay ended")
