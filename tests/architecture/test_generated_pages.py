"""Documents that are wrong fail the build."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.generate import FOLDER, PAGES
from runtime.metrics import METRICS

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), (
        "refresh it with `make docs`"
    )


def declared_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    declared = [*project["project"]["dependencies"], *groups["dev"], *groups["interop"]]
    for engine in (ROOT / "bench" / "engines" / "requirements").glob("*.in"):
        declared += engine.read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[<>=]", line)[0] for line in declared}


def test_every_dependency_has_a_line_and_every_line_a_dependency() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([\w.-]+)` \|", page, re.MULTILINE))
    assert explained == declared_dependencies()


def test_every_metric_of_the_list_is_measured_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for package in ("runtime", "sinks", "console", "producers", "stream_processors", "cli")
        for path in (ROOT / package).rglob("*.py")
        if path != ROOT / "runtime" / "metrics.py"
    )
    assert [name for name in METRICS if f'"{name}"' not in code] == []


def pages() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert len(found) > 10, "the pages were not found"
    return found


def test_every_link_between_pages_and_files_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages()
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


def test_every_file_that_a_page_names_exists() -> None:
    named = re.compile(
        r"`((?:schemas|synergy|runtime|producers|stream_processors|sinks|cli|tests|infra|docs)/[\w./-]+)`"
    )
    missing = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in pages()
        for path in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists()
    ]
    assert missing == []


def test_every_decision_is_listed_and_says_how_it_is_enforced() -> None:
    folder = ROOT / "docs" / "adr"
    decisions = [path for path in sorted(folder.glob("*.md")) if path.name != "README.md"]
    assert decisions
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for number, path in enumerate(decisions, 1):
        assert path.name.startswith(f"{number:04d}-")
        assert path.name in listed
        assert "**Enforced by**" in path.read_text(encoding="utf-8")
