"""Reading the data files of a programme: plain or gzipped UTF-8 text, as lines."""

from __future__ import annotations

import gzip
from pathlib import Path


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file; a name that ends in `.gz` is unpacked."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            return stream.readlines()
    return path.read_text(encoding="utf-8").splitlines(keepends=True)
