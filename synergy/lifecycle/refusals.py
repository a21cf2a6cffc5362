"""Why a command is refused: codes that programs read; `refusals.csv` puts them into words."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType


class Refusal(StrEnum):
    """Why a command was refused."""

    UNKNOWN_MATCH = "unknown_match"
    UNKNOWN_TRANSACTION = "unknown_transaction"
    UNKNOWN_ALERT = "unknown_alert"
    UNKNOWN_ACTION = "unknown_action"
    OUTDATED = "outdated"
    REVISION_MISSING = "revision_missing"
    NOT_ALLOWED = "not_allowed"
    SIDE_MISSING = "side_missing"
    REASON_MISSING = "reason_missing"
    QUANTITY_DIFFERS = "quantity_differs"
    QUANTITY_MISSING = "quantity_missing"
    QUANTITY_INVALID = "quantity_invalid"
    QUANTITY_TOO_LARGE = "quantity_too_large"
    DELIVERY_OPEN = "delivery_open"
    NOTHING_TO_APPROVE = "nothing_to_approve"
    OWN_AMENDMENT = "own_amendment"
    SUSPENDED = "suspended"
    QUALITY_FAILED = "quality_failed"
    PERMIT_MISSING = "permit_missing"
    INTERNAL_ERROR = "internal_error"


def refusal_words() -> Mapping[str, tuple[str, str]]:
    """Return each code's sentence in English and in Chinese: what is wrong and what to do."""
    text = (files("synergy.lifecycle") / "refusals.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return MappingProxyType({row["code"]: (row["en"], row["zh"]) for row in rows})
