"""The programmes, built once for all tests of this folder, and the shared reference data where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers.programmes import Programme, load_programmes, shipped_folder
from producers.programmes.files import read_lines
from producers.reading import Reading
from synergy.derive.coefficients import Coefficients, parse_coefficients

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the shared reference data beside the checkout (../shared)")
    return SHARED


@pytest.fixture(scope="session")
def coefficients() -> Coefficients:
    return parse_coefficients(read_lines(shipped_folder() / "coefficients.csv"))


@pytest.fixture(scope="session")
def ohio() -> Programme:
    return load_programmes(None)[0]


@pytest.fixture(scope="session")
def hebei() -> Programme:
    return load_programmes(None)[1]


@pytest.fixture(scope="session")
def tour(ohio: Programme) -> list[Reading]:
    """Every reading of March 2007."""
    return played(ohio, 0)


@pytest.fixture(scope="session")
def mitchell_chapter(ohio: Programme) -> list[Reading]:
    return played(ohio, 1)


@pytest.fixture(scope="session")
def pilot(hebei: Programme) -> list[Reading]:
    """Every reading of Hebei-Anhui in a clone without shared data."""
    return played(hebei, 0)


def played(programme: Programme, chapter: int) -> list[Reading]:
    now = programme.chapters[chapter]
    return list(programme.readings(now.start, now.end))
