"""Builds the programmes from the data files beside the code and, when it is there, the shared folder."""

from __future__ import annotations

from pathlib import Path

from producers.programmes.files import read_lines
from producers.programmes.hebei_anhui import hebei_anhui
from producers.programmes.ohio_valley import ohio_valley
from producers.programmes.programme import Programme
from synergy.derive.coefficients import parse_coefficients


def shipped_folder() -> Path:
    """Return the folder `programmes/` of the checkout or of the installed wheel."""
    return Path(__file__).resolve().parents[2] / "programmes"


def load_programmes(shared: Path | None, folder: Path | None = None) -> tuple[Programme, ...]:
    """Build both programmes.

    Args:
        shared: Folder with the reference data (`data/facilities/...` lies in it), or None: without it
            the Hebei-Anhui programme runs on named samples where it has no shippable plant.
        folder: Folder of the shipped data; the one beside the code by default.

    Raises:
        ProgrammeFileError: a data file can't be used.
        CoefficientRowError: a coefficient can't be used.
    """
    data = folder or shipped_folder()
    coefficients = parse_coefficients(read_lines(data / "coefficients.csv"))
    return (
        ohio_valley(data / "ohio_valley", coefficients),
        hebei_anhui(data / "hebei_anhui", coefficients, shared),
    )
