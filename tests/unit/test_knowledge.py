"""What the catalogue knows, as people and programs ask for it: by material and by industry, in both languages."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cli.materials import UnknownNameError, show_industries, show_materials
from console.materials import material_routes
from console.problems import ProblemError, answer_problem
from synergy.catalogue import load_catalogue
from synergy.catalogue.documents import industries_of, industry_document, material_document

CATALOGUE = load_catalogue()


@pytest.fixture
def client() -> TestClient:
    handlers = {ProblemError: answer_problem}
    return TestClient(Starlette(routes=material_routes(CATALOGUE), exception_handlers=handlers))


def test_every_material_and_industry_has_its_document() -> None:
    for material in CATALOGUE.materials.values():
        found = material_document(CATALOGUE, material)
        json.dumps(found)
        assert all(use["material"]["id"] == material.id for use in found["uses"])
        assert all(use["substitutes"]["id"] == material.id for use in found["replaced_by"])
    for industry in industries_of(CATALOGUE):
        given = industry_document(CATALOGUE, industry["id"])
        assert given is not None
        assert given["gives"] or given["takes"]


@pytest.mark.parametrize("name", ["fly_ash", "粉煤灰", "Coal fly ash"])
def test_a_material_is_found_by_any_of_its_names(client: TestClient, name: str) -> None:
    found = client.get(f"/api/v1/materials/{name}").json()
    assert (found["id"], found["unit"], found["name_zh"]) == ("fly_ash", "t", "粉煤灰")
    loss = [
        limit["limit"]
        for use in found["uses"]
        for limit in use["limits"]
        if limit["property"]["id"] == "loi" and limit["country"] == "CN"
    ]
    assert loss
    assert {giver["id"] for use in found["uses"] for giver in use["givers"]} >= {"3510"}


def test_what_could_have_been_meant_is_said(client: TestClient) -> None:
    answer = client.get("/api/v1/materials/石膏")
    assert answer.status_code == 404
    assert "fgd_gypsum (脱硫石膏)" in answer.json()["fix"]
    assert client.get("/api/v1/industries/9999").status_code == 404
    assert client.get("/api/v1/materials?industry=3510").json()["field"] == "industry"


def test_lists_name_what_can_be_asked_for(client: TestClient) -> None:
    materials = client.get("/api/v1/materials").json()
    assert materials["total"] == len(CATALOGUE.materials)
    for industry in client.get("/api/v1/industries").json()["industries"]:
        found = client.get(f"/api/v1/industries/{industry['id']}").json()
        assert found["industry"] == industry


def test_the_commands_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_materials("脱硫石膏", "text") == 0
    text = capsys.readouterr().out
    assert "purity 纯度 at least 94 %" in text
    assert "EWC 100105" in text
    assert show_industries("35.11", "json") == 0
    assert json.loads(capsys.readouterr().out)["industry"]["id"] == "3510"
    assert show_materials(None, "text") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CATALOGUE.materials) + 1
    assert show_industries(None, "text") == 0
    assert "3510" in capsys.readouterr().out


def test_a_name_that_nobody_knows_is_an_error_with_a_way_on() -> None:
    with pytest.raises(UnknownNameError, match="fgd_gypsum"):
        show_materials("gypsum", "text")
    with pytest.raises(UnknownNameError, match="synergy materials"):
        show_materials("qqqq", "text")
    with pytest.raises(UnknownNameError, match="synergy industries"):
        show_industries("9999", "json")
