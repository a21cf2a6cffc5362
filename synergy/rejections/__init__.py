"""What each reject reason means and how to mend it, in English and Chinese: the one source of screens and runbook.

Pure (gate: import-linter): it reads its packaged file once and has no clock.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectReason:
    """One reason code of `synergy.rejected.v1`."""

    code: str
    meaning: str
    fix: str
    meaning_zh: str
    fix_zh: str


@cache
def reject_reasons() -> Mapping[str, RejectReason]:
    """Return the reasons by code."""
    text = (files("synergy.rejections") / "reasons.csv").read_text(encoding="utf-8")
    rows = (RejectReason(**row) for row in csv.DictReader(io.StringIO(text)))
    return MappingProxyType({row.code: row for row in rows})
