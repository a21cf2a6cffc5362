"""The drawn architecture is the real one."""

from __future__ import annotations

import re
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "schemas",
    "synergy",
    "runtime",
    "producers",
    "stream_processors",
    "sinks",
    "console",
    "cli",
)


def drawn_arrows() -> set[tuple[str, str]]:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\s*(\w+) --> (\w+)$", page, re.MULTILINE))


def real_imports() -> set[tuple[str, str]]:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    pairs = {
        (module.split(".")[0], imported.split(".")[0])
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    return {(importer, imported) for importer, imported in pairs if importer != imported}


def test_the_diagram_shows_the_real_imports() -> None:
    drawn, real = drawn_arrows(), real_imports()
    assert drawn - real == set(), "drawn, but nothing imports it"
    assert real - drawn == set(), "imported, but not drawn"


def test_only_packages_are_drawn() -> None:
    assert {name for arrow in drawn_arrows() for name in arrow} <= set(PACKAGES)
