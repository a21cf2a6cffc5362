"""Where the values of the settings come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.settings import HIDDEN, SettingsError, environment, load, variable


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_source_wins_over_the_ones_after_it(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "var").mkdir()
    (empty_folder / "var" / "ports.json").write_text('{"kafka": 9}')
    assert load().settings.kafka.bootstrap == "127.0.0.1:9"
    (empty_folder / "synergy.toml").write_text('[kafka]\nbootstrap = "toml:1"\n')
    assert load().settings.kafka.bootstrap == "toml:1"
    (empty_folder / "named").write_text("file:1\n")
    monkeypatch.setenv("SYNERGY__KAFKA__BOOTSTRAP_FILE", "named")
    assert load().settings.kafka.bootstrap == "file:1"
    monkeypatch.setenv("SYNERGY__KAFKA__BOOTSTRAP", "environment:1")
    assert load().settings.kafka.bootstrap == "environment:1"
    assert load({"kafka.bootstrap": "flag:1"}).settings.kafka.bootstrap == "flag:1"


def test_every_value_tells_its_origin(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "synergy.toml").write_text('[logs]\nlevel = "debug"\n')
    monkeypatch.setenv("SYNERGY__STORE__PORT", "8888")
    origins = {row.name: row.origin for row in load({"replay.speed": 5}).origins()}
    assert origins["replay.speed"] == "flag"
    assert origins["store.port"] == "environment"
    assert origins["logs.level"] == "synergy.toml"
    assert origins["kafka.bootstrap"] == "default"


def test_a_flag_that_was_not_given_is_no_value() -> None:
    assert load({"kafka.bootstrap": None}).sources == {}


def test_an_address_of_a_stack_that_ran_here_was_not_chosen_by_anybody(empty_folder: Path) -> None:
    (empty_folder / "var").mkdir()
    (empty_folder / "var" / "ports.json").write_text('{"kafka": 9}')
    assert not load().chosen("kafka.bootstrap")
    assert not load().chosen("registry.url")
    assert load({"kafka.bootstrap": "broker:9092"}).chosen("kafka.bootstrap")


@pytest.mark.parametrize("content", ["", "[]", '{"kafka": "x"}', "{"])
def test_an_unreadable_ports_file_is_as_good_as_none(empty_folder: Path, content: str) -> None:
    (empty_folder / "var").mkdir()
    (empty_folder / "var" / "ports.json").write_text(content)
    assert load().settings.kafka.bootstrap == ""


def test_a_secret_is_hidden_and_still_reaches_the_client(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "password").write_text("open sesame\n")
    monkeypatch.setenv("SYNERGY__KAFKA__SASL_PASSWORD_FILE", str(empty_folder / "password"))
    loaded = load()
    assert "open sesame" not in str(loaded)
    shown = {row.name: row.value for row in loaded.origins()}
    assert shown["kafka.sasl_password"] == HIDDEN
    assert shown["registry.password"] == ""
    assert loaded.settings.kafka.client()["sasl.password"] == "open sesame"


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGY__KAFKA__BOTSTRAP", "typo:9092")
    with pytest.raises(SettingsError, match="SYNERGY__KAFKA__BOTSTRAP is no setting"):
        load()


def test_an_unknown_name_in_the_file_is_refused(empty_folder: Path) -> None:
    (empty_folder / "synergy.toml").write_text('[kafka]\nbotstrap = "typo:9092"\n')
    with pytest.raises(SettingsError, match=r"kafka\.botstrap \(synergy\.toml\): is no setting"):
        load()


def test_an_unknown_name_of_a_command_line_is_named_whole() -> None:
    with pytest.raises(SettingsError, match=r"foo\.bar \(flag\): is no setting"):
        load({"foo.bar": "1"})


def test_all_problems_are_told_at_once_without_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGY__STORE__PORT", "s3cret")
    with pytest.raises(SettingsError) as caught:
        load({"logs.level": "loud"})
    problems = caught.value.problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "store.port (environment)",
        "logs.level (flag)",
    ]
    assert "s3cret" not in str(caught.value)


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGY_CONFIG", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load()


def test_a_child_gets_what_the_parent_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment({"store.port": 8123, "kafka.bootstrap": "a:1"}).items():
        monkeypatch.setenv(name, value)
    settings = load().settings
    assert (settings.store.port, settings.kafka.bootstrap) == (8123, "a:1")
    assert variable("store.port") == "SYNERGY__STORE__PORT"
