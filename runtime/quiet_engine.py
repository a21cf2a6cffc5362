"""Loads the embedded engine without the stack trace that it prints where /sys has no memory files of cgroups.

The engine opens a first connection while it is imported, before any setting can reach it, and on a machine without
these files reports that as an error with thirty lines of addresses. It works all the same. What else it prints is
passed on.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator

_REPORT = "Cannot use cgroups reader"
_STANDARD_ERROR = 2


def load_engine() -> None:
    """Import chDB once. Raises ImportError."""
    if "chdb" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(_STANDARD_ERROR)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), _STANDARD_ERROR)
        try:
            importlib.import_module("chdb")
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            aside.seek(0)
            said = aside.read().decode(errors="replace")
            sys.stderr.write("".join(without_report(said)))


def without_report(said: str) -> Iterator[str]:
    r"""Yield the lines that are not part of the engine's report on cgroups.

    >>> list(without_report("one\nCannot use cgroups reader: x\n\n0. ? @ 0x1\n1. f @ 0x2\n (version 26)\ntwo\n"))
    ['one\n', 'two\n']
    """
    inside = False
    for line in said.splitlines(keepends=True):
        if _REPORT in line:
            inside = True
        elif inside and _belongs(line):
            continue
        else:
            inside = False
            yield line


def _belongs(line: str) -> bool:
    number, dot, _ = line.partition(".")
    return (
        not line.strip()
        or (bool(dot) and number.isdecimal())
        or line.lstrip().startswith("(version")
    )
