"""The page's files: complete in both languages, and sent with a policy that lets nothing in from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console.page import page_routes
from schemas.events import AlertState, DataKind, MatchState, Severity, Side, Verdict
from synergy.alerts import alert_rules
from synergy.lifecycle import COMMANDS, AgreementState, DeliveryState

WEB = Path(str(files("console"))) / "web"
LANGUAGES = ("en", "zh-CN")
KEY = re.compile(r'(?<![#.\w])say\(\s*"([\w.]+)"|data-word="([\w.]+)"')


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=page_routes())) as opened:
        yield opened


def words(language: str) -> dict[str, str]:
    return dict(json.loads((WEB / "words" / f"{language}.json").read_text("utf-8")))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_no_key_has_words_twice(language: str) -> None:
    pairs: list[tuple[str, str]] = json.loads(
        (WEB / "words" / f"{language}.json").read_text("utf-8"), object_pairs_hook=list
    )
    assert len(pairs) == len(dict(pairs))


def test_both_languages_have_words_for_the_same_keys() -> None:
    assert words("en").keys() == words("zh-CN").keys()
    for key, text in words("en").items():
        assert text.strip(), key
        names = re.findall(r"\{\w+\}", text)
        assert sorted(names) == sorted(re.findall(r"\{\w+\}", words("zh-CN")[key])), key


def test_every_key_that_the_page_asks_for_has_words() -> None:
    asked = {
        first or second
        for path in [*WEB.glob("*.js"), WEB / "index.html"]
        for first, second in KEY.findall(path.read_text("utf-8"))
    }
    assert len(asked) > 50
    assert sorted(asked - words("en").keys()) == []


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("kind", DataKind),
        ("state", MatchState),
        ("state", AlertState),
        ("state", AgreementState),
        ("load", DeliveryState),
        ("severity", Severity),
        ("verdict", Verdict),
        ("side", Side),
        ("rule", [rule.value for rule in alert_rules()]),
        ("action", [action.value for action in COMMANDS]),
    ],
)
def test_every_term_that_the_store_may_send_has_words(prefix: str, values: list[str]) -> None:
    assert [value for value in values if f"{prefix}.{value}" not in words("en")] == []


def test_the_page_names_all_its_modules_and_nothing_elsewhere(client: TestClient) -> None:
    page = client.get("/").text
    named = set(re.findall(r'modulepreload" href="/page/([\w.]+)"', page))
    assert named == {path.name for path in WEB.glob("*.js")}
    assert "http" not in page
    assert "<style" not in page
    assert "style=" not in page


def test_every_file_is_sent_with_the_policy_and_a_tag(client: TestClient) -> None:
    for address in (
        "/",
        "/page/main.js",
        "/page/style.css",
        "/page/words/en.json",
        "/page/icon.svg",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2Fapp.py", "nothing.js", "", "words", "README.md"]
)
def test_nothing_but_the_page_s_own_files_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


@pytest.mark.parametrize(
    ("address", "cookie", "accepted", "language"),
    [
        ("/", "", "zh-CN,zh;q=0.9,en;q=0.5", "zh-CN"),
        ("/", "", "fr, en;q=0.5", "en"),
        ("/", "en", "zh-CN", "en"),
        ("/?lang=zh-CN", "en", "en", "zh-CN"),
        ("/?lang=xx", "", "zh", "zh-CN"),
        ("/", "nonsense", "", "en"),
    ],
)
def test_the_language_is_the_asked_then_the_chosen_then_the_browser_s(
    client: TestClient, address: str, cookie: str, accepted: str, language: str
) -> None:
    client.cookies.clear()
    headers = {"Accept-Language": accepted, "Cookie": f"synergy_language={cookie}"}
    answer = client.get(address, headers=headers)
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    assert ("set-cookie" in answer.headers) == (address == f"/?lang={language}")


def test_the_outline_is_small_and_says_where_it_is_from() -> None:
    assert (WEB / "outline.json").stat().st_size < 200_000
    assert "public domain" in " ".join((WEB / "OUTLINE.md").read_text("utf-8").split())
