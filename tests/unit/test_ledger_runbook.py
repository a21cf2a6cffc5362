"""The runbook explains every reason for which the ledger stops, with the flag that its message names."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from cli.__main__ import app
from sinks import ledger_opener, ledger_opening

PAGE = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text("utf-8")


def test_every_reason_to_stop_is_explained() -> None:
    code = (
        Path(str(ledger_opening.__file__)).read_text()
        + Path(str(ledger_opener.__file__)).read_text()
    )
    reasons = set(re.findall(r'^ +"([a-z_]+)",$', code, re.MULTILINE))
    assert {"gap", "topic_recreated", "table_behind_group", "log_cut"} <= reasons
    missing = {reason for reason in reasons if f"| `{reason}` |" not in PAGE}
    assert not missing, f"add to docs/runbook.md: {sorted(missing)}"


def test_every_flag_that_a_message_names_is_one_of_the_command() -> None:

    shown = CliRunner().invoke(app, ["store", "--help"], env={"COLUMNS": "200"}).output
    code = Path(str(ledger_opening.__file__)).read_text()
    flags = set(re.findall(r"--[a-z-]+", code))
    assert len(flags) == 3
    assert all(flag in shown for flag in flags)
