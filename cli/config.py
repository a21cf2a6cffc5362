"""`synergy config show`: every setting, its value and where it came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

from runtime.settings import load

Form = Literal["text", "json"]


def show(flags: Mapping[str, object], form: Form) -> None:
    """Print the settings. Raises SettingsError."""
    rows = load(flags).origins()
    if form == "json":
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
        return
    name_width = max(len(row.name) for row in rows)
    value_width = min(44, max(len(row.value) for row in rows))
    for row in rows:
        line = f"{row.name:<{name_width}}  {row.value:<{value_width}}  {row.origin}"
        sys.stdout.write(line.rstrip() + "\n")
