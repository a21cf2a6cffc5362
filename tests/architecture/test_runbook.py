"""The runbook explains every reason that the product gives."""

from __future__ import annotations

import re
from pathlib import Path

from runtime import partition_stops
from runtime.partition_stops import StopReason
from schemas.errors import DECODE_CODES
from stream_processors import balance, rejection
from synergy.balance.enrolment import BAD_FACILITY
from synergy.balance.validation import REASONS
from synergy.rejections import reject_reasons

PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"


def _explained() -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))


def test_every_reject_reason_is_explained() -> None:
    own = Path(str(rejection.__file__)).read_text() + Path(str(balance.__file__)).read_text()
    given = set(re.findall(r'Fault\(\s*"(\w+)"', own))
    assert {"misplaced", "internal_error", "tombstone"} <= given
    missing = (given | {BAD_FACILITY} | set(DECODE_CODES) | set(REASONS)) - _explained()
    assert not missing, f"add to docs/runbook.md: {sorted(missing)}"


def test_the_page_says_of_a_reject_what_the_screens_say() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    said = {code: (meaning, fix) for code, meaning, fix in rows}
    known = reject_reasons()
    assert len(known) > 20
    assert {code: said.get(code) for code in known} == {
        code: (one.meaning, one.fix) for code, one in known.items()
    }


def test_every_reject_reason_has_words_in_both_languages() -> None:
    given = {BAD_FACILITY} | set(DECODE_CODES) | set(REASONS)
    assert given <= reject_reasons().keys()
    for one in reject_reasons().values():
        assert all((one.meaning, one.fix, one.meaning_zh, one.fix_zh)), one.code


def test_every_reason_to_stop_is_explained() -> None:
    kinds = [
        kind
        for kind in vars(partition_stops).values()
        if isinstance(kind, type) and issubclass(kind, StopReason) and kind is not StopReason
    ]
    codes = {re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower() for kind in kinds}
    missing = codes - _explained()
    assert len(codes) >= 8
    assert not missing, f"add to docs/runbook.md: {sorted(missing)}"
